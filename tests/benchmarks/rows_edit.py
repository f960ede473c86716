# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The rows about what is built again and again, with warm caches and Pants' daemon."""

from __future__ import annotations

from functools import partial

from benchmarks import stages
from benchmarks.progress import StepError, say
from benchmarks.results import Figure, Row, Target
from benchmarks.session import OURS, OWN, Session, measure, one
from benchmarks.workplace import NTH_PROGRAMS, cargo_calls

# How often "nothing changed" is measured at least: it is short, and the sides are close.
NOTHING_RUNS = 15

# Pants' own backend builds only so many of the programs: each takes as long as the second.
OWN_PROGRAMS = 4

# Seconds between looks at the processes: each look takes some time from the build.
STEPS_INTERVAL = 0.25

# What PyOxidizer starts within the one process that Pants knows of.
_STEPS_OF_OWN = {r"-m pip |/pip3? |ensurepip": "pip", r"bytecode": "bytecode"}


def _warm_edit(session: Session, name: str, program: str) -> float:
    session.warm_up(name, program)
    return session.edit(name, program)


def edit_memory(session: Session) -> list[Row]:
    title = "a changed line, code in memory"
    sides = {name: partial(_warm_edit, session, name, "memory") for name in (OWN, OURS)}
    figures = measure(title, session.runs, sides)
    session.figures["own edit"] = figures[OWN]
    return [_row("edit-memory", title, figures[OWN], figures[OURS], 1 / 20)]


def edit_files(session: Session) -> list[Row]:
    title = "a changed line, code on the filesystem"
    sides = {name: partial(_warm_edit, session, name, "files") for name in (OWN, OURS)}
    figures = measure(title, session.runs, sides)
    return [_row("edit-files", title, figures[OWN], figures[OURS], 1 / 20)]


def edit_template(session: Session) -> list[Row]:
    title = "a changed line, with a template"
    sides = {OURS: partial(_warm_edit, session, OURS, "template")}
    if "own edit" not in session.figures:
        # To Pants' own backend it is the same work as "a changed line, code in memory".
        sides[OWN] = partial(_warm_edit, session, OWN, "memory")
    figures = measure(title, session.runs, sides)
    session.figures.setdefault("own edit", figures.get(OWN, Figure()))
    return [_row("edit-template", title, session.figures["own edit"], figures[OURS], 1 / 10)]


def modes(session: Session) -> list[Row]:
    title = "debug to release and back, second time (per build)"

    def there_and_back(name: str) -> float:
        for mode in ("debug", "release"):
            session.warm_up(name, "memory", mode)
        return (session.edit(name, "memory", "release") + session.edit(name, "memory")) / 2

    sides = {name: partial(there_and_back, name) for name in (OWN, OURS)}
    # Each has two builds.
    figures = measure(title, (session.runs + 1) // 2, sides)
    return [_row("modes", title, figures[OWN], figures[OURS], 1 / 20)]


def nothing(session: Session) -> list[Row]:
    title = "nothing changed, pantsd warm"

    def again(name: str) -> float:
        session.warm_up(name, "memory")
        return session.backend(name).package("memory").seconds

    # Once more than counted: the run after a change still forgets what is gone.
    sides = {name: partial(again, name) for name in (OWN, OURS)}
    figures = measure(title, max(session.runs, NOTHING_RUNS) + 1, sides)
    counted = {name: Figure(f.samples[1:], f.missing) for name, f in figures.items()}
    return [_row("nothing", title, counted[OWN], counted[OURS], 1)]


def nth(session: Session) -> list[Row]:
    """Each binary with a command of its own, then all but the first with one command."""
    each, together = {}, {}
    for name, count in ((OWN, OWN_PROGRAMS), (OURS, len(NTH_PROGRAMS))):
        each[name], together[name] = _nth_of(session, name, NTH_PROGRAMS[:count])
    return [
        _row("nth", "the 2nd to 20th binary, a command for each", each[OWN], each[OURS], 1 / 40),
        _row(
            "nth-together",
            "the 2nd to 20th binary, one command for all (per binary)",
            together[OWN],
            together[OURS],
            1 / 40,
        ),
    ]


def _nth_of(session: Session, name: str, programs: tuple[str, ...]) -> tuple[Figure, Figure]:
    note = f"only {len(programs) - 1} of them" if name == OWN else ""
    costs = session.costs.setdefault("ours" if name == OURS else "theirs", [])
    backend = None
    try:
        backend = session.fresh(name, "nth")
        for number, program in enumerate(programs, 1):
            line = backend.edit(program)
            costs.append(backend.package(program).seconds)
            say(f"binary {number} of {len(programs)}: {name}: {costs[-1]:.3f}")
            backend.check(program, line)
        lines = {program: backend.edit(program) for program in programs[1:]}
        seconds = backend.package(*lines).seconds / len(lines)
        for program, line in lines.items():
            backend.check(program, line)
    except StepError as error:
        missing = Figure(missing=str(error))
        return missing, missing
    finally:
        if backend is not None:
            backend.discard()
    say(f"binaries 2 to {len(programs)} with one command: {name}: {seconds:.3f} each")
    return Figure(tuple(costs[1:]), note=note), Figure((seconds,), note=note)


def profile(session: Session) -> list[Row]:
    """No rows, but the stages of one edit for the chart."""
    for name, side in ((OWN, "theirs"), (OURS, "ours")):
        figure = one(partial(_profile_of, session, name, side))
        if figure.missing:
            say(f"where the time goes: {name} is missing: {figure.missing}")
    return []


def _profile_of(session: Session, name: str, side: str) -> Figure:
    session.warm_up(name, "memory")
    say(f"where the time goes: {name}")
    backend = session.backend(name)
    # A daemon keeps the level of log that it was started with.
    backend.stop_daemon()
    backend.package("memory", args=["-ldebug"])
    line = backend.edit("memory")
    run = backend.package("memory", args=["-ldebug"], interval=STEPS_INTERVAL if name == OWN else 0)
    backend.check("memory", line)
    backend.stop_daemon()
    intervals = stages.of_log(run.log)
    if name == OWN and run.observation is not None:
        intervals += stages.of_cargo(cargo_calls(session.workplace), run.began)
        intervals += stages.of_processes(run.observation, run.began, _STEPS_OF_OWN)
    session.stages[side] = stages.shares(intervals, run.seconds)
    return Figure((run.seconds,))


def _row(key: str, work: str, own: Figure, ours: Figure, share: float) -> Row:
    return Row(key, work, "s", OWN, own, ours, Target(share=share))
