# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""A `cargo` for Pants' own backend: as the real one, but it notes its times, and `cargo init`
writes an edition that PyOxidizer 0.24 can read.

Without the latter no build with cargo 1.85 or newer succeeds, so there would be nothing to compare
with; what cargo compiles, and how, stays as it is.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

from benchmarks.progress import StepError

# On cargo's own PATH there is no Python that is known of, but always a shell.
_PROGRAM = """\
#!/bin/sh
subcommand=$1
if [ "$subcommand" = init ]; then
    shift
    set -- init --edition 2021 "$@"
fi
start=$(date +%s.%N)
{cargo} "$@"
status=$?
printf '["%s", %s, %s]\\n' "$subcommand" "$start" "$(date +%s.%N)" >>{log}
exit $status
"""


@dataclass(frozen=True)
class CargoCall:
    """One call: `start` and `end` are in seconds since the epoch."""

    subcommand: str
    start: float
    end: float


def quoted(path: str) -> str:
    """A word for a shell."""
    return "'" + path.replace("'", "'\\''") + "'"


def real_cargo() -> str:
    path = shutil.which("cargo")
    if path is None:
        raise StepError("there is no `cargo` on PATH")
    return path


def install(folder: Path, cargo: str) -> Path:
    """Write the program as `folder`/cargo; the path of its log, which it appends to."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "calls.log"
    program = folder / "cargo"
    program.write_text(_PROGRAM.format(cargo=quoted(cargo), log=quoted(str(log))))
    os.chmod(program, 0o755)
    return log


def parse_log(text: str) -> tuple[CargoCall, ...]:
    return tuple(CargoCall(*json.loads(line)) for line in text.splitlines())


def seconds(calls: Iterable[CargoCall], subcommand: str = "build") -> float:
    """What the calls of a subcommand took."""
    return sum(call.end - call.start for call in calls if call.subcommand == subcommand)
