# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The command: which rows to measure, and where the results go."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, Mapping, Sequence

from benchmarks import machine, results, rows_cold, rows_edit, rows_start
from benchmarks.backends import PANTS_VERSION
from benchmarks.progress import StepError, run, say
from benchmarks.pythons import find_python, pinned_version
from benchmarks.results import Row
from benchmarks.session import Session
from benchmarks.workplace import Workplace

CHECKOUT = Path(__file__).resolve().parents[2]

ROWS: Mapping[str, Callable[[Session], list[Row]]] = {
    "edit-memory": rows_edit.edit_memory,
    "edit-files": rows_edit.edit_files,
    "nth": rows_edit.nth,
    "edit-template": rows_edit.edit_template,
    "nothing": rows_edit.nothing,
    "profile": rows_edit.profile,
    "cold": rows_cold.cold,
    "second": rows_cold.second_machine,
    "start": rows_start.start_and_size,
    "modes": rows_edit.modes,
}


def parse(argv: Sequence[str]) -> argparse.Namespace:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parser = argparse.ArgumentParser(
        prog="benchmark.py",
        description="Measure pants_pyoxidizer against Pants' own backend and other tools.",
    )
    parser.add_argument(
        "--rows", nargs="+", choices=ROWS, default=list(ROWS), help="what to measure (all)"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep what an earlier call has measured and written to --output",
    )
    parser.add_argument("--runs", type=int, default=5, help="runs of each build (5)")
    parser.add_argument("--output", type=Path, default=CHECKOUT / "dist/benchmarks", help="results")
    parser.add_argument("--work", type=Path, default=Path(cache) / "pants-pyoxidizer-benchmarks")
    parser.add_argument("--python", help="the CPython that all sides get (the newest that suits)")
    parser.add_argument("--plugin", type=Path, default=CHECKOUT, help="the checkout to measure")
    parser.add_argument("--ours-only", action="store_true", help="leave Pants' own backend out")
    options = parser.parse_args(argv)
    if options.runs < 1:
        parser.error("--runs is at least 1")
    return options


@dataclass(frozen=True)
class Measured:
    """Rows that were measured together, and of what: commit, date and load of the machine."""

    rows: list[Row]
    origin: dict[str, str]

    @property
    def is_whole(self) -> bool:
        return not any(figure.missing for row in self.rows for figure in (row.theirs, row.ours))


Done = Dict[str, Measured]  # By names in ROWS.


def measure_rows(session: Session, names: Sequence[str], done: Done) -> Iterator[Done]:
    """Measure the rows that are not done, in the order of the table; all there are after each."""
    for name in ROWS:
        if name in names and not (name in done and done[name].is_whole):
            say(f"== {name}")
            origin = {"commit": commit(session.workplace.checkout), **machine.moment()}
            done = {**done, name: Measured(ROWS[name](session), origin)}
            yield done


def in_order(done: Done) -> list[Row]:
    return [row for name in ROWS if name in done for row in done[name].rows]


def origins(done: Done) -> list[str]:
    """One line for each commit of which something was measured, if there are several."""
    by_commit: dict[str, list[str]] = {}
    for name in ROWS:
        if name in done:
            by_commit.setdefault(done[name].origin["commit"], []).append(name)
    lines = [f"measured at {commit}: {', '.join(names)}" for commit, names in by_commit.items()]
    return lines if len(lines) > 1 else []


def resume(session: Session, output: Path) -> Done:
    """What an earlier call has measured."""
    data = json.loads((output / "results.json").read_text())
    session.costs.update(data["cost_per_binary"])
    session.stages.update(data["stages"])
    session.facts.update(data["versions"])
    done = {
        name: Measured(results.from_json(part), data["origins"][name])
        for name, part in data["rows"].items()
    }
    for row in in_order(done):
        if row.key == "edit-memory":
            session.figures["own edit"] = row.theirs
    return done


def facts(session: Session) -> dict[str, str]:
    """The versions of all that was used."""
    return {
        **session.facts,
        "python": f"{session.workplace.python.version} ({session.workplace.python.path})",
        "pants": PANTS_VERSION,
        "plugin": commit(session.workplace.checkout),
        "buildgrid": pinned_version("buildgrid.txt", "buildgrid"),
    }


def commit(checkout: Path) -> str:
    """The commit that is checked out, and whether it was changed."""
    try:
        return run(["git", "-C", checkout, "describe", "--always", "--dirty"]).strip()
    except StepError:
        return "unknown"


def write_results(session: Session, output: Path, about: dict[str, str], measured: Done) -> None:
    rows = in_order(measured)
    output.mkdir(parents=True, exist_ok=True)
    data = {
        "machine": about,
        "versions": facts(session),
        "runs": session.runs,
        "rows": {name: results.as_json(part.rows) for name, part in measured.items()},
        "origins": {name: part.origin for name, part in measured.items()},
        "cost_per_binary": session.costs,
        "stages": session.stages,
    }
    (output / "results.json").write_text(json.dumps(data, indent=2) + "\n")
    remarks = "".join(f"- {note}\n" for note in [*results.notes(rows), *origins(measured)])
    markdown = f"{results.markdown_table(rows)}\n\n{remarks}"
    (output / "results.md").write_text(markdown)


def draw(session: Session, output: Path) -> None:
    """Draw the charts with a program of its own, as only its venv has matplotlib."""
    try:
        program = Path(__file__).with_name("charts.py")
        run([session.workplace.venv("charts"), program, output / "results.json", output])
    except StepError as error:
        say(f"The charts are missing: {error}")


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    work, output = options.work.resolve(), options.output.resolve()
    try:
        python = find_python(options.python)
    except StepError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    say(f"Python {python.version} ({python.path}) for all; work in {work}; results in {output}")
    workplace = Workplace(work, options.plugin.resolve(), python)
    session = Session(workplace, options.runs, options.ours_only)
    about = machine.describe()
    measured: Done = resume(session, output) if options.resume else {}
    # As Ctrl-C: what was started is to be ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for rows_so_far in measure_rows(session, options.rows, measured):
            measured = rows_so_far
            write_results(session, output, about, measured)
    finally:
        session.close()
    draw(session, output)
    rows = in_order(measured)
    print(results.plain_table(rows))
    print("".join(f"\n{note}" for note in [*results.notes(rows), *origins(measured)]))
    return 0
