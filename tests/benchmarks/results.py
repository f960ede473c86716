# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What was measured, what it is to be, and the table of both. Nothing here starts anything."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import Any, Iterable, Mapping

HEADINGS = ("Work", "Against", "Theirs", "Ours", "Ours/theirs", "Target", "Met")


@dataclass(frozen=True)
class Figure:
    """The measurements of one side, in the row's unit; `missing` says why there are none."""

    samples: tuple[float, ...] = ()
    missing: str = ""
    note: str = ""

    @property
    def median(self) -> float | None:
        return statistics.median(self.samples) if self.samples else None


@dataclass(frozen=True)
class Target:
    """`share`: ours is at most this part of theirs. `at_most`: ours is at most this, in the row's
    unit. `below`: the limit itself does not meet it. With neither, the row only informs."""

    share: float | None = None
    at_most: float | None = None
    below: bool = False

    def __str__(self) -> str:
        sign = "<" if self.below else "<="
        if self.share is not None:
            return f"{sign} {fraction(self.share)}"
        return "-" if self.at_most is None else f"{sign} {self.at_most:g}"


@dataclass(frozen=True)
class Row:
    """One line of the table: `unit` is "s", "ms", "MB" (10**6 bytes) or "" for a count."""

    key: str
    work: str
    unit: str
    against: str
    theirs: Figure
    ours: Figure
    target: Target = Target()

    @property
    def ratio(self) -> float | None:
        """Ours as a part of theirs, of the medians."""
        if self.ours.median is None or not self.theirs.median:
            return None
        return self.ours.median / self.theirs.median

    @property
    def met(self) -> bool | None:
        """None where there is no target, or a figure that it needs is missing."""
        if self.target.share is not None:
            value, limit = self.ratio, self.target.share
        elif self.target.at_most is not None:
            value, limit = self.ours.median, self.target.at_most
        else:
            return None
        if value is None:
            return None
        return value < limit if self.target.below else value <= limit


def fraction(share: float) -> str:
    """0.05 is "1/20", 2/3 is "2/3", 1 is "1"."""
    for numerator in (1, 2):
        denominator = round(numerator / share)
        if denominator > 0 and abs(numerator / denominator - share) < 1e-9:
            return f"{numerator}/{denominator}" if denominator > 1 else str(numerator)
    return f"{share:g}"


def quantity(figure: Figure, unit: str) -> str:
    """The median with its unit; where there are several samples, their range and number."""
    if figure.median is None:
        return "missing"
    text = number(figure.median)
    if len(figure.samples) > 1 and unit:
        least, most = number(min(figure.samples)), number(max(figure.samples))
        text += f" ({least}-{most}, n={len(figure.samples)})"
    return f"{text} {unit}".rstrip()


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cells(row: Row) -> tuple[str, ...]:
    """The row's cells, in the order of HEADINGS."""
    ratio = "-" if row.ratio is None else f"{row.ratio:.3f} (1/{1 / row.ratio:.1f})"
    if row.ratio is not None and row.ratio > 0.95:
        ratio = f"{row.ratio:.3f}"
    met = {True: "yes", False: "NO", None: "-"}[row.met]
    theirs, ours = quantity(row.theirs, row.unit), quantity(row.ours, row.unit)
    return (row.work, row.against, theirs, ours, ratio, str(row.target), met)


def notes(rows: Iterable[Row]) -> list[str]:
    """One line for each figure that is missing, or was got in a way that is to be known."""
    lines = []
    for row in rows:
        for side, figure in ((row.against, row.theirs), ("ours", row.ours)):
            if figure.missing:
                lines.append(f"{row.work}: {side} is missing: {figure.missing}")
            if figure.note:
                lines.append(f"{row.work}: {side}: {figure.note}")
    return lines


def plain_table(rows: Iterable[Row]) -> str:
    table = [HEADINGS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table)]
    table.insert(1, tuple("-" * width for width in widths))
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths)) for line in table)
    return "\n".join(line.rstrip() for line in lines)


def markdown_table(rows: Iterable[Row]) -> str:
    table = [HEADINGS, ("---",) * len(HEADINGS), *map(cells, rows)]
    return "\n".join("| " + " | ".join(line).replace("\n", " ") + " |" for line in table)


def as_json(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows with all their samples, medians, ratios and verdicts, for `json.dump`."""
    return [
        {
            **asdict(row),
            "median_theirs": row.theirs.median,
            "median_ours": row.ours.median,
            "ratio": row.ratio,
            "met": row.met,
        }
        for row in rows
    ]


def from_json(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """What `as_json` was given."""
    return [
        Row(
            **{key: row[key] for key in ("key", "work", "unit", "against")},
            theirs=_figure(row["theirs"]),
            ours=_figure(row["ours"]),
            target=Target(**row["target"]),
        )
        for row in rows
    ]


def _figure(figure: Mapping[str, Any]) -> Figure:
    fields: dict[str, Any] = {**figure, "samples": tuple(figure["samples"])}
    return Figure(**fields)
