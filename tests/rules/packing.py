# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""For tests of rules that have a program make the archive of a Python."""

from __future__ import annotations

import json
from typing import Any, Iterable

from pants.engine.fs import Digest, DigestContents, DigestSubset, FileContent, PathGlobs
from pants.engine.process import FallibleProcessResult
from pants.testutil.rule_runner import MockGet, run_rule_with_mocks

from pants_pyoxidizer.util_rules.standalone_python import PackedPython
from pants_pyoxidizer.util_rules.tool import ToolProcess
from rules.tool_requests import ToolRequests

OUTPUT, ARCHIVE = Digest("a" * 64, 1), Digest("b" * 64, 1)
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
    mock_gets: Iterable[MockGet[Any]],
    result: FallibleProcessResult,
) -> tuple[ToolProcess, PackedPython]:
    """The process that the rule asks for, and what it makes of its `result`."""
    requests = ToolRequests(result)
    subsets = {
        DigestSubset(OUTPUT, PathGlobs(["python.tar.zst"])): ARCHIVE,
        DigestSubset(OUTPUT, PathGlobs(["python.json"])): DigestContents(
            [FileContent("python.json", json.dumps(REPORT).encode())]
        ),
    }
    packed = run_rule_with_mocks(
        rule,
        rule_args=[*rule_args],
        mock_gets=[
            *mock_gets,
            *requests.mock_gets,
            MockGet(Digest, (DigestSubset,), subsets.__getitem__),
            MockGet(DigestContents, (DigestSubset,), subsets.__getitem__),
        ],
    )
    return requests.only, packed
