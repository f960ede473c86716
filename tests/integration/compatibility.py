# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The table in docs/compatibility.md, and what the pins say about its rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

BEGIN = "<!-- The table is written by tests/integration/matrix_test.py. -->\n"
_VERSION = re.compile(r"\d\S* (?=works$)")


@dataclass(frozen=True)
class Case:
    kind: str
    name: str
    version: str | None
    result: str

    @property
    def has_failed(self) -> bool:
        return self.result.startswith("fails")

    @property
    def label(self) -> str:
        return f"`{self.name}`" if self.kind == "stdlib" else self.name.replace("_", "-")

    @property
    def cell(self) -> str:
        works = self.result == "works" and self.kind == "packages"
        # A bar would end the cell.
        return f"{self.version} {self.result}" if works else self.result.replace("|", "/")


def read_pins(requirements: str) -> list[Requirement]:
    """Those of a requirements.txt with hashes."""
    lines = [
        line.partition(" --hash=")[0] for line in requirements.replace("\\\n", "").splitlines()
    ]
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def pins_for(python: str, pins: Iterable[Requirement]) -> dict[str, SpecifierSet | None]:
    """What a binary with this Python must have; None for what has no release for it.

    For example, "3.11.4". The markers are evaluated for it on this machine by `packaging` alone:
    what the plugin makes of markers is what is tested.
    """
    environment = {
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "implementation_version": python,
    }
    found: dict[str, SpecifierSet | None] = {}
    for pin in pins:
        name = canonicalize_name(pin.name)
        if pin.marker is None or pin.marker.evaluate(environment):
            found[name] = pin.specifier
        else:
            found.setdefault(name, None)
    return found


def result_unrun(
    name: str, version: str | None, pins: Mapping[str, SpecifierSet | None]
) -> str | None:
    """The result for a distribution that cannot be tried; None for one that is as it is pinned."""
    key = canonicalize_name(name)
    if key not in pins:
        return "fails: it is not pinned"
    pin = pins[key]
    if pin is None:
        return "no release" if version is None else f"fails: {version} is not for this Python"
    if version is None:
        return f"fails: {pin} is lost"
    return None if pin.contains(version, prereleases=True) else f"fails: {version} is not {pin}"


def check_page(page: Path) -> None:
    """Fail where `write_results` would."""
    # Pants runs tests in a sandbox: what is relative is not there either.
    if not page.is_absolute() or not page.is_file():
        raise ValueError(
            f"UPDATE_COMPATIBILITY must be the absolute path of a page that exists, not {page}"
        )
    if BEGIN not in page.read_text():
        raise ValueError(f"UPDATE_COMPATIBILITY: {page} has no line {BEGIN.strip()}")


def stale_rows(page: str, python: str, cases: Iterable[Case]) -> list[str]:
    """How the page differs from the results for one Python.

    Not in versions: those can depend on the patch release of the Python. See `unpinned_rows`.
    """
    old = _columns(page.partition(BEGIN)[2]).get(python, {})
    new = {case.label: case.cell for case in cases}
    return [
        f"{label}: {new.get(label, 'no case')}, but on the page: {old.get(label, 'nothing')}"
        for label in {**old, **new}
        if _VERSION.sub("", old.get(label, "")) != _VERSION.sub("", new.get(label, ""))
    ]


def unpinned_rows(page: str, pins: Sequence[Requirement]) -> list[str]:
    """What the page says of versions that are not in the pins, as of those before an update."""
    return [
        f"{label}: {cell} on Python {python}"
        for python, column in _columns(page.partition(BEGIN)[2]).items()
        for label, cell in column.items()
        if (version := _VERSION.match(cell))
        and not any(
            canonicalize_name(pin.name) == label
            and pin.specifier.contains(version[0].strip(), prereleases=True)
            for pin in pins
        )
    ]


def write_results(page: Path, python: str, cases: Iterable[Case]) -> None:
    """Put the results for one Python into its column, and leave those for others as they are."""
    head, begin, old = page.read_text().partition(BEGIN)
    assert begin, page
    columns = _columns(old)
    columns[python] = {case.label: case.cell for case in cases}
    pythons = sorted(columns, key=lambda it: [int(part) for part in it.split(".")])
    labels = dict.fromkeys(label for python in pythons for label in columns[python])
    rows = [
        ["What", *(f"Python {python}" for python in pythons)],
        ["---"] * (len(pythons) + 1),
        *([label, *(columns[it].get(label, "") for it in pythons)] for label in labels),
    ]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    page.write_text(head + begin + "\n" + table)


def _columns(table: str) -> dict[str, dict[str, str]]:
    """By Python, then by what was tried."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    if not rows:
        return {}
    return {
        title.split()[-1]: {row[0]: row[number] for row in rows[2:] if row[number]}
        for number, title in enumerate(rows[0])
        if number
    }
