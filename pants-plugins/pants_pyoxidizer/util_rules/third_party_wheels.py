# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The third-party requirements of a binary, resolved by Pants and turned into wheel files.

Pants' Pex machinery does the resolving, so that lockfiles, hashes, indexes and find-links count as
they do for every other Python target. pip, inside PyOxidizer, then sees local files only.
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
    """There are no wheels for the requirements and the embedded Python."""


@dataclass(frozen=True)
class ThirdPartyWheelsRequest:
    distributions: Addresses
    # What is resolved must suit the embedded Python, whichever one runs Pants.
    interpreter_constraints: InterpreterConstraints
    host_python: str | None  # See `InspectWheelsRequest`.


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

    # Pants takes the resolve from the roots, and a `python_distribution` has none. Its code does.
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
        # Not from `failure`: a stack trace would show that one with the passwords in it.
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
        The third-party requirements of these distributions cannot be resolved for
        {request.interpreter_constraints}, the Python that is to be embedded:
        """
    )
    # With the arguments of pip, in which URLs are as they were given.
    said = without_credentials(failure.stderr.decode(errors="replace").strip())
    return f"{heading}\n\n{distributions}\n\nPex says:\n\n{said}\n\n{explain(said)}"


def rules() -> Iterable[Any]:
    return collect_rules()
