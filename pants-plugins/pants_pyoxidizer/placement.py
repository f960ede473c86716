# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Where the code of each wheel goes: into the executable, or on the filesystem beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Collection, Iterable

from pants_pyoxidizer.wheel_metadata import Wheel


class Resources(Enum):
    """The values of the field `resources`."""

    AUTO = "auto"
    IN_MEMORY = "in-memory"
    FILESYSTEM = "filesystem"


@dataclass(frozen=True)
class Placement:
    """`reason` says why a wheel lies on the filesystem, if not for `resources`."""

    wheel: Wheel
    on_filesystem: bool
    reason: str = ""


def place(
    wheels: Iterable[Wheel], resources: Resources, forced: Collection[str] = ()
) -> tuple[Placement, ...]:
    """One placement for each wheel, in their order.

    `forced` are the paths of wheels that must lie on the filesystem.
    """
    return tuple(_place(wheel, resources, wheel.path in forced) for wheel in wheels)


def _place(wheel: Wheel, resources: Resources, forced: bool) -> Placement:
    if forced:
        return Placement(wheel, True, "named in `filesystem_resources`")
    if resources == Resources.FILESYSTEM:
        return Placement(wheel, True)
    reason = _needs_files(wheel) if resources == Resources.AUTO else ""
    return Placement(wheel, bool(reason), reason)


def _needs_files(wheel: Wheel) -> str:
    if wheel.native:
        return "native code"
    return "data files" if wheel.data_files else ""


def impossible(placements: Iterable[Placement]) -> tuple[str, ...]:
    """The file names of wheels that cannot be in memory, but were placed there."""
    return tuple(p.wheel.filename for p in placements if p.wheel.native and not p.on_filesystem)


def describe(placements: Iterable[Placement]) -> str:
    """One sentence for users."""
    placements = tuple(placements)
    inside = ", ".join(p.wheel.name for p in placements if not p.on_filesystem)
    beside = ", ".join(
        f"{p.wheel.name} ({p.reason})" if p.reason else p.wheel.name
        for p in placements
        if p.on_filesystem
    )
    parts = [
        f"{inside} in the executable" if inside else "",
        f"{beside} in `lib`" if beside else "",
    ]
    return f"Code: {'; '.join(filter(None, parts))}."
