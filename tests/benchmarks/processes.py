# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What runs below a process, seen in /proc from time to time: how much memory, and which programs.

The method is the same for every backend, and asks nothing of it.
"""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass
from typing import Callable, Iterable

# What rustc and cargo are asked for before anything is compiled.
_QUESTION = re.compile(r" (--version|-vV|-V|--print)\b")

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Process:
    """One line of /proc: `started` is in clock ticks since boot and tells reused ids apart."""

    pid: int
    parent: int
    name: str
    started: int
    rss_bytes: int


@dataclass(frozen=True)
class Seen:
    """A process with the first and last second, since the start, at which it was there."""

    name: str
    command: str
    first: float
    last: float


@dataclass(frozen=True)
class Observation:
    """`peak_bytes` is the largest sum, at one time, of the resident memory of all processes; what
    several of them share counts for each."""

    peak_bytes: int
    seen: tuple[Seen, ...]

    def working(self, *names: str) -> list[str]:
        """The command lines of the processes of these names, but for those of compilers that are
        only asked for their version or their folders."""
        commands = (seen.command for seen in self.seen if seen.name in names)
        return [command for command in commands if not _QUESTION.search(command)]


def parse_stat(text: str) -> Process:
    """A line of /proc/PID/stat (proc(5)); the name may hold blanks and brackets."""
    pid, _, rest = text.partition(" (")
    name, _, fields = rest.rpartition(") ")
    values = fields.split()
    return Process(
        pid=int(pid),
        parent=int(values[1]),
        name=name,
        started=int(values[19]),
        rss_bytes=int(values[21]) * PAGE_BYTES,
    )


def below(processes: Iterable[Process], roots: Iterable[int]) -> list[Process]:
    """The processes with the ids `roots`, and all that descend from them."""
    children: dict[int, list[Process]] = {}
    by_pid = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
        by_pid[process.pid] = process
    found: dict[int, Process] = {}
    pending = [by_pid[pid] for pid in roots if pid in by_pid]
    while pending:
        process = pending.pop()
        if process.pid not in found:
            found[process.pid] = process
            pending += children.get(process.pid, [])
    return list(found.values())


def all_processes() -> list[Process]:
    processes = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    processes.append(parse_stat(file.read()))
            except OSError:  # It has ended.
                continue
    return processes


def command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(4096).replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


class Observer:
    """Watches, within a `with`, all that runs below the processes that `roots` gives."""

    def __init__(self, roots: Callable[[], list[int]], interval: float) -> None:
        self._roots = roots
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._start = time.perf_counter()
        self._peak = 0
        self._seen: dict[tuple[int, int, str], Seen] = {}

    def __enter__(self) -> Observer:
        if self._interval:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._interval:
            self._thread.join()

    @property
    def result(self) -> Observation:
        return Observation(self._peak, tuple(sorted(self._seen.values(), key=lambda s: s.first)))

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self._look()

    def _look(self) -> None:
        now = time.perf_counter() - self._start
        processes = below(all_processes(), self._roots())
        self._peak = max(self._peak, sum(process.rss_bytes for process in processes))
        for process in processes:
            # An exec changes the name: that is another program then.
            key = (process.pid, process.started, process.name)
            seen = self._seen.get(key)
            first = seen.first if seen else now
            text = seen.command if seen else command(process.pid)
            self._seen[key] = Seen(process.name, text, first, now)
