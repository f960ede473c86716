# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds the `python_distribution` targets of a binary, and builds their wheels."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Iterable

from pants.backend.python.target_types import GenerateSetupField, WheelField
from pants.backend.python.util_rules.interpreter_constraints import (
    InterpreterConstraints,
)
from pants.backend.python.util_rules.pex_from_targets import (
    InterpreterConstraintsRequest,
)
from pants.core.goals.package import (
    EnvironmentAwarePackageRequest,
    PackageFieldSet,
)
from pants.engine.addresses import Addresses
from pants.engine.fs import MergeDigests
from pants.engine.process import ProcessExecutionFailure
from pants.engine.target import (
    DependenciesRequest,
    FieldSetsPerTargetRequest,
    InvalidTargetException,
    Target,
    Targets,
)
from pants.util.docutil import doc_url
from pants.util.strutil import bullet_list, softwrap

from pants_pyoxidizer.diagnostics.redaction import without_credentials
from pants_pyoxidizer.diagnostics.resolve_failures import explain_build
from pants_pyoxidizer.engine import (
    DISTRIBUTIONS_DOC,
    collect_rules,
    concurrently,
    environment_aware_package,
    find_valid_field_sets,
    implicitly,
    interpreter_constraints_for_targets,
    merge_digests,
    resolve_targets,
    rule,
)
from pants_pyoxidizer.target_types import TARGET_ALIAS, PyOxidizerDependenciesField
from pants_pyoxidizer.util_rules.inspected_wheels import (
    InspectedWheels,
    InspectedWheelsRequest,
    get_inspected_wheels,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DistributionsRequest:
    dependencies: PyOxidizerDependenciesField


@dataclass(frozen=True)
class Distributions:
    """The targets whose wheels the binary contains; never empty."""

    targets: Targets
    interpreter_constraints: InterpreterConstraints

    @property
    def addresses(self) -> Addresses:
        return Addresses(target.address for target in self.targets)


class UnbuildableWheelsError(Exception):
    """A wheel of the user's own code cannot be built."""


@dataclass(frozen=True)
class FirstPartyWheelsRequest:
    targets: Targets
    host_python: str | None  # See `InspectedWheelsRequest`.


@dataclass(frozen=True)
class FirstPartyWheels:
    wheels: InspectedWheels


def _gives_wheel(target: Target) -> bool:
    return target.has_field(WheelField) and bool(target[WheelField].value)


@rule(desc="Find the distributions of a PyOxidizer binary")
async def find_distributions(request: DistributionsRequest) -> Distributions:
    address = request.dependencies.address
    dependencies = await resolve_targets(**implicitly(DependenciesRequest(request.dependencies)))
    distributions = Targets(target for target in dependencies if _gives_wheel(target))
    ignored = [target for target in dependencies if not _gives_wheel(target)]
    if not distributions:
        raise InvalidTargetException(
            softwrap(
                f"""
                The `{TARGET_ALIAS}` target {address} must include in its
                `{request.dependencies.alias}` field at least one `python_distribution` target that
                produces a `.whl` file, but it has {_describe(ignored) or "no dependencies at all"}.

                To fix, add such a target. If you use `{GenerateSetupField.alias}=True`, make sure
                that it has `{WheelField.alias}=True`. See {doc_url(DISTRIBUTIONS_DOC)}.
                """
            )
        )
    if ignored:
        logger.warning(
            softwrap(
                f"""
                The `{TARGET_ALIAS}` target {address} ignores targets in its
                `{request.dependencies.alias}` field that build no wheel: {_describe(ignored)}. The
                binary contains only `python_distribution` targets with `{WheelField.alias}=True`,
                and their dependencies.
                """
            )
        )
    interpreter_constraints = await interpreter_constraints_for_targets(
        InterpreterConstraintsRequest(target.address for target in distributions), **implicitly()
    )
    return Distributions(distributions, interpreter_constraints)


def _describe(targets: Iterable[Target]) -> str:
    return ", ".join(
        f"{target.address} (a `{target.alias}`"
        + (f" with `{WheelField.alias}=False`)" if target.has_field(WheelField) else ")")
        for target in targets
    )


def build_problem(distributions: Targets, stderr: bytes) -> str | None:
    """Why one of the distributions gives no wheel, if that is known."""
    said = without_credentials(stderr.decode(errors="replace").strip())
    explanation = explain_build(said)
    if explanation is None:
        return None
    addresses = bullet_list(str(target.address) for target in distributions)
    return (
        f"The wheels of these distributions cannot be built:\n\n{addresses}\n\n"
        f"{said}\n\n{explanation}"
    )


@rule(desc="Build the wheels of a PyOxidizer binary")
async def build_first_party_wheels(request: FirstPartyWheelsRequest) -> FirstPartyWheels:
    field_sets = await find_valid_field_sets(
        FieldSetsPerTargetRequest(PackageFieldSet, request.targets), **implicitly()
    )
    try:
        packages = await concurrently(
            environment_aware_package(EnvironmentAwarePackageRequest(field_set))
            for field_set in field_sets.field_sets
        )
    except ProcessExecutionFailure as failure:
        problem = build_problem(request.targets, failure.stderr)
        if problem is None:
            raise
        raise UnbuildableWheelsError(problem) from None
    paths = tuple(
        artifact.relpath
        for package in packages
        for artifact in package.artifacts
        if artifact.relpath is not None and artifact.relpath.endswith(".whl")
    )
    digest = await merge_digests(MergeDigests(package.digest for package in packages))
    inspecting = InspectedWheelsRequest(digest, paths, request.host_python)
    return FirstPartyWheels(await get_inspected_wheels(inspecting, **implicitly()))


def rules() -> Iterable[Any]:
    return collect_rules()
