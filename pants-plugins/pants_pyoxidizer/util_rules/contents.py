# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Decides where each wheel goes and what the binary runs; rejects bad input before pip sees it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Iterable

from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException
from pants.util.strutil import bullet_list, softwrap

from pants_pyoxidizer.engine import collect_rules, rule
from pants_pyoxidizer.placement_fields import (
    PyOxidizerFilesystemResourcesField,
    PyOxidizerResourcesField,
)
from pants_pyoxidizer.target_types import (
    PyOxidizerDependenciesField,
    PyOxidizerEntryPointField,
)
from pants_pyoxidizer.wheels import compatibility as wheel_compatibility
from pants_pyoxidizer.wheels import entry_point as entry_points
from pants_pyoxidizer.wheels import metadata as wheel_metadata
from pants_pyoxidizer.wheels import placement, requirements
from pants_pyoxidizer.wheels.entry_point import EntryPoint
from pants_pyoxidizer.wheels.metadata import Wheel
from pants_pyoxidizer.wheels.placement import Placement, Resources

logger = logging.getLogger(__name__)


class UnusableWheelsError(Exception):
    """The wheels of a binary are incompatible with each other or with its Python."""


@dataclass(frozen=True)
class ContentsRequest:
    address: Address
    entry_point: str | None
    resources: Resources | None  # None: the template decides.
    filesystem_resources: tuple[str, ...]
    first_party: tuple[Wheel, ...]
    third_party: tuple[Wheel, ...]
    python_version: str  # For example, "3.11.7".
    target_triple: str


@dataclass(frozen=True)
class Contents:
    entry_point: EntryPoint | None
    placements: tuple[Placement, ...]  # In a fixed order.
    first_party: tuple[str, ...]  # Paths of wheels.

    def paths(self, on_filesystem: bool) -> tuple[str, ...]:
        """Paths of the wheel files with this placement."""
        return tuple(p.wheel.path for p in self.placements if p.on_filesystem == on_filesystem)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of the wheel files."""
        return tuple(sorted({str(PurePath(p.wheel.path).parent) for p in self.placements}))


@rule
async def determine_contents(request: ContentsRequest) -> Contents:
    wheels = (*request.first_party, *request.third_party)
    environment = wheel_compatibility.marker_environment(
        request.python_version, request.target_triple
    )
    _check_tags(request, wheels)
    _check_requirements(request, wheels, environment)
    forced = _filesystem_wheels(request, wheels, environment)
    has_files = environment["python_version"] != "3.9"
    placements = placement.place(
        wheels,
        request.resources,
        forced,
        requires=requirements.required_wheels(wheels, environment=environment),
        has_files=has_files,
    )
    _check_placements(request, placements)
    logger.debug(f"Placement of the code of {request.address}:\n{placement.table(placements)}")
    _refuse_hidden_modules(request)
    first_party = tuple(wheel.path for wheel in request.first_party)
    return Contents(_entry_point(request, wheels), placements, first_party)


def _refuse_hidden_modules(request: ContentsRequest) -> None:
    hidden = wheel_metadata.hidden_modules(request.first_party, request.third_party)
    if not hidden:
        return
    lines = bullet_list(
        f"`{module}` of {second} is hidden by {first}" for module, first, second in hidden
    )
    raise InvalidFieldException(
        f"The `{PyOxidizerDependenciesField.alias}` field in target {request.address} has "
        f"distributions that contain modules of the same name:\n\n{lines}\n\n"
        + softwrap(
            f"""
            To fix, rename one module of each pair, exclude it from its `python_distribution`, or
            remove one of the distributions from `{PyOxidizerDependenciesField.alias}`.
            """
        )
    )


def _entry_point(request: ContentsRequest, wheels: tuple[Wheel, ...]) -> EntryPoint | None:
    if request.entry_point is None:
        return None
    entry_point = entry_points.parse_entry_point(request.entry_point)
    problem = entry_points.module_problem(
        entry_point, wheels, first_party={wheel.filename for wheel in request.first_party}
    )
    if problem is None:
        return entry_point
    raise InvalidFieldException(
        softwrap(
            f"""
            The `{PyOxidizerEntryPointField.alias}` field in target {request.address} is
            {request.entry_point!r}, which cannot be run. {problem}

            To fix, correct the field, or add the `python_distribution` that contains the module to
            `{PyOxidizerDependenciesField.alias}`.
            """
        )
    )


def _check_requirements(
    request: ContentsRequest, wheels: tuple[Wheel, ...], environment: dict[str, str]
) -> None:
    missing = requirements.missing_requirements(wheels, environment=environment)
    if not missing:
        return
    lines = bullet_list(
        f"{m.wheel} requires `{m.requirement}`, "
        + (f"but the version is {m.found}" if m.found else "which is missing")
        for m in missing
    )
    raise UnusableWheelsError(
        f"Wheels of the target {request.address} have unsatisfied requirements:\n\n{lines}\n\n"
        + softwrap(
            f"""
            To fix, if this repository has the distribution, add its `python_distribution` to
            `{PyOxidizerDependenciesField.alias}`. Otherwise, make the code depend on a
            `python_requirement` for it, and regenerate the lockfile, if any.
            """
        )
    )


def _check_tags(request: ContentsRequest, wheels: tuple[Wheel, ...]) -> None:
    incompatible = wheel_compatibility.incompatible_wheels(
        wheels, request.python_version, request.target_triple
    )
    if not incompatible:
        return
    lines = bullet_list(f"{wheel} (compatible tag: {tag})" for wheel, tag in incompatible)
    raise UnusableWheelsError(
        f"Wheels of the target {request.address} are incompatible with the Python to embed, "
        f"{request.python_version} on {request.target_triple}:\n\n{lines}\n\n"
        + softwrap(
            """
            To fix, narrow the `interpreter_constraints` of the distributions' code to the Python
            that the wheels were built for.
            """
        )
    )


def _check_placements(request: ContentsRequest, placements: tuple[Placement, ...]) -> None:
    impossible = placement.impossible(placements)
    if not impossible:
        return
    raise InvalidFieldException(
        f"The `{PyOxidizerResourcesField.alias}` field in target {request.address} is "
        f"{Resources.IN_MEMORY.value!r}, but the native code of these wheels can only be loaded "
        f"from files:\n\n{bullet_list(impossible)}\n\n"
        + softwrap(
            f"""
            To fix, name their requirements in `{PyOxidizerFilesystemResourcesField.alias}`, or set
            `{PyOxidizerResourcesField.alias}` to {Resources.AUTO.value!r}.
            """
        )
    )


def _filesystem_wheels(
    request: ContentsRequest, wheels: tuple[Wheel, ...], environment: dict[str, str]
) -> frozenset[str]:
    for text in request.filesystem_resources:
        problem = _resource_problem(text, wheels, environment)
        if problem is not None:
            raise InvalidFieldException(
                softwrap(
                    f"""
                    The `{PyOxidizerFilesystemResourcesField.alias}` field in target
                    {request.address} has {text!r}, {problem}.

                    To fix, name requirements that the binary contains:
                    {", ".join(sorted(f"`{wheel.name}=={wheel.version}`" for wheel in wheels))}.
                    """
                )
            )
    return requirements.requirement_closure(
        request.filesystem_resources, wheels, environment=environment
    )


def _resource_problem(
    text: str, wheels: tuple[Wheel, ...], environment: dict[str, str]
) -> str | None:
    # All wheels' requirements are satisfied: only this text, or its extras, can be the problem.
    for missing in requirements.missing_requirements(wheels, roots=[text], environment=environment):
        what = "" if missing.wheel is None else f"which requires `{missing.requirement}`, "
        found = missing.found
        return what + (f"but the version is {found}" if found else "which the binary lacks")
    for unknown in requirements.unknown_extras([text], wheels, environment=environment):
        there_are = ", ".join(f"`{extra}`" for extra in unknown.known) or "none"
        return f"but `{unknown.name}` has no extra `{unknown.extra}`; its extras: {there_are}"
    return None


def rules() -> Iterable[Any]:
    return collect_rules()
