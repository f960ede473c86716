# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Prepares the payload of a binary: each wheel once per runtime, shared by all binaries."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.fs import Digest, DigestSubset, MergeDigests, PathGlobs
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import (
    collect_rules,
    concurrently,
    digest_subset_to_digest,
    digest_to_snapshot,
    implicitly,
    merge_digests,
    rule,
)
from pants_pyoxidizer.util_rules.runtime import (
    RARELY_USED_DIR,
    Runtime,
    RuntimeProcess,
    run_in_runtime,
)
from pants_pyoxidizer.wheels.placement import Placement

RARELY_USED_PART = "__parts/stdlib.part"
LIB_DIR = "lib"  # Next to the executable, on the runtime's module search path.


@dataclass(frozen=True)
class PreparedWheelRequest:
    runtime: Runtime
    wheel: Digest
    path: str  # Path of the wheel file.
    on_filesystem: bool
    include_sources: bool


@dataclass(frozen=True)
class PreparedWheel:
    """A part of a payload, or files in LIB_DIR."""

    digest: Digest


@dataclass(frozen=True)
class RarelyUsedModulesRequest:
    runtime: Runtime


@dataclass(frozen=True)
class RarelyUsedModules:
    """RARELY_USED_PART: the part of every payload with modules that the runtime leaves out."""

    digest: Digest


@dataclass(frozen=True)
class PreparedPayloadRequest:
    runtime: Runtime
    wheels: Digest
    # If several wheels have a file with the same path, the first one wins.
    placements: tuple[Placement, ...]
    # Paths of wheels that change with every edit. Preparing each in a process of its own would not
    # pay off: its cached result is never reused.
    first_party: tuple[str, ...]
    include_sources: bool


@dataclass(frozen=True)
class PreparedPayload:
    """`inputs` are arguments for `make_payload`, in order; `on_filesystem` holds LIB_DIR."""

    in_memory: Digest
    inputs: tuple[str, ...]
    on_filesystem: Digest
    include_sources: bool


@dataclass(frozen=True)
class OverlaidDigests:
    """A request to merge digests. If several have a file with the same path, the first one wins."""

    digests: tuple[Digest, ...]


@rule
async def prepare_wheel(request: PreparedWheelRequest) -> PreparedWheel:
    filename = request.path.rpartition("/")[2]
    output = LIB_DIR if request.on_filesystem else part_name(filename)
    flags = [
        *(["--files"] if request.on_filesystem else []),
        *(["--sources"] if request.include_sources else []),
    ]
    result = await run_in_runtime(
        RuntimeProcess(
            request.runtime,
            argv=("wheel", *flags, "--output", output, "--", request.path),
            description=f"Prepare {filename}",
            input_digest=request.wheel,
            output_files=() if request.on_filesystem else (output,),
            output_directories=(output,) if request.on_filesystem else (),
            level=LogLevel.DEBUG,
        )
    )
    return PreparedWheel(result.output_digest)


def part_name(filename: str) -> str:
    return f"__parts/{filename}.part"


@rule
async def prepare_rarely_used_modules(request: RarelyUsedModulesRequest) -> RarelyUsedModules:
    result = await run_in_runtime(
        RuntimeProcess(
            request.runtime,
            argv=("modules", "--output", RARELY_USED_PART, RARELY_USED_DIR),
            description="Prepare rarely used modules of the standard library",
            input_digest=request.runtime.rarely_used,
            output_files=(RARELY_USED_PART,),
        )
    )
    return RarelyUsedModules(result.output_digest)


@rule
async def overlay_digests(request: OverlaidDigests) -> Digest:
    folders = await concurrently(digest_to_snapshot(digest) for digest in request.digests)
    hidden = overwritten(tuple(folder.files for folder in folders))
    digests = await concurrently(
        digest_subset_to_digest(
            DigestSubset(digest, PathGlobs(["**", *(f"!/{glob.escape(path)}" for path in paths)]))
        )
        for digest, paths in zip(request.digests, hidden)
    )
    return await merge_digests(MergeDigests(digests))


@rule(level=LogLevel.DEBUG)
async def prepare_payload(request: PreparedPayloadRequest) -> PreparedPayload:
    digests = await concurrently(
        digest_subset_to_digest(DigestSubset(request.wheels, PathGlobs([placement.wheel.path])))
        for placement in request.placements
    )
    wheels = tuple(zip(request.placements, digests))
    late = [(p, wheel) for p, wheel in wheels if is_prepared_later(request, p)]
    early = [(p, wheel) for p, wheel in wheels if not is_prepared_later(request, p)]
    rarely_used, *prepared = await concurrently(
        prepare_rarely_used_modules(RarelyUsedModulesRequest(request.runtime), **implicitly()),
        *(
            prepare_wheel(
                PreparedWheelRequest(
                    request.runtime,
                    wheel,
                    p.wheel.path,
                    p.on_filesystem,
                    request.include_sources,
                ),
                **implicitly(),
            )
            for p, wheel in early
        ),
    )
    placed = [(p, part.digest) for (p, _), part in zip(early, prepared)] + late
    inside = [digest for p, digest in placed if not p.on_filesystem]
    folders = tuple(digest for p, digest in placed if p.on_filesystem)
    in_memory, on_filesystem = await concurrently(
        merge_digests(MergeDigests((rarely_used.digest, *inside))),
        overlay_digests(OverlaidDigests(folders), **implicitly()),
    )
    return PreparedPayload(
        in_memory,
        # As on any `sys.path`, the standard library comes first.
        inputs=(
            f"--part={RARELY_USED_PART}",
            *(input_of(request, p) for p in request.placements if not p.on_filesystem),
        ),
        on_filesystem=on_filesystem,
        include_sources=request.include_sources,
    )


def is_prepared_later(request: PreparedPayloadRequest, placement: Placement) -> bool:
    return not placement.on_filesystem and placement.wheel.path in request.first_party


def input_of(request: PreparedPayloadRequest, placement: Placement) -> str:
    wheel = placement.wheel
    if is_prepared_later(request, placement):
        return f"--wheel={wheel.path}"
    return f"--part={part_name(wheel.filename)}"


def overwritten(folders: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """For each list of paths, the ones that an earlier list already has."""
    seen: set[str] = set()
    result = []
    for paths in folders:
        result.append(tuple(path for path in paths if path in seen))
        seen.update(paths)
    return tuple(result)


def rules() -> Iterable[Any]:
    return collect_rules()
