# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import datetime

import pytest

from benchmarks.cargo_shim import CargoCall
from benchmarks.processes import Observation, Seen
from benchmarks.stages import REST, Interval, exclusive, of_cargo, of_log, of_processes, shares

LOG = """\
10:00:00.00 [INFO] Initializing scheduler...
10:00:01.50 [DEBUG] Starting: Scheduling: Run setuptools for app:dist
10:00:02.00 [DEBUG] Starting: Run setuptools for app:dist
10:00:04.00 [DEBUG] Completed: Run setuptools for app:dist
10:00:04.00 [DEBUG] Completed: Scheduling: Run setuptools for app:dist
10:00:05.25 [DEBUG] Starting: Scheduling: Building app:bin with PyOxidizer
a line of the build
10:00:06.00 [DEBUG] Starting: Scheduling: Never ends
10:01:05.25 [DEBUG] Completed: Scheduling: Building app:bin with PyOxidizer
"""


def at(hour: int, minute: int, second: float) -> float:
    """A local time of some day, in seconds since the epoch."""
    day = datetime.datetime(2024, 5, 6, hour, minute)
    return day.timestamp() + second


def test_processes_of_a_log() -> None:
    day = 36000
    assert of_log(LOG) == [
        Interval("Run setuptools for app:dist", day + 1.5, day + 4),
        Interval("Building app:bin with PyOxidizer", day + 5.25, day + 65.25),
    ]


def test_builds_of_cargo() -> None:
    calls = [
        CargoCall("build", at(9, 0, 0), at(9, 1, 0)),
        CargoCall("init", at(10, 0, 1), at(10, 0, 2)),
        CargoCall("build", at(10, 0, 10), at(10, 0, 50)),
    ]
    (interval,) = of_cargo(calls, since=at(10, 0, 0))
    assert interval.stage == "cargo"
    assert (interval.start, interval.end) == pytest.approx((36010, 36050))


def test_processes_that_were_seen() -> None:
    seen = (Seen("python", "python -m pip install x", 2, 5), Seen("sh", "sh -c true", 0, 9))
    (interval,) = of_processes(Observation(1, seen), at(10, 0, 0), {"-m pip": "pip"})
    assert interval.stage == "pip"
    assert (interval.start, interval.end) == pytest.approx((36002, 36005))


def test_what_began_last_counts() -> None:
    intervals = [
        Interval("cargo", 10, 70),
        Interval("PyOxidizer", 5, 80),
        Interval("pip", 75, 78),
        Interval("wheel", 0, 5),
    ]
    assert exclusive(intervals) == {"wheel": 5, "PyOxidizer": 12, "cargo": 60, "pip": 3}


def test_shares_are_of_the_whole() -> None:
    intervals = [Interval("wheel", 1, 6), Interval("cargo", 10, 70), Interval("tiny", 80, 81)]
    stages = shares(intervals, total=100)
    assert stages == {"cargo": 60, "wheel": 5, REST: 35}
    assert list(stages) == ["cargo", "wheel", REST]
