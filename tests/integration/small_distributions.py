# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Small distributions, each with one module of its name, and programs that print these names."""

from __future__ import annotations

import base64
import hashlib
import re
import tarfile
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType
from typing import Mapping, Sequence

from unit.wheels import write_wheel


def make_wheel(
    folder: Path,
    name: str,
    *,
    requires: str = "",
    tag: str = "py3-none-any",
    note: str = "",
    more: Mapping[str, str] = MappingProxyType({}),
    executable: tuple[str, ...] = (),
) -> Path:
    """A wheel file, with `more` files; with another `note`, it has another hash."""
    version = "1.0"
    dist_info = f"{name}-{version}.dist-info"
    requires_dist = f"Requires-Dist: {requires}\n" if requires else ""
    files = {
        f"{name}.py": f"# {note}\ndef name():\n    return '{name} {version}'\n",
        f"{dist_info}/METADATA": (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires_dist}"
        ),
        f"{dist_info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
        ),
        **more,
    }
    record = [f"{path},{_record_hash(content)},{len(content)}" for path, content in files.items()]
    files[f"{dist_info}/RECORD"] = "\n".join([*record, f"{dist_info}/RECORD,,"]) + "\n"
    folder.mkdir(exist_ok=True)
    return write_wheel(folder / f"{name}-{version}-{tag}.whl", files, executable=executable)


def _record_hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


PYPROJECT = """\
[build-system]
requires = ["setuptools==69.5.1", "wheel==0.43.0"]
build-backend = "setuptools.build_meta"
"""

EXTENSION = """\
#include <Python.h>

static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_NAME", "", -1, methods};
PyMODINIT_FUNC PyInit__NAME(void) { return PyModule_Create(&module); }
"""


def make_project(folder: Path, name: str, *, native: bool = False) -> None:
    """Sources for setuptools; native ones have a C extension."""
    extension = f", ext_modules=[Extension('_{name}', ['_{name}.c'])]" if native else ""
    answer = f"__import__('_{name}').answer()" if native else "42"
    files = {
        "pyproject.toml": PYPROJECT,
        "setup.py": dedent(
            f"""\
            from setuptools import Extension, setup
            setup(name={name!r}, version="1.0", py_modules=[{name!r}]{extension})
            """
        ),
        f"{name}.py": f"def name():\n    return '{name} 1.0 ' + str({answer})\n",
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        **({f"_{name}.c": EXTENSION.replace("NAME", name)} if native else {}),
    }
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file).write_text(content)


def make_sdist(folder: Path, name: str, *, native: bool = False) -> Path:
    """A source distribution, which has another hash each time."""
    sources = folder / "sources" / name
    make_project(sources, name, native=native)
    sdist = folder / f"{name}-1.0.tar.gz"
    with tarfile.open(sdist, "w:gz") as archive:
        archive.add(sources, f"{name}-1.0")
    return sdist


BUILD = """\
python_sources(name="lib", resolve={resolve!r})
python_distribution(
    name="dist",
    dependencies=[":lib"],
    provides=python_artifact(name="{name}-dist", version="0.0.1"),
)
pyoxidizer_binary(name="bin", dependencies=[":dist"], entry_point="{name}.main")
"""


def program_files(
    name: str, requirements: Sequence[str], resolve: str | None = None
) -> dict[str, str]:
    """The files of an executable `{name}:bin` that calls the `name` of each requirement."""
    modules = [re.split("[=@ ]", requirement)[0] for requirement in requirements]
    targets = "".join(
        f"python_requirement(name={module!r}, requirements=[{requirement!r}], resolve={resolve!r})\n"
        for module, requirement in zip(modules, requirements)
    )
    return {
        f"{name}/BUILD": BUILD.format(name=name, resolve=resolve),
        f"{name}/requirements/BUILD": targets,
        f"{name}/__init__.py": "",
        f"{name}/main.py": "".join(f"import {m}\nprint({m}.name())\n" for m in modules),
    }
