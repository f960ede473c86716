# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What wheels require of each other, for an interpreter that need not be ours.

Pure: no engine, no files.

Sources: PEP 508 (requirements and markers), PEP 440 (versions).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Iterable, Iterator, Mapping, Sequence

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from pants_pyoxidizer.wheels.metadata import Wheel


@dataclass(frozen=True)
class MissingRequirement:
    """A requirement that no wheel satisfies.

    `wheel` is the file name of the wheel whose METADATA contains the requirement, or None for a
    root. `requirement` is its text, including the marker. `found` is the version of the wheel that
    does not satisfy it, or None if there is no such wheel.
    """

    wheel: str | None
    requirement: str
    found: str | None


@dataclass(frozen=True)
class UnknownExtra:
    """An extra that the wheel `name` does not provide, and those that it does."""

    name: str
    extra: str
    known: tuple[str, ...]


@dataclass(frozen=True)
class _Wanted:
    """A parsed requirement; `specifier` is None if any version satisfies it."""

    text: str
    name: str
    extras: frozenset[str]
    specifier: SpecifierSet | None
    marker: str | None


_LENIENT_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?"
    r"(?P<version>[^;]*)(?:;(?P<marker>.*))?"
)
# A program of 300 wheels has some 5,000 requirements, which each edit asks for again.
_CACHED_REQUIREMENTS = 2**16
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")


def missing_requirements(
    wheels: Iterable[Wheel], *, roots: Iterable[str] = (), environment: Mapping[str, str]
) -> tuple[MissingRequirement, ...]:
    """The requirements that none of `wheels` satisfies.

    The roots' requirements come first, then the others in the order of the wheels and their
    METADATA.

    All wheels are checked, reachable from a root or not. `roots` are requirements from elsewhere (a
    name is enough): they are checked too, and their extras are enabled. Extras are followed:
    `requests[socks]` anywhere adds the requirements of `requests` for `socks`.

    `environment` describes the embedded interpreter, see `compatibility.marker_environment`.
    Requirements whose markers it does not satisfy are ignored.

    Prereleases count, as they do for pip once they are installed. A direct reference (`name @
    file:...`) is satisfied by name. So is a version that packaging cannot parse, written by an old
    setuptools (`torch >= 1.9.*`): old pip releases accept it, new ones reject the whole wheel, and
    Pex resolved this one. Requirements without a name or with an invalid marker are skipped.
    """
    wheels = tuple(wheels)
    applicable = _applicable(roots, environment)
    wanted: list[tuple[str | None, _Wanted]] = [(None, want) for want in applicable]
    names = _parse_requirements(wheel.name for wheel in wheels)
    wanted.extend(_follow(wheels, (*names, *applicable), environment)[1])
    versions_by_name: dict[str, list[str]] = {}
    for wheel in wheels:
        versions_by_name.setdefault(wheel.normalized_name, []).append(wheel.version)
    missing = []
    for filename, want in wanted:
        versions = versions_by_name.get(want.name, [])
        if not any(_satisfies(version, want.specifier) for version in versions):
            found = versions[0] if versions else None
            missing.append(MissingRequirement(filename, want.text, found))
    return tuple(missing)


def requirement_closure(
    roots: Iterable[str], wheels: Iterable[Wheel], *, environment: Mapping[str, str]
) -> frozenset[str]:
    """The paths of the wheels that `roots` name, and of their transitive requirements.

    These are the wheels that pip would install for the requirements `roots` if it had only
    `wheels`: none for a root whose marker is false.
    """
    wheels = tuple(wheels)
    reached, _ = _follow(wheels, _applicable(roots, environment), environment)
    return frozenset(wheels[index].path for index in reached)


def required_wheels(
    wheels: Iterable[Wheel], *, environment: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """By the path of each wheel, the paths of those that it requires itself.

    That includes what it requires for extras for which any of the wheels asks.
    """
    wheels = tuple(wheels)
    names = _parse_requirements(wheel.name for wheel in wheels)
    paths: dict[str, list[str]] = {}
    for wheel in wheels:
        paths.setdefault(wheel.normalized_name, []).append(wheel.path)
    required: dict[str, set[str]] = {}
    for filename, want in _follow(wheels, names, environment)[1]:
        required.setdefault(filename, set()).update(paths.get(want.name, ()))
    return {wheel.path: frozenset(required.get(wheel.filename, ())) for wheel in wheels}


def unknown_extras(
    roots: Iterable[str], wheels: Iterable[Wheel], *, environment: Mapping[str, str]
) -> tuple[UnknownExtra, ...]:
    """The extras that `roots` request but the wheels that they name do not provide."""
    wheels = tuple(wheels)
    return tuple(
        UnknownExtra(wheel.name, extra, wheel.provides_extra)
        for want in _applicable(roots, environment)
        for wheel in wheels
        if wheel.normalized_name == want.name
        for extra in sorted(want.extras - {*map(canonicalize_name, wheel.provides_extra)})
    )


def _applicable(requirements: Iterable[str], environment: Mapping[str, str]) -> tuple[_Wanted, ...]:
    wanted = _parse_requirements(requirements)
    return tuple(want for want in wanted if _applies(want, "", environment))


def _follow(
    wheels: Sequence[Wheel], roots: Iterable[_Wanted], environment: Mapping[str, str]
) -> tuple[set[int], list[tuple[str, _Wanted]]]:
    """The indexes of the wheels that are reachable from the roots, and their requirements.

    Extras are followed: `requests[socks]` anywhere adds the requirements of `requests` for `socks`.
    Requirements come with the file name of the wheel that has them, in the order of the wheels.
    """
    wanted = [_parse_requirements(wheel.requires_dist) for wheel in wheels]
    by_name: dict[str, list[int]] = {}
    for index, wheel in enumerate(wheels):
        by_name.setdefault(wheel.normalized_name, []).append(index)

    def reached_by(want: _Wanted) -> Iterator[tuple[int, str]]:
        # Wheels and their extras; "" is the wheel without extras.
        return (
            (index, extra) for index in by_name.get(want.name, ()) for extra in ("", *want.extras)
        )

    todo = [pair for root in roots for pair in reached_by(root)]
    done: set[tuple[int, str]] = set()
    required: set[tuple[int, int]] = set()
    while todo:
        index, extra = current = todo.pop()
        if current in done:
            continue
        done.add(current)
        for position, want in enumerate(wanted[index]):
            if (index, position) not in required and _applies(want, extra, environment):
                required.add((index, position))
                todo.extend(reached_by(want))
    return {index for index, _ in done}, [
        (wheels[index].filename, wanted[index][position]) for index, position in sorted(required)
    ]


def _parse_requirements(texts: Iterable[str]) -> tuple[_Wanted, ...]:
    return tuple(filter(None, map(_parse_requirement, texts)))


@lru_cache(maxsize=_CACHED_REQUIREMENTS)
def _parse_requirement(text: str) -> _Wanted | None:
    """A requirement of PEP 508, or as much of it as can be parsed; None if nothing can."""
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        return _parse_lenient(text)
    return _Wanted(
        text=text,
        name=canonicalize_name(parsed.name),
        extras=frozenset(map(canonicalize_name, parsed.extras)),
        specifier=_comparable(parsed.specifier),
        marker=None if parsed.marker is None else str(parsed.marker),
    )


def _comparable(specifier: SpecifierSet) -> SpecifierSet | None:
    """None for a specifier that PEP 440 forbids; packaging before 22 parses it nevertheless."""
    try:
        for part in specifier:
            Specifier(str(part))
    except InvalidSpecifier:
        return None
    return specifier


def _parse_lenient(text: str) -> _Wanted | None:
    match = _LENIENT_REQUIREMENT.fullmatch(text)
    if not match:
        return None
    try:
        marker = str(Marker(match["marker"])) if match["marker"] else None
    except InvalidMarker:
        return None
    extras = filter(None, (extra.strip() for extra in (match["extras"] or "").split(",")))
    return _Wanted(
        text=text,
        name=canonicalize_name(match["name"]),
        extras=frozenset(map(canonicalize_name, extras)),
        specifier=None,
        marker=marker,
    )


def _applies(wanted: _Wanted, extra: str, environment: Mapping[str, str]) -> bool:
    """Whether the marker is true with this extra, given in its canonical form.

    The packaging releases that Pants uses compare extras literally, so the marker is evaluated with
    its own spelling of the extra. A marker that cannot be evaluated, for example because the
    version of the kernel is unknown, is false.
    """
    if wanted.marker is None:
        return True
    return _holds(wanted.marker, extra, tuple(environment.items()))


@lru_cache(maxsize=_CACHED_REQUIREMENTS)
def _holds(marker: str, extra: str, environment: tuple[tuple[str, str], ...]) -> bool:
    quoted = (single or double for single, double in _QUOTED.findall(marker))
    spellings = {text for text in quoted if extra and canonicalize_name(text) == extra} or {extra}
    for spelling in sorted(spellings):
        try:
            if Marker(marker).evaluate({**dict(environment), "extra": spelling}):
                return True
        except ValueError:
            # Base class of UndefinedComparison, UndefinedEnvironmentName and InvalidVersion.
            continue
    return False


def _satisfies(version: str, specifier: SpecifierSet | None) -> bool:
    if specifier is None or not str(specifier):
        return True
    try:
        return specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False
