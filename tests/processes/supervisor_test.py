# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from processes import supervisor


def supervise(
    seconds: float, processes: int, *command: str, must_end: bool = False
) -> tuple[int, str]:
    options = ["--must-end"] if must_end else []
    argv = [sys.executable, supervisor.__file__, *options, str(seconds), str(processes), *command]
    run = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=60)
    return run.returncode, run.stdout


def is_there(mark: str) -> bool:
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    return any(mark.encode() in line for line in lines)


def test_the_status_is_that_of_the_command() -> None:
    assert supervise(60, 10, "sh", "-c", "echo out; exit 3") == (3, "out\n")
    assert supervise(60, 10, "sh", "-c", "kill -SEGV $$") == (139, "")


def test_a_command_that_takes_long_is_killed_with_all_that_it_started() -> None:
    start = time.monotonic()
    # It leaves the session, and its parent ends.
    command = "(setsid sleep 123.25 &) ; sleep 123.25"
    status, output = supervise(1, 10, "sh", "-c", command)
    assert (status, output) == (supervisor.KILLED_STATUS, "\ntakes more than 1 seconds\n")
    assert time.monotonic() - start < 30
    assert not is_there("123.25")


def test_processes_that_multiply_are_killed() -> None:
    command = "for i in 1 2 3 4 5 6 7 8 9; do sleep 123.5 & done; wait"
    status, output = supervise(60, 5, "sh", "-c", command)
    assert (status, output) == (supervisor.KILLED_STATUS, "\nhas more than 5 processes\n")
    assert not is_there("123.5")


def test_nothing_outlives_the_command() -> None:
    assert supervise(60, 10, "sh", "-c", "setsid sleep 123.75 & exit 0") == (0, "")
    assert not is_there("123.75")


def test_what_must_end_is_given_time_for_it() -> None:
    assert supervise(60, 10, "sh", "-c", "setsid sleep 1 & exit 4", must_end=True) == (4, "")
    status, output = supervise(60, 10, "sh", "-c", "setsid sleep 123.8 & exit 0", must_end=True)
    assert (status, output) == (supervisor.KILLED_STATUS, "\nleaves sleep 123.8\n")
    assert not is_there("123.8")


MULTIPLYING = """
import subprocess, sys, time
for _ in range(2):
    subprocess.Popen([sys.executable, *sys.argv], start_new_session=True)
time.sleep(5)
"""


def test_processes_that_start_each_other_without_end_are_killed(tmp_path: Path) -> None:
    script = tmp_path / "multiplies.py"
    script.write_text(MULTIPLYING)
    status, output = supervise(60, 24, sys.executable, str(script))
    assert (status, output) == (supervisor.KILLED_STATUS, "\nhas more than 24 processes\n")
    assert not is_there(str(script))
