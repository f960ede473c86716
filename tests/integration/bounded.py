# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs a command that could multiply without end: its time and its processes are bounded.

All that it starts counts, what runs on in the background included. When it has ended, nothing of
that may be left.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, Mapping

# From <linux/prctl.h>: whose parent has ended becomes a child of ours, and none gets away.
PR_SET_CHILD_SUBREAPER = 36

# How long what was started may take to end, after the command has.
GRACE_SECONDS = 5


def run_bounded(
    *argv: str, seconds: float, processes: int, cwd: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, __file__, str(seconds), str(processes), *argv],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds + 60,
    )


def main(seconds: float, processes: int, argv: list[str]) -> str | int:
    """The exit status of the command, or what was wrong."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        return "processes cannot be watched"
    # However many there are, this process gets its turn.
    command = subprocess.Popen(["nice", *argv], start_new_session=True).pid
    end = time.monotonic() + seconds
    status: int | None = None
    has_ended = False
    try:
        while True:
            status = reap().get(command, status)
            running = descendants()
            if len(running) > processes:
                return f"more than {processes} processes: {shown(running)}"
            if status is not None and not running:
                return status
            if status is not None and not has_ended:
                has_ended, end = True, time.monotonic() + GRACE_SECONDS
            if time.monotonic() > end:
                return f"still running: {shown(running)}"
            time.sleep(0.05)
    finally:
        while descendants():
            # They could start others until all are stopped.
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for process in descendants():
                    try:
                        os.kill(process, number)
                    except ProcessLookupError:
                        pass
            reap()


def reap() -> dict[int, int]:
    """The exit statuses of the children that have ended."""
    statuses = {}
    try:
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                break
            statuses[process] = os.WEXITSTATUS(status) or os.WTERMSIG(status)
    except ChildProcessError:
        pass
    return statuses


def descendants() -> list[int]:
    parents = dict(running())
    found = [os.getpid()]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]


def running() -> Iterator[tuple[int, int]]:
    """All processes that have not ended, with their parents."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            yield int(path.parent.name), int(parent)


def shown(processes: list[int]) -> str:
    commands = []
    for process in processes[:50]:
        try:
            command = Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            continue
        commands.append(command.replace(b"\0", b" ").decode(errors="replace")[:300])
    return "\n".join(["", *commands])


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
