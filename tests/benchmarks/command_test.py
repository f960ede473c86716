# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import command
from benchmarks.command import Measured, in_order, measure_rows, origins, resume, write_results
from benchmarks.pythons import Python
from benchmarks.results import Figure, Row
from benchmarks.session import Session
from benchmarks.workplace import Workplace

ONE = Figure((1.0,))


def row(name: str, ours: Figure = ONE) -> Row:
    return Row(name, f"work of {name}", "s", "Pants' own", Figure((80.0, 90.0)), ours)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    python = Python("/usr/bin/python3.11", "3.11.7", shared=True)
    return Session(Workplace(tmp_path / "work", tmp_path, python), runs=5)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of rows, as they are measured."""
    names: list[str] = []

    def measure(name: str) -> list[Row]:
        names.append(name)
        return [row(name)]

    rows = {name: lambda _, name=name: measure(name) for name in ("edit-memory", "nth", "start")}
    monkeypatch.setattr(command, "ROWS", rows)
    monkeypatch.setattr(command, "commit", lambda _: "2222222")
    return names


def test_what_was_measured_is_kept_with_its_commit(
    session: Session, measured: list[str], tmp_path: Path
) -> None:
    before = {
        "edit-memory": Measured([row("edit-memory")], {"commit": "1111111"}),
        "nth": Measured([row("nth", Figure(missing="no net"))], {"commit": "1111111"}),
    }
    write_results(session, tmp_path, {}, before)
    done = resume(session, tmp_path)
    assert done == before
    assert session.figures["own edit"] == Figure((80.0, 90.0))
    for rows_so_far in measure_rows(session, list(command.ROWS), done):
        write_results(session, tmp_path, {}, rows_so_far)
    # What was missing is measured again.
    assert measured == ["nth", "start"]
    done = resume(session, tmp_path)
    assert {name: part.origin["commit"] for name, part in done.items()} == {
        "edit-memory": "1111111",
        "nth": "2222222",
        "start": "2222222",
    }
    assert [row.key for row in in_order(done)] == ["edit-memory", "nth", "start"]
    lines = ["measured at 1111111: edit-memory", "measured at 2222222: nth, start"]
    assert origins(done) == lines
    assert all(f"- {line}\n" in (tmp_path / "results.md").read_text() for line in lines)


def test_of_one_commit_nothing_is_said(session: Session, measured: list[str]) -> None:
    (done,) = measure_rows(session, ["start"], {})
    assert measured == ["start"]
    assert origins(done) == []
