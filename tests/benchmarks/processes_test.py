# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.processes import PAGE_BYTES, Observation, Observer, Process, Seen, below, parse_stat


def test_a_line_of_proc() -> None:
    fields = ["S", "7", *map(str, range(5, 22)), "4242", "1000", "50", "0"]
    process = parse_stat(f"12 (a (strange) name) {' '.join(fields)}\n")
    assert process == Process(12, 7, "a (strange) name", 4242, 50 * PAGE_BYTES)


def test_descendants() -> None:
    processes = [
        Process(pid, parent, "x", 0, 0) for pid, parent in ((2, 1), (3, 2), (4, 3), (5, 1))
    ]
    assert sorted(process.pid for process in below(processes, [2])) == [2, 3, 4]
    assert sorted(process.pid for process in below(processes, [3, 5, 99])) == [3, 4, 5]
    assert sorted(process.pid for process in below(processes, [2, 3])) == [2, 3, 4]


def test_who_works() -> None:
    commands = {
        "rustc": ["rustc --crate-name a", "rustc -vV", "rustc --print sysroot"],
        "cargo": ["cargo --version --verbose", "cargo build --locked"],
        "sh": ["sh -c true"],
    }
    seen = tuple(Seen(name, line, 0, 1) for name, lines in commands.items() for line in lines)
    working = Observation(0, seen).working("rustc", "cargo")
    assert working == ["rustc --crate-name a", "cargo build --locked"]


def test_a_real_child_is_seen() -> None:
    program = "import time; block = bytearray(40_000_000); print(flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None and child.stdout.readline() == b"\n"
        with Observer(lambda: [child.pid], 0.01) as observer:
            time.sleep(0.5)
    finally:
        child.kill()
        child.communicate()
    (seen,) = (s for s in observer.result.seen if program in s.command)
    assert seen.last >= seen.first
    assert observer.result.peak_bytes > 40_000_000
