# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Processes that run a program of ours, from `pants_pyoxidizer.programs`, beside PyOxidizer.

The programs run in the virtual environment of the `[pyoxidizer]` tool: what it pins, they may import.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Iterable

from pants.backend.python.util_rules.pex import PexRequest, VenvPex, VenvPexProcess
from pants.engine.fs import EMPTY_DIGEST, CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.process import Process, ProcessCacheScope
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer import data
from pants_pyoxidizer.subsystem import PyOxidizer

PROGRAMS_DIR = "__programs"

# What PyOxidizer finds as `cargo`, and what that imports.
CARGO_DRIVER_PROGRAMS = (
    "cargo",
    "cargo_driver.py",
    "cargo_project.py",
    "crates_cache.py",
    "repeatable.py",
    "packed_resources.py",
    "rustc_wrapper",
    "ar_archive.py",
)

# How long a remote cache may take to give what it has. What it has not, it says at once.
REMOTE_CACHE_MILLIS = 10_000


@dataclass(frozen=True)
class ToolProcess:
    """A request for the process that runs `programs[0]`; the others lie beside it."""

    programs: tuple[str, ...]
    argv: tuple[str, ...]
    description: str = dataclasses.field(compare=False)
    input_digest: Digest = EMPTY_DIGEST
    # What is large, and not to be copied for each process.
    immutable_input_digests: FrozenDict[str, Digest] = FrozenDict()
    env: FrozenDict[str, str] = FrozenDict()
    append_only_caches: FrozenDict[str, str] = FrozenDict()
    output_files: tuple[str, ...] = ()
    output_directories: tuple[str, ...] = ()
    level: LogLevel = LogLevel.DEBUG
    cache_scope: ProcessCacheScope = ProcessCacheScope.SUCCESSFUL
    # What takes longer than a download: Pants else runs it while it asks a remote cache for it.
    is_slow: bool = False


def program_file(name: str) -> FileContent:
    content = data.read(f"programs/{name}")
    return FileContent(f"{PROGRAMS_DIR}/{name}", content, is_executable=not name.endswith(".py"))


@rule
async def set_up_tool_process(request: ToolProcess, pyoxidizer: PyOxidizer) -> Process:
    venv_pex, programs = await MultiGet(
        Get(VenvPex, PexRequest, pyoxidizer.to_pex_request()),
        Get(Digest, CreateDigest(program_file(name) for name in request.programs)),
    )
    input_digest = await Get(Digest, MergeDigests((request.input_digest, programs)))
    process = await Get(
        Process,
        VenvPexProcess(
            venv_pex,
            description=request.description,
            level=request.level,
            input_digest=input_digest,
            extra_env=request.env,
            output_files=request.output_files,
            output_directories=request.output_directories,
            cache_scope=request.cache_scope,
        ),
    )
    return dataclasses.replace(
        process,
        argv=(venv_pex.python.argv0, f"{PROGRAMS_DIR}/{request.programs[0]}", *request.argv),
        immutable_input_digests=request.immutable_input_digests,
        append_only_caches=FrozenDict({**process.append_only_caches, **request.append_only_caches}),
        remote_cache_speculation_delay_millis=REMOTE_CACHE_MILLIS if request.is_slow else 0,
    )


def rules() -> Iterable[Any]:
    return collect_rules()
