# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs a program that makes a Python archive for PyOxidizer."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.fs import EMPTY_DIGEST, Digest, DigestSubset, PathGlobs
from pants.util.logging import LogLevel

from pants_pyoxidizer.configuration.config import PythonArchive
from pants_pyoxidizer.engine import (
    collect_rules,
    concurrently,
    digest_subset_to_digest,
    execute_process,
    get_digest_contents,
    implicitly,
    rule,
)
from pants_pyoxidizer.util_rules.python.standalone_python import PackedPython
from pants_pyoxidizer.util_rules.tool_process import ToolProcess, set_up_tool_process

ARCHIVE = "python.tar.zst"
REPORT = "python.json"


@dataclass(frozen=True)
class PackingRequest:
    """`program` takes `argv`, `--output` and `--report`. `name` identifies the Python to users."""

    program: str
    argv: tuple[str, ...]
    description: str = dataclasses.field(compare=False)
    name: str
    input_digest: Digest = EMPTY_DIGEST


@dataclass(frozen=True)
class PackingResult:
    python: PackedPython | None
    problem: str = ""  # The program's error message, if it failed.


@rule(level=LogLevel.DEBUG)
async def run_packing(request: PackingRequest) -> PackingResult:
    process = await set_up_tool_process(
        ToolProcess(
            program=request.program,
            argv=(*request.argv, "--output", ARCHIVE, "--report", REPORT),
            description=request.description,
            input_digest=request.input_digest,
            output_files=(ARCHIVE, REPORT),
            level=LogLevel.INFO,
            is_slow=True,
        ),
        **implicitly(),
    )
    result = await execute_process(process, **implicitly())
    if result.exit_code != 0:
        return PackingResult(None, result.stderr.decode(errors="replace").strip())
    archive, report_digest = await concurrently(
        digest_subset_to_digest(DigestSubset(result.output_digest, PathGlobs([ARCHIVE]))),
        digest_subset_to_digest(DigestSubset(result.output_digest, PathGlobs([REPORT]))),
    )
    (report_file,) = await get_digest_contents(report_digest)
    report = json.loads(report_file.content)
    minor_version = ".".join(report["version"].split(".")[:2])
    return PackingResult(
        PackedPython(
            PythonArchive(ARCHIVE, report["sha256"], minor_version),
            version=report["version"],
            target_triple=report["target_triple"],
            digest=archive,
            description=describe(report, request.name),
        )
    )


def describe(report: dict[str, Any], name: str) -> str:
    """One sentence about a packed Python, from the report of the program that packed it."""
    runs_on = f"; runs with glibc {report['glibc']} or newer" if report["glibc"] else ""
    return f"Contains Python {report['version']} ({name}, {report['link_mode']}){runs_on}."


def rules() -> Iterable[Any]:
    return collect_rules()
