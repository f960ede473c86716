# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The Rust crates that PyOxidizer compiles, fetched once, so that no build needs a network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.fs import Digest, RemovePrefix
from pants.engine.process import FallibleProcessResult, Process
from pants.engine.rules import Get, collect_rules, rule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer.util_rules.rust_toolchain import SystemRust
from pants_pyoxidizer.util_rules.tool import CARGO_DRIVER_PROGRAMS, PROGRAMS_DIR, ToolProcess

_OUTPUT = "crates"

_PROGRAMS = ("fetch_crates.py", "run_pyoxidizer.py", *CARGO_DRIVER_PROGRAMS)


class CratesError(Exception):
    """The crates cannot be had."""


@dataclass(frozen=True)
class CratesRequest:
    target_triple: str
    rust: SystemRust


@dataclass(frozen=True)
class Crates:
    """A local registry, as cargo calls it, with all crates that the target triple needs."""

    digest: Digest


@rule(desc="Get Rust crates", level=LogLevel.DEBUG)
async def get_crates(request: CratesRequest) -> Crates:
    rust = request.rust
    process = await Get(
        Process,
        ToolProcess(
            programs=_PROGRAMS,
            argv=("--target", request.target_triple, "--output", _OUTPUT),
            description="Fetching Rust crates (once)",
            env=FrozenDict(
                {
                    "PYOXIDIZER_SYSTEM_RUST": "1",
                    "PANTS_PYOXIDIZER_RUST": f"{{chroot}}/{rust.sysroot}",
                    # So that another Rust is another process.
                    "PANTS_PYOXIDIZER_TOOLCHAIN": rust.fingerprint,
                    "PANTS_PYOXIDIZER_PATH": f"{{chroot}}/{PROGRAMS_DIR}",
                }
            ),
            output_directories=(_OUTPUT,),
            level=LogLevel.INFO,
            is_slow=True,
        ),
    )
    result = await Get(FallibleProcessResult, Process, process)
    if result.exit_code != 0:
        raise CratesError(describe_problem(result.stderr.decode(errors="replace").strip()))
    return Crates(await Get(Digest, RemovePrefix(result.output_digest, _OUTPUT)))


def describe_problem(problem: str) -> str:
    return f"The Rust crates that PyOxidizer compiles cannot be fetched.\n\n{problem}"


def rules() -> Iterable[Any]:
    return collect_rules()
