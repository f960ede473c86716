# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Reads wheel files: their metadata and the modules they install."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.fs import EMPTY_DIGEST, Digest, DigestSubset, PathGlobs
from pants.util.strutil import pluralize

from pants_pyoxidizer.engine import (
    collect_rules,
    digest_subset_to_digest,
    get_digest_contents,
    rule,
)
from pants_pyoxidizer.util_rules.tool_process import ToolProcess, run_tool
from pants_pyoxidizer.wheels.metadata import Wheel, parse_wheels


@dataclass(frozen=True)
class InspectedWheelsRequest:
    digest: Digest
    paths: tuple[str, ...]  # Relative to the digest's root; other files of it are dropped.
    # See `StandalonePython`. The Python that the code is for must parse it: an older one does not
    # know all its syntax.
    host_python: str | None = None


@dataclass(frozen=True)
class InspectedWheels:
    """Wheel files and their contents."""

    digest: Digest = EMPTY_DIGEST
    wheels: tuple[Wheel, ...] = ()


@rule
async def get_inspected_wheels(request: InspectedWheelsRequest) -> InspectedWheels:
    # A distribution may build an sdist, too, whose changes must not invalidate later stages.
    digest = await digest_subset_to_digest(DigestSubset(request.digest, PathGlobs(request.paths)))
    result = await run_tool(
        ToolProcess(
            program="wheels.inspect_wheels",
            argv=("--output", "wheels.json", *request.paths),
            description=f"Inspect {pluralize(len(request.paths), 'wheel')}",
            input_digest=digest,
            output_files=("wheels.json",),
            python_link=request.host_python,
        )
    )
    contents = await get_digest_contents(result.output_digest)
    return InspectedWheels(digest, parse_wheels(contents[0].content))


def rules() -> Iterable[Any]:
    return collect_rules()
