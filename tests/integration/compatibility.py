# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The table in docs/compatibility.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

BEGIN = "<!-- The table is written by tests/integration/matrix_test.py. -->\n"


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
        return f"{self.version} {self.result}" if works else self.result


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
    table = "".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in rows)
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
