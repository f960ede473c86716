# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import json

import pytest

from benchmarks.results import (
    Figure,
    Row,
    Target,
    as_json,
    fraction,
    from_json,
    markdown_table,
    notes,
    number,
    plain_table,
    quantity,
)


def row(theirs: Figure, ours: Figure, target: Target, unit: str = "s") -> Row:
    return Row("key", "some work", unit, "Pants' own", theirs, ours, target)


def test_the_ratio_is_of_the_medians() -> None:
    measured = row(Figure((80.0, 100.0, 300.0)), Figure((4.0, 5.0, 90.0)), Target(share=1 / 20))
    assert (measured.theirs.median, measured.ours.median) == (100, 5)
    assert measured.ratio == 0.05
    assert measured.met is True


@pytest.mark.parametrize(
    "ours, target, met",
    [
        (50.0, Target(share=0.5), True),
        (51.0, Target(share=0.5), False),
        (100.0, Target(share=1), True),
        (100.0, Target(share=1, below=True), False),
        (99.0, Target(share=1, below=True), True),
        (0.0, Target(at_most=0), True),
        (1.0, Target(at_most=0), False),
        (1.0, Target(), None),
    ],
)
def test_targets(ours: float, target: Target, met: bool | None) -> None:
    assert row(Figure((100.0,)), Figure((ours,)), target).met is met


def test_nothing_is_met_by_what_is_missing() -> None:
    missing = Figure(missing="it did not install")
    for measured in (
        row(missing, Figure((1.0,)), Target(share=1)),
        row(Figure((1.0,)), missing, Target(share=1)),
        row(Figure((1.0,)), missing, Target(at_most=0)),
    ):
        assert measured.met is None
    assert row(Figure((0.0,)), Figure((1.0,)), Target(share=1)).ratio is None


def test_an_absolute_target_needs_only_ours() -> None:
    assert row(Figure(missing="gone"), Figure((0.0,)), Target(at_most=0)).met is True


@pytest.mark.parametrize(
    "share, text", [(1 / 20, "1/20"), (1 / 40, "1/40"), (2 / 3, "2/3"), (1, "1"), (0.123, "0.123")]
)
def test_fractions(share: float, text: str) -> None:
    assert fraction(share) == text
    assert str(Target(share=share)) == f"<= {text}"


def test_targets_in_words() -> None:
    assert str(Target(share=1, below=True)) == "< 1"
    assert str(Target(at_most=0)) == "<= 0"
    assert str(Target()) == "-"


@pytest.mark.parametrize(
    "value, text", [(123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.5, "0.50"), (3.0, "3")]
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_quantities() -> None:
    assert quantity(Figure((1.5, 2.5, 9.75)), "s") == "2.50 (1.50-9.75, n=3) s"
    assert quantity(Figure((83.0,)), "MB") == "83 MB"
    assert quantity(Figure((0.0,)), "") == "0"
    assert quantity(Figure(missing="why"), "s") == "missing"


ROWS = [
    row(Figure((90.0,)), Figure((1.5,)), Target(share=1 / 20)),
    row(Figure(missing="no patchelf"), Figure((2.0,), note="the 2nd only"), Target(share=1)),
    row(Figure((10.0,)), Figure((11.0,)), Target(share=1)),
]


def test_the_plain_table() -> None:
    lines = plain_table(ROWS).splitlines()
    assert lines[0].split() == ["Work", "Against", "Theirs", "Ours", "Ours/theirs", "Target", "Met"]
    assert lines[2].split("  ")[0] == "some work"
    assert "0.017 (1/60.0)  <= 1/20  yes" in lines[2]
    assert "missing" in lines[3] and lines[3].endswith("-")
    assert "1.100" in lines[4] and lines[4].endswith("NO")


def test_the_markdown_table() -> None:
    lines = markdown_table(ROWS).splitlines()
    assert lines[1] == "| --- | --- | --- | --- | --- | --- | --- |"
    assert lines[2] == "| some work | Pants' own | 90 s | 1.50 s | 0.017 (1/60.0) | <= 1/20 | yes |"
    assert len(lines) == 5


def test_notes_say_what_is_missing() -> None:
    assert notes(ROWS) == [
        "some work: Pants' own is missing: no patchelf",
        "some work: ours: the 2nd only",
    ]


def test_json_has_samples_and_verdicts() -> None:
    first = json.loads(json.dumps(as_json(ROWS)))[0]
    assert first["theirs"]["samples"] == [90.0]
    assert (first["median_ours"], first["met"]) == (1.5, True)


def test_json_is_read_back() -> None:
    assert from_json(json.loads(json.dumps(as_json(ROWS)))) == ROWS
