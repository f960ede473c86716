# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Programs in payloads, for tests that run them with the Pythons of this machine.

`write_payload` keeps modules as source, which suits all Pythons; `make` compiles them.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any, Mapping

from pants_pyoxidizer import startup
from pants_pyoxidizer.startup.payload import Payload, Writer

PLUGIN = Path(next(iter(startup.__path__))).parents[1]


def pythons() -> list[str]:
    """This test's own Python, and one of each other minor version that pyenv has."""
    found: dict[tuple[int, ...], str] = {sys.version_info[:2]: sys.executable}
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for python in sorted(versions.glob("3.*/bin/python3")):
        major, minor, *_ = python.parts[-3].split(".")
        if minor.isdigit() and int(minor) >= 8:
            found.setdefault((int(major), int(minor)), str(python))
    return [path for _, path in sorted(found.items())]


def write_payload(
    path: Path,
    files: Mapping[str, str | bytes],
    start: tuple[str | None, str | None] = (None, None),
    interpreter: bool = False,
) -> Path:
    """Append a payload: Python files become modules, and are among the files as well."""
    with open(path, "ab") as file:
        writer = Writer(file)
        for name, text in files.items():
            content = dedent(text).encode() if isinstance(text, str) else text
            writer.add_file(name, content)
            stem, dot, suffix = name.rpartition(".")
            if suffix == "py":
                is_package = stem.endswith("/__init__")
                module = stem[: -len("/__init__")] if is_package else stem
                writer.add_module(module, name, is_package)
        writer.finish(*start, interpreter)
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
    # Unlike PyOxidizer's, this interpreter takes options such as `-c` itself.
    return _run([python, "-I", "-S", "-B", "-c", code, *args], options)


def write_program(
    path: Path,
    python: str,
    files: Mapping[str, str | bytes],
    start: tuple[str | None, str | None] = (None, None),
    interpreter: bool = False,
) -> Path:
    """Write what stands for a binary: it starts an interpreter as a runtime would."""
    write_launcher(path, python)
    return write_payload(path, files, start, interpreter)


def write_launcher(path: Path, python: str) -> Path:
    """The part before the payload: `sys` looks as it does in PyOxidizer's executables."""
    code = (
        f"import sys; sys.executable = {str(path)!r}; sys.argv[0] = None; sys.frozen = True; "
        f"sys.path.insert(0, {str(PLUGIN)!r}); del sys; "
        "__import__('pants_pyoxidizer.startup.start', fromlist=['main']).main()"
    )
    # The shell reads no further than `exec`.
    script = f'#!/bin/sh\nexec {shlex.quote(python)} -I -S -B -c {shlex.quote(code)} "$@"\n'
    path.write_text(script)
    path.chmod(0o755)
    return path


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
        "from pants_pyoxidizer.programs.make_payload import main; sys.exit(main())"
    )
    # Not isolated: that would ignore PYTHONHASHSEED.
    subprocess.run([python, "-c", code, *args], check=True, env={**os.environ, **env})
