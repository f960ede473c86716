# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import json
from unittest.mock import Mock

from pants.engine.fs import Digest, DigestContents, DigestSubset, FileContent, PathGlobs
from pants.engine.process import FallibleProcessResult
from pants.util.logging import LogLevel

from pants_pyoxidizer.configuration.config import PythonArchive
from pants_pyoxidizer.engine import digest_subset_to_digest, get_digest_contents
from pants_pyoxidizer.util_rules.python.packing import (
    PackingRequest,
    PackingResult,
    describe,
    run_packing,
)
from pants_pyoxidizer.util_rules.python.standalone_python import PackedPython
from pants_pyoxidizer.util_rules.tool_process import ToolProcess
from rules.mocks import run_rule
from rules.tool_requests import ToolRequests

INPUT, OUTPUT, ARCHIVE, REPORT_FILE = (Digest(letter * 64, 1) for letter in "abcd")
# What the program says of the archive.
REPORT = {
    "version": "3.11.7",
    "link_mode": "static",
    "glibc": "2.35",
    "sha256": "0123",
    "target_triple": "x86_64-unknown-linux-gnu",
}


def pack(result: FallibleProcessResult) -> tuple[ToolProcess, PackingResult]:
    """The process that is asked for, and what becomes of its `result`."""
    requests = ToolRequests(result)
    subsets = {
        DigestSubset(OUTPUT, PathGlobs(["python.tar.zst"])): ARCHIVE,
        DigestSubset(OUTPUT, PathGlobs(["python.json"])): REPORT_FILE,
    }
    report = FileContent("python.json", json.dumps(REPORT).encode())
    request = PackingRequest(
        program="pack.adopt_archive",
        argv=("--archive", "py/cpython.tar.zst"),
        description="Adopt py/cpython.tar.zst for PyOxidizer",
        name="cpython.tar.zst",
        input_digest=INPUT,
    )
    packed = run_rule(
        run_packing,
        request,
        mocks={
            **requests.mocks,
            digest_subset_to_digest: subsets.__getitem__,
            get_digest_contents: {REPORT_FILE: DigestContents([report])}.__getitem__,
        },
    )
    return requests.only, packed


def test_the_process_that_makes_an_archive() -> None:
    process, packed = pack(Mock(exit_code=0, output_digest=OUTPUT))
    assert process == ToolProcess(
        program="pack.adopt_archive",
        argv=(
            *("--archive", "py/cpython.tar.zst"),
            *("--output", "python.tar.zst", "--report", "python.json"),
        ),
        description="",
        input_digest=INPUT,
        output_files=("python.tar.zst", "python.json"),
        level=LogLevel.INFO,
        is_slow=True,
    )
    assert process.description == "Adopt py/cpython.tar.zst for PyOxidizer"
    assert packed == PackingResult(
        PackedPython(
            PythonArchive("python.tar.zst", "0123", "3.11"),
            version="3.11.7",
            target_triple="x86_64-unknown-linux-gnu",
            digest=ARCHIVE,
            description=describe(REPORT, "cpython.tar.zst"),
        )
    )


def test_a_refusal_is_handed_on() -> None:
    _, packed = pack(Mock(exit_code=1, stderr=b"cpython.tar.zst: is truncated\n"))
    assert packed == PackingResult(None, "cpython.tar.zst: is truncated")


def test_describe() -> None:
    assert describe(REPORT, "/usr/bin/python3.11") == (
        "Contains Python 3.11.7 (/usr/bin/python3.11, static); runs with glibc 2.35 or newer."
    )
    assert describe({**REPORT, "glibc": None}, "/usr/bin/python3.11") == (
        "Contains Python 3.11.7 (/usr/bin/python3.11, static)."
    )
