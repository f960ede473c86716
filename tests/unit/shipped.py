# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Starts programs as processes do."""

from __future__ import annotations

import sys
from pathlib import Path

from pants_pyoxidizer import programs

PROGRAMS = Path(programs.__file__ or "").parent


def command(program: str, *arguments: str, python: str = sys.executable) -> list[str]:
    """The command that runs a program with nothing but the standard library."""
    return [python, "-I", "-S", "-B", str(PROGRAMS), program, *arguments]
