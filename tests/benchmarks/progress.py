# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Steps that take long: said on stderr, run with their output kept, and failed with a reason."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Mapping, Sequence

_START = time.monotonic()


class StepError(Exception):
    """A step failed. The message is the reason that stands in the table's notes."""


def say(message: str) -> None:
    """Write a line on stderr, after the minutes and seconds since the start."""
    minutes, seconds = divmod(int(time.monotonic() - _START), 60)
    print(f"[{minutes:3}:{seconds:02}] {message}", file=sys.stderr, flush=True)


def last_lines(text: str, count: int = 4) -> str:
    """The last lines that are not empty, on one line of at most 400 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:])[-400:]


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 3600,
) -> str:
    """Run a command to its end and return its standard output; StepError if it fails."""
    words = [str(word) for word in argv]
    try:
        result = subprocess.run(
            words,
            cwd=cwd,
            env=dict(os.environ if env is None else env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepError(f"{Path(words[0]).name}: {error}") from error
    if result.returncode != 0:
        reason = last_lines(result.stderr) or last_lines(result.stdout)
        raise StepError(f"`{' '.join(words)[:120]}` exits {result.returncode}: {reason}")
    return result.stdout
