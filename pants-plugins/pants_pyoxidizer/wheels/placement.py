# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Decides where the code of each wheel goes: into the executable, or into files next to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Collection, Iterable, Mapping, NamedTuple, Tuple

from pants_pyoxidizer.programs.wheels import file_uses
from pants_pyoxidizer.wheels.metadata import FileUse, Wheel


class Resources(Enum):
    """The values of the field `resources`."""

    AUTO = "auto"
    IN_MEMORY = "in-memory"
    FILESYSTEM = "filesystem"


class Location(Enum):
    """Where the code of a wheel goes."""

    EXECUTABLE = "executable"
    LIB = "lib"
    TEMPLATE = "template"  # The template of the target decides.


@dataclass(frozen=True)
class Placement:
    """`reason` says why a wheel is on the filesystem, unless `resources` does; `detail`, where."""

    wheel: Wheel
    location: Location
    reason: str = ""
    detail: str = ""

    @property
    def on_filesystem(self) -> bool:
        return self.location == Location.LIB


_DEFAULT_LOCATIONS = {
    None: Location.TEMPLATE,
    Resources.AUTO: Location.EXECUTABLE,
    Resources.IN_MEMORY: Location.EXECUTABLE,
    Resources.FILESYSTEM: Location.LIB,
}


class _Reason(NamedTuple):
    text: str
    detail: str = ""


_Uses = Mapping[str, Tuple[FileUse, ...]]  # By the paths of wheels.


def place(
    wheels: Iterable[Wheel],
    resources: Resources | None,
    forced: Collection[str] = (),
    *,
    requires: Mapping[str, Collection[str]] | None = None,
    has_files: bool = True,
) -> tuple[Placement, ...]:
    """One placement for each wheel, in their order.

    Without `resources`, a template decides. `forced` contains the paths of wheels that must be on
    the filesystem. `requires` has, by the paths of wheels, those of the wheels that each requires
    itself. `has_files` says whether the Python has an `importlib.resources.files` that finds
    resources in memory.
    """
    wheels = tuple(wheels)
    uses = _possible_uses(wheels)
    named = _Reason("named in `filesystem_resources`")
    reasons = {wheel.path: named for wheel in wheels if wheel.path in forced}
    if resources == Resources.AUTO:
        readable = frozenset(w.path for w in wheels if _is_data_only_read(w, uses, has_files))
        reasons = {**_own_reasons(wheels, uses, readable), **reasons}
        reasons = {**_reasons_of_required(wheels, uses, requires or {}), **reasons}
        reasons = {**_reasons_of_others(wheels, uses), **reasons}
        reasons = _with_neighbours(wheels, reasons)
    default = _DEFAULT_LOCATIONS[resources]
    return tuple(
        Placement(
            wheel,
            Location.LIB if wheel.path in reasons else default,
            *reasons.get(wheel.path, ("", "")),
        )
        for wheel in wheels
    )


def _possible_uses(wheels: tuple[Wheel, ...]) -> _Uses:
    """How the wheels' modules use files, except modules whose imports fail."""
    there = {name for wheel in wheels for name in (*wheel.modules, *wheel.namespaces)}
    return {
        wheel.path: tuple(use for use in wheel.file_uses if there.issuperset(use.needs))
        for wheel in wheels
    }


def _is_data_only_read(wheel: Wheel, all_uses: _Uses, has_files: bool) -> bool:
    """Whether the wheel's data, as far as its code shows, is only read in ways that work in memory.

    At least one such read is required, even in a module that cannot be imported here: data that
    nothing reads is meant for other code, which may look for files. So may code that asks for the
    path of any module.
    """
    uses = all_uses[wheel.path]
    return (
        any(use.kind == file_uses.RESOURCE for use in wheel.file_uses)
        and (has_files or not any(use.what == file_uses.FILES for use in uses))
        and not any(use.kind == file_uses.ANY for others in all_uses.values() for use in others)
        and all(_is_below(file, wheel.packages) for file in wheel.data_files)
    )


def _is_below(path: str, packages: tuple[str, ...]) -> bool:
    folders = path.split("/")[:-1]
    return any(".".join(folders[:depth]) in packages for depth in range(1, len(folders) + 1))


def _own_reasons(
    wheels: tuple[Wheel, ...], all_uses: _Uses, readable: Collection[str]
) -> dict[str, _Reason]:
    """Reasons by the path of a wheel: its contents, and what its code does.

    `readable` contains the paths of wheels whose data may be in memory.
    """
    reasons = {}
    for wheel in wheels:
        uses = [use for use in all_uses[wheel.path] if use.kind == file_uses.FILE]
        if wheel.native_files:
            reasons[wheel.path] = _Reason("native code", wheel.native_files[0])
        elif wheel.data_files and wheel.path not in readable:
            reasons[wheel.path] = _Reason("data files", wheel.data_files[0])
        elif wheel.pth_files:
            reasons[wheel.path] = _Reason("`.pth` file", wheel.pth_files[0])
        elif uses:
            reasons[wheel.path] = _Reason(uses[0].what, uses[0].where)
    return reasons


def _reasons_of_others(wheels: tuple[Wheel, ...], all_uses: _Uses) -> dict[str, _Reason]:
    """Reasons by the path of a wheel: what the code of other wheels does with it."""
    by_module: dict[str, list[Wheel]] = {}
    by_name: dict[str, list[Wheel]] = {}
    for wheel in wheels:
        by_name.setdefault(wheel.normalized_name, []).append(wheel)
        for module in wheel.modules:
            by_module.setdefault(module, []).append(wheel)
    # `pkg_resources` finds only distributions in `lib`. Without it, importing it fails anyway.
    providers = by_module.get(file_uses.PKG_RESOURCES, [])

    def subjects(use: FileUse, user: Wheel) -> Iterable[Wheel]:
        if use.kind == file_uses.MODULE:
            return by_module.get(use.what, [])
        if not providers or user in providers:
            return []
        if use.kind == file_uses.DISTRIBUTION:
            return by_name.get(use.what, [])
        return wheels if use.kind == file_uses.DISTRIBUTIONS else []

    reasons: dict[str, _Reason] = {}
    for user in wheels:
        for use in all_uses[user.path]:
            for wheel in subjects(use, user):
                reason = f"{user.name} uses its files"
                if use.kind != file_uses.MODULE:
                    reason = f"{user.name} looks for it with `{file_uses.PKG_RESOURCES}`"
                reasons.setdefault(wheel.path, _Reason(reason, use.where))
    return reasons


def _reasons_of_required(
    wheels: tuple[Wheel, ...], all_uses: _Uses, requires: Mapping[str, Collection[str]]
) -> dict[str, _Reason]:
    """What is required, at whatever remove, may read files of a wheel that names its packages."""
    reasons: dict[str, _Reason] = {}
    for finder in wheels:
        uses = [use for use in all_uses[finder.path] if use.kind == file_uses.PACKAGES]
        for path in _users(finder.path, requires) if uses else ():
            reason = _Reason(f"{finder.name} may read its files", uses[0].where)
            reasons.setdefault(path, reason)
    return reasons


def _users(path: str, requires: Mapping[str, Collection[str]]) -> set[str]:
    """The wheels that require this one, directly or not."""
    found: set[str] = set()
    new = {path}
    while new:
        new = {user for user, required in requires.items() if new.intersection(required)} - found
        found |= new
    return found - {path}


def _with_neighbours(wheels: tuple[Wheel, ...], reasons: dict[str, _Reason]) -> dict[str, _Reason]:
    """Adds a reason for each wheel that shares a package with one that has a reason.

    A package with an `__init__` is only found in one place. Namespace packages may be in both.
    """
    regular = {package for wheel in wheels for package in wheel.packages}
    shared: dict[str, list[Wheel]] = {}
    for wheel in wheels:
        for package in regular.intersection((*wheel.modules, *wheel.namespaces)):
            shared.setdefault(package, []).append(wheel)
    reasons = dict(reasons)
    before = -1
    while before != len(reasons):
        before = len(reasons)
        for package, owners in sorted(shared.items()):
            others = [owner for owner in owners if owner.path in reasons]
            for wheel in owners if others else ():
                reason = _Reason(f"shares a package with {others[0].name}", f"`{package}`")
                reasons.setdefault(wheel.path, reason)
    return reasons


def impossible(placements: Iterable[Placement]) -> tuple[str, ...]:
    """The file names of wheels that were placed in memory but cannot be loaded from there."""
    return tuple(
        p.wheel.filename
        for p in placements
        if p.wheel.native_files and p.location == Location.EXECUTABLE
    )


_DESCRIPTIONS = {
    Location.EXECUTABLE: "in the executable",
    Location.TEMPLATE: "placed by the template",
    Location.LIB: "in `lib`",
}


def describe(placements: Iterable[Placement]) -> str:
    """One sentence for users."""
    names: dict[Location, list[str]] = {location: [] for location in _DESCRIPTIONS}
    for p in placements:
        names[p.location].append(f"{p.wheel.name} ({p.reason})" if p.reason else p.wheel.name)
    parts = [f"{', '.join(n)} {_DESCRIPTIONS[location]}" for location, n in names.items() if n]
    return f"Code: {'; '.join(parts)}."


def table(placements: Iterable[Placement]) -> str:
    """A line for each wheel: its name and version, where it goes, and why."""
    rows = [(f"{p.wheel.name} {p.wheel.version}", p.location.value, _why(p)) for p in placements]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return "\n".join(
        f"{name:{widths[0]}}  {where:{widths[1]}}  {why}".rstrip() for name, where, why in rows
    )


def _why(placement: Placement) -> str:
    return f"{placement.reason} ({placement.detail})" if placement.detail else placement.reason
