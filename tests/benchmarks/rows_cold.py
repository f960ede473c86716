# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The rows about a first build: with empty caches, and on a second machine of a team."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from benchmarks.backends import Backend, Run
from benchmarks.processes import Observation
from benchmarks.progress import StepError, say
from benchmarks.remote import remote_cache
from benchmarks.results import Figure, Row, Target
from benchmarks.session import OURS, OWN, Session, measure

# Often enough for a peak, seldom enough to take no time from the build.
INTERVAL = 0.25

MB = 1e6

# Each downloads and compiles all there is.
COLD_RUNS = 3

# The processes in which PyOxidizer or a compiler works, whoever starts them.
COMPILERS = ("pyoxidizer", "cargo", "rustc")


def build(backend: Backend) -> tuple[Run, Observation]:
    """A build of a changed line, observed, whose executable then is run."""
    line = backend.edit("memory")
    run = backend.package("memory", interval=INTERVAL)
    backend.check("memory", line)
    if run.observation is None:
        raise StepError("the processes were not observed")
    return run, run.observation


def cold(session: Session) -> list[Row]:
    """Cold seconds and the peak of memory, which are of the same builds."""
    title = "cold: all caches empty, crates downloaded"
    peaks: dict[str, list[float]] = {OWN: [], OURS: []}

    def from_nothing(name: str) -> float:
        backend = session.fresh(name, "cold")
        try:
            run, observation = build(backend)
        finally:
            backend.discard()
        peaks[name].append(observation.peak_bytes / MB)
        return run.seconds

    sides = {name: partial(from_nothing, name) for name in (OWN, OURS)}
    figures = measure(title, min(session.runs, COLD_RUNS), sides)
    memory = {name: Figure(tuple(peaks[name]), figures[name].missing) for name in sides}
    limit = Target(share=1)
    return [
        Row("cold", title, "s", OWN, figures[OWN], figures[OURS], limit),
        Row("memory", "peak memory of that build", "MB", OWN, memory[OWN], memory[OURS], limit),
    ]


@dataclass(frozen=True)
class SecondMachine:
    """Of a build by somebody else's results; `compilers` is how many COMPILERS ran."""

    seconds: Figure
    compilers: Figure


def second_machine(session: Session) -> list[Row]:
    own, ours = (_second_machine_of(session, name) for name in (OWN, OURS))
    return [
        Row("second", "second machine, shared REAPI cache", "s", OWN, own.seconds, ours.seconds),
        Row(
            "second-compilers",
            "runs of PyOxidizer, cargo and rustc there",
            "",
            OWN,
            own.compilers,
            ours.compilers,
            Target(at_most=0),
        ),
    ]


def _second_machine_of(session: Session, name: str) -> SecondMachine:
    """Build in one repository, then the same sources in another one, in another folder."""
    caches = session.workplace.folder / "remote" / "caches"
    backends = []
    try:
        with remote_cache(session.workplace) as options:
            backends = [session.fresh(name, f"remote/{part}", caches) for part in ("a", "b")]
            first, second = (replace(backend, global_args=options) for backend in backends)
            line = first.edit("memory")
            say(f"second machine: {name}: the first machine builds")
            seconds = first.package("memory").seconds
            first.check("memory", line)
            first.forget()
            second.write({"memory/line.py": (first.repository / "memory/line.py").read_text()})
            say(f"second machine: {name}: after {seconds:.1f} s, the second one builds")
            run = second.package("memory", interval=0.05)
            second.check("memory", line)
            if run.observation is None:
                raise StepError("the processes were not observed")
            working = run.observation.working(*COMPILERS)
    except StepError as error:
        say(f"second machine: {name} is missing: {error}")
        missing = Figure(missing=str(error))
        return SecondMachine(missing, missing)
    finally:
        for backend in backends:
            backend.discard()
    say(f"second machine: {name}: {run.seconds:.1f} s, {len(working)} compilers {working[:5]}")
    note = f"the first machine took {seconds:.1f} s"
    ran = "; ".join(command[:80] for command in working[:5])
    return SecondMachine(Figure((run.seconds,), note=note), Figure((len(working),), note=ran))
