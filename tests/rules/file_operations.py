# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs rules with mocks, but with Pants' own operations on files."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

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
from pants.testutil.rule_runner import MockGet, QueryRule, RuleRunner, run_rule_with_mocks

_OPERATIONS: tuple[tuple[type, type], ...] = (
    (Digest, AddPrefix),
    (Digest, CreateDigest),
    (Digest, DigestSubset),
    (Digest, MergeDigests),
    (Digest, RemovePrefix),
    (DigestContents, Digest),
    (DigestEntries, Digest),
    (Snapshot, Digest),
)


class FileOperations:
    def __init__(self) -> None:
        self._runner = RuleRunner(
            rules=[QueryRule(output, (request,)) for output, request in _OPERATIONS]
        )

    def run_rule(
        self, rule: Callable[..., Any], *args: object, mocks: Sequence[MockGet[Any]]
    ) -> Any:
        """Runs a rule; what it asks for is in `mocks`, or among the operations on files."""
        provided = {(mock.output_type, mock.input_types): mock for mock in (*self._mocks(), *mocks)}
        wanted = getattr(rule, "rule").input_gets  # noqa: B009  (mypy knows functions only.)
        return run_rule_with_mocks(
            rule,
            rule_args=args,
            mock_gets=[provided[get.output_type, get.input_types] for get in wanted],
        )

    def _mocks(self) -> list[MockGet[Any]]:
        return [self._mock(output, request) for output, request in _OPERATIONS]

    def _mock(self, output: type, request_type: type) -> MockGet[Any]:
        def run(request: object) -> Any:
            return self._runner.request(output, [request])

        return MockGet(output, (request_type,), run)

    def digest(self, files: Mapping[str, str]) -> Digest:
        return self.create(*(FileContent(path, text.encode()) for path, text in files.items()))

    def create(self, *files: FileContent) -> Digest:
        return self._runner.request(Digest, [CreateDigest(files)])

    def merge(self, *digests: Digest) -> Digest:
        return self._runner.request(Digest, [MergeDigests(digests)])

    def files(self, digest: Digest) -> dict[str, str]:
        contents = self._runner.request(DigestContents, [digest])
        return {file.path: file.content.decode() for file in contents}
