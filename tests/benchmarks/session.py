# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the rows share: both backends, ready to build, and how to measure them in turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Mapping

from benchmarks.backends import Backend
from benchmarks.progress import StepError, say
from benchmarks.results import Figure
from benchmarks.workplace import Workplace, our_backend, own_backend

OURS, OWN = "ours", "Pants' own"

MAKERS = {OURS: our_backend, OWN: own_backend}


@dataclass
class Session:
    """`costs` and `stages` are what the charts show, by "theirs" and "ours"; `figures` keeps what
    more than one row needs; `facts` is what the rows tell of tools and versions."""

    workplace: Workplace
    runs: int
    ours_only: bool = False
    costs: dict[str, list[float]] = field(default_factory=dict)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    _warm: set[tuple[str, str, str]] = field(default_factory=set)
    _backends: dict[str, Backend] = field(default_factory=dict)

    def backend(self, name: str) -> Backend:
        """The one whose caches are warm, for rows about what is done again."""
        if name not in self._backends:
            self._backends[name] = self._make(name, "warm")
        return self._backends[name]

    def fresh(self, name: str, row: str, caches: Path | None = None) -> Backend:
        """One of the row's own, with empty caches."""
        backend = self._make(name, row, caches)
        backend.forget()
        return backend

    def _make(self, name: str, row: str, caches: Path | None = None) -> Backend:
        if self.ours_only and name != OURS:
            raise StepError("it was not asked for (--ours-only)")
        folder = self.workplace.folder / row / ("ours" if name == OURS else "own")
        return MAKERS[name](self.workplace, folder, caches)

    def warm_up(self, name: str, program: str, mode: str = "debug") -> None:
        """Build once what is not to be counted. One program does for Pants' own backend, as it
        keeps nothing of a program for the next build."""
        key = (name, program if name == OURS else "", mode)
        if key not in self._warm:
            say(f"{name}: first build of {program}, {mode}, not counted")
            self.edit(name, program, mode)
            self._warm.add(key)

    def edit(self, name: str, program: str, mode: str = "debug") -> float:
        """The seconds from a changed line to a new executable, which then is run."""
        backend = self.backend(name)
        line = backend.edit(program)
        args = ["--pyoxidizer-args=--release"] if mode == "release" else []
        seconds = backend.package(program, args=args).seconds
        backend.check(program, line, mode)
        return seconds

    def close(self) -> None:
        for backend in self._backends.values():
            backend.stop_daemon()


def measure(title: str, runs: int, sides: Mapping[str, Callable[[], float]]) -> dict[str, Figure]:
    """Call each side in turn, `runs` times. A side that fails once is missing, with the reason."""
    samples: dict[str, list[float]] = {name: [] for name in sides}
    missing: dict[str, str] = {}
    for number in range(1, runs + 1):
        for name, side in sides.items():
            if name in missing:
                continue
            try:
                samples[name].append(side())
            except StepError as error:
                missing[name] = str(error)
                say(f"{title}: {name} is missing: {error}")
            else:
                say(f"{title}: {name}, {number} of {runs}: {samples[name][-1]:.3f}")
    return {
        name: Figure(missing=missing[name]) if name in missing else Figure(tuple(samples[name]))
        for name in sides
    }


def one(side: Callable[[], Figure]) -> Figure:
    """The figure, or the reason why it is missing."""
    try:
        return side()
    except StepError as error:
        return Figure(missing=str(error))
