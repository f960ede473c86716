# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""For tests of rules that have a program make the archive of a Python."""

from __future__ import annotations

import json
from typing import Any, Iterable

from pants.engine.fs import Digest, DigestContents, DigestSubset, FileContent, PathGlobs
from pants.engine.process import FallibleProcessResult

from pants_pyoxidizer.engine import digest_subset_to_digest, get_digest_contents
from pants_pyoxidizer.util_rules.standalone_python import PackedPython
from pants_pyoxidizer.util_rules.tool_process import ToolProcess
from rules.mocks import Mocks, run_rule
from rules.tool_requests import ToolRequests

OUTPUT, ARCHIVE, REPORT_FILE = (Digest(letter * 64, 1) for letter in "abc")
# What the program says of the archive.
REPORT = {
    "version": "3.11.7",
    "link_mode": "static",
    "glibc": "2.35",
    "sha256": "0123",
    "target_triple": "x86_64-unknown-linux-gnu",
}


def pack_with(
    rule: Any,
    rule_args: Iterable[Any],
    mocks: Mocks,
    result: FallibleProcessResult,
) -> tuple[ToolProcess, PackedPython]:
    """The process that the rule asks for, and what it makes of its `result`."""
    requests = ToolRequests(result)
    subsets = {
        DigestSubset(OUTPUT, PathGlobs(["python.tar.zst"])): ARCHIVE,
        DigestSubset(OUTPUT, PathGlobs(["python.json"])): REPORT_FILE,
    }
    report = FileContent("python.json", json.dumps(REPORT).encode())
    packed = run_rule(
        rule,
        *rule_args,
        mocks={
            **mocks,
            **requests.mocks,
            digest_subset_to_digest: subsets.__getitem__,
            get_digest_contents: {REPORT_FILE: DigestContents([report])}.__getitem__,
        },
    )
    return requests.only, packed
