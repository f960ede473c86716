# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Adopts the archive of a `standalone_python` target as the Python to embed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable

from pants.backend.python.util_rules.interpreter_constraints import (
    InterpreterConstraints,
)
from pants.backend.python.util_rules.pex_cli import PexCli
from pants.core.target_types import FileSourceField
from pants.engine.addresses import Address, AddressInput
from pants.engine.platform import Platform
from pants.engine.target import (
    HydrateSourcesRequest,
    WrappedTargetRequest,
)
from pants.util.logging import LogLevel
from pants.util.strutil import softwrap

from pants_pyoxidizer import engine
from pants_pyoxidizer.engine import (
    collect_rules,
    hydrate_sources,
    implicitly,
    resolve_address,
    resolve_target,
    rule,
)
from pants_pyoxidizer.standalone_python_target import (
    StandalonePythonSourceField,
    StandalonePythonTarget,
)
from pants_pyoxidizer.subsystem import PythonSource
from pants_pyoxidizer.util_rules.host_links import HostLinkRequest, make_host_link
from pants_pyoxidizer.util_rules.python.host_python import (
    FindPythonRequest,
    find_host_python,
    pex_problem,
)
from pants_pyoxidizer.util_rules.python.packing import (
    PackingRequest,
    PackingResult,
    run_packing,
)
from pants_pyoxidizer.util_rules.python.standalone_python import (
    TARGET_TRIPLES,
    ArchivedPython,
    NoUsablePythonError,
    PackedPython,
    minor_version_constraints,
)

_ALIAS = StandalonePythonTarget.alias


@dataclass(frozen=True)
class ArchivedPythonRequest:
    address: Address  # The target that embeds it, for errors.
    interpreter_constraints: InterpreterConstraints
    python: str  # The address of the `standalone_python` target, as written.
    origin: str  # Where `python` was written, for errors.
    relative_to: str | None


@dataclass(frozen=True)
class AdoptArchiveRequest:
    source: StandalonePythonSourceField


@rule(level=LogLevel.DEBUG)
async def adopt_archive(request: AdoptArchiveRequest, platform: Platform) -> PackingResult:
    sources = await hydrate_sources(
        HydrateSourcesRequest(
            request.source, for_sources_types=(FileSourceField,), enable_codegen=True
        ),
        **implicitly(),
    )
    (archive,) = sources.snapshot.files
    adopting = PackingRequest(
        program="pack.adopt_archive",
        argv=("--archive", archive, "--target-triple", TARGET_TRIPLES[platform]),
        input_digest=sources.snapshot.digest,
        description=f"Adopt {archive} for PyOxidizer",
        name=os.path.basename(archive),
    )
    return await run_packing(adopting, **implicitly())


@rule(level=LogLevel.DEBUG)
async def choose_archived_python(request: ArchivedPythonRequest, pex_cli: PexCli) -> ArchivedPython:
    address = await resolve_address(**implicitly({_address_input(request): AddressInput}))
    wrapped = await resolve_target(WrappedTargetRequest(address, request.origin), **implicitly())
    if not wrapped.target.has_field(StandalonePythonSourceField):
        raise NoUsablePythonError(
            softwrap(
                f"""
                {_names(request)}, but {address} is a `{wrapped.target.alias}` target. To fix, name
                a `{_ALIAS}` target.
                """
            )
        )
    source = wrapped.target[StandalonePythonSourceField]
    packed = await adopt_archive(AdoptArchiveRequest(source), **implicitly())
    python = packed.python
    if python is None:
        raise NoUsablePythonError(_unusable_archive(request, address, packed.problem))
    if not allows(request.interpreter_constraints, python.version):
        raise NoUsablePythonError(_forbidden_version(request, address, python))
    constraints = minor_version_constraints(python.python.minor_version)
    host = await find_host_python(FindPythonRequest(constraints), **implicitly())
    if host.path is None:
        raise NoUsablePythonError(_no_resolver(request, address, python, pex_cli.version))
    link = await make_host_link(
        HostLinkRequest(host.path, host.fingerprint, what="The Python that resolves wheels"),
        **implicitly(),
    )
    return ArchivedPython(**vars(python), host_python=link.path)


def _address_input(request: ArchivedPythonRequest) -> AddressInput:
    # A single word is more likely a typo than a folder's default target.
    if ":" not in request.python and "/" not in request.python:
        words = ", ".join(f"`{source.value}`" for source in PythonSource)
        raise NoUsablePythonError(
            softwrap(
                f"""
                {_names(request)}, which is neither {words} nor the address of a `{_ALIAS}` target,
                such as `path/to:py311`. To fix, use one of these.
                """
            )
        )
    return AddressInput.parse(
        request.python, relative_to=request.relative_to, description_of_origin=request.origin
    )


def allows(constraints: InterpreterConstraints, version: str) -> bool:
    """Whether a CPython of this version satisfies the constraints; if there are none, it does."""
    return not constraints or any(engine.allows(constraint, version) for constraint in constraints)


def _names(request: ArchivedPythonRequest) -> str:
    return f"{request.origin[0].upper()}{request.origin[1:]} is {request.python!r}"


def _unusable_archive(request: ArchivedPythonRequest, address: Address, problem: str) -> str:
    what = softwrap(
        f"""
        The `{StandalonePythonSourceField.alias}` field of the `{_ALIAS}` target {address} names an
        archive that cannot be embedded into the target {request.address}:
        """
    )
    return f"{what}\n\n  {problem}\n\nTo fix, name another archive in that field."


def _forbidden_version(
    request: ArchivedPythonRequest, address: Address, python: PackedPython
) -> str:
    return softwrap(
        f"""
        The target {request.address} needs a Python that matches
        `{request.interpreter_constraints}`, the interpreter constraints of its dependencies, but
        the `{_ALIAS}` target {address} is Python {python.version}.

        To fix, name another `{_ALIAS}` target in {request.origin}, or change the
        `interpreter_constraints` of the code or of `[python]` to allow this version.
        """
    )


def _no_resolver(
    request: ArchivedPythonRequest, address: Address, python: PackedPython, pex_version: str
) -> str:
    minor_version = python.python.minor_version
    hint = pex_problem(minor_version, pex_version)
    return softwrap(
        f"""
        The target {request.address} embeds the `{_ALIAS}` target {address}, Python
        {python.version}. Resolving third-party wheels for it requires a CPython {minor_version} on
        this machine, but none was found{hint} in `[python-bootstrap].search_path`.

        To fix, install one of any patch version (pyenv: `pyenv install {minor_version}`; Debian
        and Ubuntu: `apt-get install python{minor_version}`).
        """
    )


def rules() -> Iterable[Any]:
    return collect_rules()
