# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Makes a binary without a template: a copy of the runtime with the payload of a program."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.addresses import Address
from pants.engine.fs import AddPrefix, MergeDigests
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import add_prefix, collect_rules, merge_digests, rule
from pants_pyoxidizer.startup.payload import SUFFIX
from pants_pyoxidizer.util_rules.build import Build
from pants_pyoxidizer.util_rules.prepared_payload import PreparedPayload
from pants_pyoxidizer.util_rules.runtime import (
    Runtime,
    RuntimeProcess,
    run_in_runtime,
)
from pants_pyoxidizer.wheels.entry_point import EntryPoint


@dataclass(frozen=True)
class ArtifactRequest:
    address: Address = dataclasses.field(compare=False)  # Only shown to users.
    name: str  # Name of the executable.
    entry_point: EntryPoint | None
    runtime: Runtime
    payload: PreparedPayload
    payload_is_sidecar: bool  # A file next to the executable, instead of appended to it.
    interpreter: bool  # Whether the binary can act as a Python interpreter.
    python_variables: bool  # Whether it heeds the environment variables that `python` heeds.


@rule(level=LogLevel.DEBUG)
async def make_artifact(request: ArtifactRequest) -> Build:
    name, payload = request.name, request.payload
    outputs = (name, name + SUFFIX) if request.payload_is_sidecar else (name,)
    result = await run_in_runtime(
        RuntimeProcess(
            request.runtime,
            argv=("program", *_arguments(request), "--output", name, *payload.inputs),
            description=f"Embedding {request.address}",
            input_digest=payload.in_memory,
            output_files=outputs,
            level=LogLevel.INFO,
        )
    )
    install = await merge_digests(
        MergeDigests((result.output_digest, request.runtime.sidecar, payload.on_filesystem))
    )
    install_dir = request.runtime.install_dir
    digest = await add_prefix(AddPrefix(install, install_dir))
    return Build(digest, executable=f"{install_dir}/{name}")


def _arguments(request: ArtifactRequest) -> tuple[str, ...]:
    entry_point = request.entry_point
    arguments = ["--sidecar"] if request.payload_is_sidecar else []
    arguments += ["--sources"] if request.payload.include_sources else []
    arguments += ["--interpreter"] if request.interpreter else []
    arguments += ["--variables"] if request.python_variables else []
    if entry_point is not None:
        arguments += ["--module", entry_point.module]
        arguments += ["--function", entry_point.function] if entry_point.function else []
    return tuple(arguments)


def rules() -> Iterable[Any]:
    return collect_rules()
