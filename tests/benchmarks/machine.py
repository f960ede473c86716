# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What machine the figures are of."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path


def describe() -> dict[str, str]:
    """The machine, its tools and the time, each as a text; what is not there is "unknown"."""
    return {
        **moment(),
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": field("/proc/cpuinfo", "model name"),
        "memory": field("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "rustc": first_line("rustc", "--version"),
        "cargo": first_line("cargo", "--version"),
        "cc": first_line("cc", "--version"),
    }


def moment() -> dict[str, str]:
    """What changes on one machine: the date, and the load."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def field(path: str, name: str) -> str:
    """The first value of `name` in a file of lines "name : value"."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return "unknown"
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == name:
            return " ".join(value.split())
    return "unknown"


def first_line(*argv: str) -> str:
    try:
        result = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return (result.stdout.splitlines() or ["unknown"])[0]
