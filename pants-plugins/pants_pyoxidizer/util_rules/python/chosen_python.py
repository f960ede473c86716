# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Chooses the Python to embed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

from pants.backend.python.util_rules.interpreter_constraints import (
    InterpreterConstraints,
)
from pants.backend.python.util_rules.pex_cli import PexCli
from pants.engine.addresses import Address
from pants.engine.platform import Platform
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel
from pants.util.strutil import bullet_list, softwrap

from pants_pyoxidizer.configuration.config import PyOxidizerPython
from pants_pyoxidizer.engine import collect_rules, implicitly, rule
from pants_pyoxidizer.subsystem import SCOPE, PyOxidizer, PythonSource
from pants_pyoxidizer.target_types import PyOxidizerPythonField
from pants_pyoxidizer.util_rules.python.archived_python import (
    ArchivedPythonRequest,
    choose_archived_python,
)
from pants_pyoxidizer.util_rules.python.host_python import (
    HOST_VERSIONS,
    FindPythonRequest,
    PackHostPythonRequest,
    find_host_python,
    narrow,
    pack_host_python,
    pex_problem,
)
from pants_pyoxidizer.util_rules.python.standalone_python import (
    TARGET_TRIPLES,
    DownloadedPython,
    NoUsablePythonError,
    StandalonePython,
)

# What PyOxidizer 0.24 downloads (`default_python_distribution()` in its manual).
PYOXIDIZER_VERSIONS = FrozenDict({"3.10": "3.10.9", "3.9": "3.9.16", "3.8": "3.8.16"})


@dataclass(frozen=True)
class ChosenPythonRequest:
    address: Address  # The target that embeds it, for errors.
    interpreter_constraints: InterpreterConstraints
    python: str | None = None  # The target's `python` field.


@dataclass(frozen=True)
class ChosenPython:
    python: StandalonePython


@rule(desc="Choose the Python to embed", level=LogLevel.DEBUG)
async def choose_python(
    request: ChosenPythonRequest,
    pyoxidizer: PyOxidizer,
    pex_cli: PexCli,
    platform: Platform,
) -> ChosenPython:
    choice, origin, relative_to = pyoxidizer.python, f"`[{SCOPE}].python`", None
    if request.python is not None:
        choice, relative_to = request.python, request.address.spec_path
        origin = f"the `{PyOxidizerPythonField.alias}` field of the target {request.address}"
    if choice not in {source.value for source in PythonSource}:
        archived = ArchivedPythonRequest(
            request.address, request.interpreter_constraints, choice, origin, relative_to
        )
        return ChosenPython(await choose_archived_python(archived, **implicitly()))
    source = PythonSource(choice)
    allowed = _allowed_versions(request, source, origin)
    if source == PythonSource.PYOXIDIZER:
        return ChosenPython(_downloaded_python(next(iter(allowed)), platform))
    problems = []
    # One at a time: packing takes seconds, a fingerprint 0.5 s, and the first one usually works.
    for version, constraints in allowed.items():
        host = await find_host_python(FindPythonRequest(constraints), **implicitly())
        if host.path is None:
            problems.append(host.problem + pex_problem(version, pex_cli.version))
            continue
        packed = await pack_host_python(
            PackHostPythonRequest(host.path, host.fingerprint), **implicitly()
        )
        if packed.python is not None:
            return ChosenPython(packed.python)
        problems.append(packed.problem)
    raise NoUsablePythonError(_describe_problems(request, tuple(allowed), problems))


def _allowed_versions(
    request: ChosenPythonRequest, source: PythonSource, origin: str
) -> dict[str, InterpreterConstraints]:
    """The minor versions that can be embedded, best first, each with its narrowed constraints."""
    versions = HOST_VERSIONS if source == PythonSource.HOST else tuple(PYOXIDIZER_VERSIONS)
    allowed = {}
    for version in versions:
        narrowed = narrow(request.interpreter_constraints, version)
        if narrowed is not None:
            allowed[version] = narrowed
    if allowed:
        return allowed
    raise NoUsablePythonError(
        softwrap(
            f"""
            The target {request.address} needs a Python that matches
            `{request.interpreter_constraints}`, the interpreter constraints of its
            dependencies. With {origin} set to `{source.value}`, only
            {", ".join(versions)} can be embedded.

            To fix, change the `interpreter_constraints` of the code or of `[python]` to allow one
            of these.
            """
        )
    )


def _downloaded_python(minor_version: str, platform: Platform) -> DownloadedPython:
    version = PYOXIDIZER_VERSIONS[minor_version]
    return DownloadedPython(
        PyOxidizerPython(minor_version),
        version=version,
        target_triple=TARGET_TRIPLES[platform],
        description=(
            f"Contains Python {version} (downloaded by PyOxidizer); "
            "runs with the glibc of this machine or newer."
        ),
    )


def _describe_problems(
    request: ChosenPythonRequest, versions: tuple[str, ...], problems: Iterable[str]
) -> str:
    looked_for = softwrap(
        f"""
        No Python on this machine can be embedded into the target {request.address}, whose
        dependencies have the interpreter constraints `{request.interpreter_constraints}`. Searched
        in `[python-bootstrap].search_path`:
        """
    )
    cure = softwrap(
        f"""
        To fix, install one of {", ".join(versions)} with its libpython (pyenv: `pyenv install
        {versions[0]}`; Debian and Ubuntu: `apt-get install libpython{versions[0]}-dev`), or set
        `[{SCOPE}].python` to `{PythonSource.PYOXIDIZER.value}`.
        """
    )
    return f"{looked_for}\n\n{bullet_list(problems)}\n\n{cure}"


def rules() -> Iterable[Any]:
    return collect_rules()
