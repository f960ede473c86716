# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Where the time of a build goes: from Pants' log, the notes of cargo, and the processes seen."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Iterable, Mapping

from benchmarks.cargo_shim import CargoCall
from benchmarks.processes import Observation

REST = "Pants and the rest"

# Stages that take a smaller part of the whole are counted to REST.
SMALL = 0.02

_LINE = re.compile(
    r"^(\d\d):(\d\d):(\d\d\.\d\d) \[\w+\] (Starting|Completed|Canceled): Scheduling: (.*)$"
)


@dataclass(frozen=True)
class Interval:
    """A stage from `start` to `end`, in seconds of the local day."""

    stage: str
    start: float
    end: float


def of_log(log: str) -> list[Interval]:
    """The processes of a log of Pants at level "debug" that run to their end, under the names
    that Pants has for them. A process that a cache answers for is among them, but short."""
    open_at: dict[str, float] = {}
    intervals = []
    for line in log.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        hours, minutes, seconds, event, process = match.groups()
        now = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        if event == "Starting":
            open_at[process] = now
        elif process in open_at:
            intervals.append(Interval(process, open_at.pop(process), now))
    return intervals


def of_day(epoch: float) -> float:
    """The seconds of the local day at a time that is given in seconds since the epoch."""
    time = datetime.datetime.fromtimestamp(epoch)
    return time.hour * 3600 + time.minute * 60 + time.second + time.microsecond / 1e6


def of_cargo(calls: Iterable[CargoCall], since: float) -> list[Interval]:
    """The builds that began after `since`, in seconds since the epoch."""
    return [
        Interval("cargo", of_day(call.start), of_day(call.end))
        for call in calls
        if call.subcommand == "build" and call.start >= since
    ]


def of_processes(
    observation: Observation, began: float, names: Mapping[str, str]
) -> list[Interval]:
    """The processes whose command line matches one of `names`, regular expressions with what to
    call the stage; `began` is in seconds since the epoch."""
    start = of_day(began)
    intervals = []
    for seen in observation.seen:
        stages = (stage for pattern, stage in names.items() if re.search(pattern, seen.command))
        stage = next(stages, "")
        if stage:
            intervals.append(Interval(stage, start + seen.first, start + seen.last))
    return intervals


def exclusive(intervals: Iterable[Interval]) -> dict[str, float]:
    """Seconds for each stage; of stages at the same time, the one that began last counts."""
    intervals = sorted(intervals, key=lambda interval: interval.start)
    times = sorted({time for i in intervals for time in (i.start, i.end)})
    totals: dict[str, float] = {}
    for start, end in zip(times, times[1:]):
        going_on = [i for i in intervals if i.start <= start and i.end >= end]
        if going_on:
            stage = going_on[-1].stage
            totals[stage] = totals.get(stage, 0.0) + end - start
    return totals


def shares(intervals: Iterable[Interval], total: float) -> dict[str, float]:
    """Seconds for each stage that is not SMALL, longest first, and the rest of `total` last."""
    stages = exclusive(intervals)
    large = {name: seconds for name, seconds in stages.items() if seconds >= SMALL * total}
    ordered = dict(sorted(large.items(), key=lambda item: -item[1]))
    ordered[REST] = max(0.0, total - sum(ordered.values()))
    return ordered
