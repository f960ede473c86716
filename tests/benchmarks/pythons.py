# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The Python that all sides get, and virtual environments made of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Sequence

from benchmarks.progress import StepError, run, say

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"

# Newest first. The plugin packs newer ones (its docs/usage.md), but the Pex of Pants 2.17, which
# Pants' own backend uses as well, does not know them.
MINOR_VERSIONS = ("3.11", "3.10", "3.9")

_PROBE = """\
import json, os, sys, sysconfig
try:
    import ensurepip, venv
    has_venv = True
except ImportError:
    has_venv = False
print(json.dumps({
    "path": os.path.realpath(sys.executable),
    "version": "%d.%d.%d" % sys.version_info[:3],
    "shared": bool(sysconfig.get_config_var("Py_ENABLE_SHARED")),
    "has_venv": has_venv and sys.implementation.name == "cpython",
}))
"""


@dataclass(frozen=True)
class Python:
    """A CPython of this machine; `shared`: it has a shared libpython, which PyInstaller needs."""

    path: str
    version: str
    shared: bool

    @property
    def minor_version(self) -> str:
        return ".".join(self.version.split(".")[:2])


def probe(path: str) -> Python | None:
    """What the Python at `path` is; None if it does not run, or cannot make a venv."""
    try:
        answer = json.loads(run([path, "-I", "-c", _PROBE], timeout=30))
    except (StepError, ValueError):
        return None
    if not answer.pop("has_venv"):
        return None
    return Python(**answer)


def candidates() -> Iterable[str]:
    """Paths at which a Python may be: on PATH and, as Pants looks there too, of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for minor in MINOR_VERSIONS:
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            path = os.path.join(folder, f"python{minor}")
            if os.access(path, os.X_OK):
                yield path
        yield from sorted(map(str, pyenv.glob(f"versions/{minor}.*/bin/python{minor}")))


def best(pythons: Iterable[Python | None]) -> Python | None:
    """The newest with a shared library, or else the newest."""
    found = [p for p in pythons if p is not None and p.minor_version in MINOR_VERSIONS]
    found.sort(key=lambda p: (not p.shared, MINOR_VERSIONS.index(p.minor_version)))
    return found[0] if found else None


def find_python(wanted: str | None) -> Python:
    python = best(map(probe, [wanted] if wanted else candidates()))
    if python is None:
        looked = wanted or "PATH and pyenv's versions"
        raise StepError(f"no CPython {', '.join(MINOR_VERSIONS)} with venv in {looked}")
    return python


def make_venv(python: Python, folder: Path, requirements: Sequence[str]) -> Path:
    """A venv with the given files of REQUIREMENTS, made once; the path of its Python."""
    contents = "".join((REQUIREMENTS / name).read_text() for name in requirements)
    key = hashlib.sha256(f"{python}{contents}".encode()).hexdigest()[:16]
    interpreter, ready = folder / "bin/python", folder / "ready"
    if ready.is_file() and ready.read_text() == key:
        return interpreter
    say(f"Installing {', '.join(requirements)} into {folder.name} (Python {python.version})")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run([python.path, "-I", "-m", "venv", folder])
    pip: list[str | Path] = [
        interpreter,
        "-I",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
    ]
    for name in requirements:
        run(
            [*pip, "install", "--quiet", "--require-hashes", "--no-deps", "-r", REQUIREMENTS / name]
        )
    ready.write_text(key)
    return interpreter


def pins(text: str) -> tuple[str, ...]:
    """The requirements of a file with hashes: "name==version", with its marker if there is one."""
    matches = re.finditer(r"^([A-Za-z0-9._-]+==[^\s;\\]+)( ; [^\\\n]+)?", text, re.MULTILINE)
    return tuple((m.group(1) + (m.group(2) or "")).strip() for m in matches)


def pinned_version(requirements: str, project: str) -> str:
    """The version that a file of REQUIREMENTS pins, as in "6.22.3"."""
    for pin in pins((REQUIREMENTS / requirements).read_text()):
        name, _, rest = pin.partition("==")
        if name == project:
            return rest.split(" ")[0]
    raise StepError(f"{requirements} does not pin {project}")
