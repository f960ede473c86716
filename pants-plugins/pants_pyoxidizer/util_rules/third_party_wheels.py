# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Resolves the third-party requirements of a binary with Pants, and turns them into wheel files.

Pants' Pex rules resolve them, so lockfiles, hashes, indexes and find-links work as for every other
Python target. PyOxidizer's pip then sees only local files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

from pants.backend.python.target_types import (
    PexLayout,
    PythonRequirementsField,
    PythonResolveField,
)
from pants.backend.python.util_rules.interpreter_constraints import (
    InterpreterConstraints,
)
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.engine.addresses import Addresses
from pants.engine.process import ProcessExecutionFailure
from pants.engine.target import TransitiveTargetsRequest
from pants.util.logging import LogLevel
from pants.util.strutil import bullet_list, softwrap

from pants_pyoxidizer.diagnostics.redaction import without_credentials
from pants_pyoxidizer.diagnostics.resolve_failures import explain
from pants_pyoxidizer.engine import (
    collect_rules,
    create_pex,
    create_pex_from_targets,
    digest_to_snapshot,
    implicitly,
    rule,
    transitive_targets,
)
from pants_pyoxidizer.util_rules.inspected_wheels import (
    InspectedWheels,
    InspectedWheelsRequest,
    get_inspected_wheels,
)
from pants_pyoxidizer.util_rules.tool_process import ToolProcess, run_tool

_WHEELS_DIR = "__third_party_wheels"


class UnresolvableRequirementsError(Exception):
    """No wheels satisfy the requirements for the embedded Python."""


@dataclass(frozen=True)
class ThirdPartyWheelsRequest:
    distributions: Addresses
    # Wheels must work with the embedded Python, whichever Python runs Pants.
    interpreter_constraints: InterpreterConstraints
    host_python: str | None  # See `InspectedWheelsRequest`.


@dataclass(frozen=True)
class ThirdPartyWheels:
    wheels: InspectedWheels


@rule(desc="Resolve the third-party wheels of a PyOxidizer binary", level=LogLevel.DEBUG)
async def resolve_third_party_wheels(request: ThirdPartyWheelsRequest) -> ThirdPartyWheels:
    targets = await transitive_targets(
        TransitiveTargetsRequest(request.distributions), **implicitly()
    )
    if not any(target.has_field(PythonRequirementsField) for target in targets.closure):
        return ThirdPartyWheels(InspectedWheels())

    # Pants takes the resolve from the roots. Code has one, but a `python_distribution` does not.
    roots = Addresses(
        target.address for target in targets.closure if target.has_field(PythonResolveField)
    )
    pex_request = await create_pex_from_targets(
        PexFromTargetsRequest(
            roots,
            output_filename="third_party.pex",
            internal_only=False,
            layout=PexLayout.PACKED,
            include_source_files=False,
            hardcoded_interpreter_constraints=request.interpreter_constraints,
        ),
        **implicitly(),
    )
    try:
        pex = await create_pex(pex_request)
    except ProcessExecutionFailure as failure:
        # Not `from failure`: a stack trace would show it with its passwords.
        raise UnresolvableRequirementsError(_describe(request, failure)) from None
    result = await run_tool(
        ToolProcess(
            program="wheels.repack_wheels",
            argv=("--output", _WHEELS_DIR, pex.name),
            description="Make third-party wheels",
            input_digest=pex.digest,
            output_directories=(_WHEELS_DIR,),
        )
    )
    snapshot = await digest_to_snapshot(result.output_digest)
    inspecting = InspectedWheelsRequest(snapshot.digest, snapshot.files, request.host_python)
    return ThirdPartyWheels(await get_inspected_wheels(inspecting, **implicitly()))


def _describe(request: ThirdPartyWheelsRequest, failure: ProcessExecutionFailure) -> str:
    distributions = bullet_list(map(str, request.distributions))
    heading = softwrap(
        f"""
        Cannot resolve the third-party requirements of these distributions for
        {request.interpreter_constraints}, the Python to embed:
        """
    )
    # The output includes pip's arguments, whose URLs may contain credentials.
    said = without_credentials(failure.stderr.decode(errors="replace").strip())
    return f"{heading}\n\n{distributions}\n\nPex says:\n\n{said}\n\n{explain(said)}"


def rules() -> Iterable[Any]:
    return collect_rules()
