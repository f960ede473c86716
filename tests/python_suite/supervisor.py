# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs a command within bounds: `supervisor.py SECONDS PROCESSES COMMAND...`.

If it takes longer, or has more processes at a time, all of them are killed, those that left its
session included, and the last line of the output says why. None of them outlives the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

INTERVAL_SECONDS = 0.1
KILLED_STATUS = 99
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>


def descendants(root: int) -> list[int]:
    """The processes below `root` that have not ended."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                # "N (name) state parent ...", where a name may have any character.
                text = Path(f"/proc/{entry}/stat").read_bytes().rpartition(b")")[2].split()
            except OSError:  # It has ended.
                continue
            if text[0] != b"Z":
                children.setdefault(int(text[1]), []).append(int(entry))
    found: list[int] = []
    pending = [root]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def kill_descendants() -> None:
    """Also of what starts new ones meanwhile."""
    for _ in range(100):
        found = descendants(os.getpid())
        if not found:
            break
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
        reap()


def reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def supervise(seconds: float, processes: int, command: list[str]) -> int:
    # What loses its parent becomes a child of this process, and is found.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # A shell has what runs in the background ignore Ctrl-C, which tests send.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    end = time.monotonic() + seconds
    reason = ""
    while not reason:
        try:
            status = child.wait(INTERVAL_SECONDS)
            break
        except subprocess.TimeoutExpired:
            if time.monotonic() > end:
                reason = f"takes more than {seconds:g} seconds"
            elif len(descendants(os.getpid())) > processes:
                reason = f"has more than {processes} processes"
    if reason:
        status = KILLED_STATUS
    kill_descendants()
    if reason:
        print(f"\n{reason}", flush=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(supervise(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
