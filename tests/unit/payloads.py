# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Programs in payloads, for tests that run them with the Pythons of this machine.

`write_program` has the Python that is to run it compile its modules, as `make_payload` does it.
`write_sources` keeps modules as source, which suits all Pythons.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any, Mapping

from pants_pyoxidizer import startup
from pants_pyoxidizer.startup.payload import Payload, Writer, open_file
from unit.wheels import write_wheel

PLUGIN = Path(next(iter(startup.__path__))).parents[1]
MAIN = Path(__file__).with_name("startup_main.rs")
COMPILED = TemporaryDirectory()


def pythons(oldest: int = 8) -> list[str]:
    """This test's own Python, and one of each other minor version on the PATH or in pyenv."""
    found: dict[int, str] = {sys.version_info[1]: sys.executable}
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for minor in range(8, 15):
        on_path = shutil.which(f"python3.{minor}")
        installed = sorted(versions.glob(f"3.{minor}.*/bin/python3"))
        for python in [*installed, *filter(None, [on_path])]:
            found.setdefault(minor, str(python))
    return [path for minor, path in sorted(found.items()) if minor >= oldest]


def write_sources(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write a payload of modules that did not compile: they are source, and among the files."""
    with open(path, "wb") as file:
        writer = Writer(file)
        for name, content in files.items():
            writer.add_file(name, content.encode() if isinstance(content, str) else content)
            stem = name[: -len(".py")]
            is_package = stem.endswith("/__init__")
            module = stem[: -len("/__init__")] if is_package else stem
            writer.add_module(module, name, is_package)
        writer.finish()
    return path


def everything(payload: Payload) -> dict[str, Any]:
    """All that a payload says, with its contents in place of their positions."""
    modules = {
        name: (path, is_package, None if code is None else bytes(payload.read(code)))
        for name, (path, is_package, code) in payload.modules.items()
    }
    return {
        "modules": modules,
        "files": {path: bytes(payload.read(it)) for path, it in payload.files.items()},
        "namespaces": payload.namespaces,
        "start": payload.start,
    }


def run(python: str, code: str, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run code in an isolated interpreter that has the plugin's modules, and nothing else."""
    code = f"import sys; sys.path.insert(0, {str(PLUGIN)!r})\n{dedent(code)}"
    return _run([python, "-I", "-S", "-B", "-c", code, *args], options)


def write_program(
    path: Path,
    python: str,
    files: Mapping[str, str | bytes],
    start: tuple[str | None, str | None] = (None, None),
    interpreter: bool = False,
    sources: bool = False,
    variables: bool = False,
) -> Path:
    """Write what stands for a binary: it starts a Python as a runtime would."""
    write_launcher(path, python)
    with TemporaryDirectory() as folder, open(path, "ab") as file:
        part = write_part(Path(folder, "part"), python, files, sources)
        writer = Writer(file)
        writer.add_payload(part)
        writer.finish(*start, interpreter, variables)
    return path


def write_part(
    path: Path, python: str, files: Mapping[str, str | bytes], sources: bool = False
) -> Payload:
    """Write what `make_payload` makes of a wheel with these files."""
    contents = {
        name: dedent(text).encode() if isinstance(text, str) else text
        for name, text in files.items()
    }
    wheel = write_wheel(path.with_suffix(".whl"), contents)
    make(python, "wheel", *["--sources"] * sources, "--output", str(path), str(wheel))
    part = open_file(str(path))
    assert part is not None
    return part


def write_launcher(path: Path, python: str) -> Path:
    """What a runtime is with this Python, whose standard library stays where it is."""
    shutil.copy(launcher(python), path)
    return path


@functools.lru_cache(maxsize=None)
def launcher(python: str) -> Path:
    code = (
        "import sys; from sysconfig import get_config_var as v; shared = v('Py_ENABLE_SHARED'); "
        "print(sys.base_prefix); print(v('LIBDIR' if shared else 'LIBPL')); "
        "print(v('INSTSONAME' if shared else 'LIBRARY')); print(v('LIBS'), v('SYSLIBS'))"
    )
    result = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    home, libdir, library, libraries = result.stdout.splitlines()
    folder = Path(COMPILED.name, home.strip("/").replace("/", "-"))
    folder.mkdir()
    for source in (PLUGIN / "pants_pyoxidizer/startup/process.rs", MAIN):
        shutil.copy(source, folder)
    argv = ["rustc", "--edition=2021", MAIN.name, "-o", "launcher", "-Cstrip=symbols"]
    linked = [
        f"{libdir}/{library}",
        f"-Wl,-rpath,{libdir}",
        "-Wl,-export-dynamic",
        *libraries.split(),
    ]
    argv += [f"-Clink-arg={argument}" for argument in linked]
    env = {**os.environ, "PLUGIN": str(PLUGIN), "HOME_OF_PYTHON": home}
    subprocess.run(argv, cwd=folder, env=env, check=True)
    return folder / "launcher"


def run_program(path: Path, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return _run([str(path), *args], options)


def _run(argv: list[str], options: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    defaults: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60}
    result: subprocess.CompletedProcess[str] = subprocess.run(argv, **{**defaults, **options})
    return result


def make(python: str, *args: str, **env: str) -> None:
    """Run `make_payload` as this Python."""
    code = (
        f"import sys; sys.path.insert(0, {str(PLUGIN)!r}); "
        "from pants_pyoxidizer.programs.wheels.make_payload import main; sys.exit(main())"
    )
    # Not isolated: that would ignore PYTHONHASHSEED.
    subprocess.run([python, "-c", code, *args], check=True, env={**os.environ, **env})
