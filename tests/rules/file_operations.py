# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs rules with mocks, but with Pants' own operations on files."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestContents,
    DigestEntries,
    DigestSubset,
    FileContent,
    MergeDigests,
    RemovePrefix,
    Snapshot,
)
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_pyoxidizer.engine import (
    add_prefix,
    create_digest,
    digest_subset_to_digest,
    digest_to_snapshot,
    get_digest_contents,
    get_digest_entries,
    merge_digests,
    remove_prefix,
)
from rules.mocks import Mocks, run_rule

_OPERATIONS: dict[Callable[..., Any], tuple[type, type]] = {
    add_prefix: (Digest, AddPrefix),
    create_digest: (Digest, CreateDigest),
    digest_subset_to_digest: (Digest, DigestSubset),
    digest_to_snapshot: (Snapshot, Digest),
    get_digest_contents: (DigestContents, Digest),
    get_digest_entries: (DigestEntries, Digest),
    merge_digests: (Digest, MergeDigests),
    remove_prefix: (Digest, RemovePrefix),
}


class FileOperations:
    def __init__(self) -> None:
        self._runner = RuleRunner(
            rules=[QueryRule(output, (request,)) for output, request in _OPERATIONS.values()]
        )

    def run_rule(self, rule: Callable[..., Any], *args: object, mocks: Mocks) -> Any:
        """Runs a rule; what it calls is in `mocks`, or among the operations on files."""
        operations = {call: self._operation(types) for call, types in _OPERATIONS.items()}
        return run_rule(rule, *args, mocks={**operations, **mocks})

    def _operation(self, types: tuple[type, type]) -> Callable[[object], Any]:
        output, _ = types
        return lambda request: self._runner.request(output, [request])

    def digest(self, files: Mapping[str, str]) -> Digest:
        return self.create(*(FileContent(path, text.encode()) for path, text in files.items()))

    def create(self, *files: FileContent) -> Digest:
        return self._runner.request(Digest, [CreateDigest(files)])

    def merge(self, *digests: Digest) -> Digest:
        return self._runner.request(Digest, [MergeDigests(digests)])

    def files(self, digest: Digest) -> dict[str, str]:
        contents = self._runner.request(DigestContents, [digest])
        return {file.path: file.content.decode() for file in contents}
