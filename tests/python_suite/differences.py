# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""How the results of two sides differ, and which of it is expected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Iterable

from python_suite.pythons import Result


@dataclass(frozen=True)
class Difference:
    """`test` is "" for a file as a whole."""

    file: str
    test: str
    plain: str
    inside: str

    def __str__(self) -> str:
        name = f"{self.file}: {self.test}" if self.test else self.file
        return f"{name}: {self.inside}; under plain Python: {self.plain}"


@dataclass
class Expectation:
    """`pattern` is as in `fnmatch`, for the file and the test; no `versions` means all of them."""

    reason: str
    file: str
    test: str
    versions: tuple[str, ...]
    count: int = 0  # How many differences it explains.

    def explains(self, difference: Difference) -> bool:
        return fnmatchcase(difference.file, self.file) and (
            not self.test or fnmatchcase(difference.test, self.test)
        )


def compare(name: str, plain: Result, inside: Result) -> list[Difference]:
    """By test, where both sides tried it, or one should have; else the file as a whole."""
    if not (plain.tests and inside.tests):
        return whole(name, plain, inside)
    found = []
    groups = {group(test) for test in {*plain.tests, *inside.tests} if is_group(test)}
    for test in sorted({*plain.tests, *inside.tests}):
        # A class that is skipped, or fails, as a whole is one difference.
        if not is_group(test) and group(test) in groups:
            continue
        old = plain.tests.get(test, "is not there" if plain.is_whole else "")
        new = inside.tests.get(test, "is not there" if inside.is_whole else "")
        if old and new and old != new:
            found.append(Difference(name, test, old, new))
    return found or whole(name, plain, inside)


def whole(name: str, plain: Result, inside: Result) -> list[Difference]:
    if plain.outcome == inside.outcome:
        return []
    return [Difference(name, "", plain.outcome, inside.outcome)]


def is_group(test: str) -> bool:
    return test.startswith(("setUpClass (", "setUpModule ("))


def group(test: str) -> str:
    if is_group(test):
        return test.partition("(")[2].rpartition(")")[0].rpartition(".")[2]
    parts = test.split(" ")[0].split(".")
    return parts[-2] if len(parts) > 1 else ""


def read_expected(text: str, version: str | None = None) -> list[Expectation]:
    """Those for a Python, or all of them. The file says what is in it."""
    found = []
    reason = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            reason = f"{reason} {line}".strip() if line else ""
            continue
        words = line.split()
        versions = tuple(word for word in words if re.fullmatch(r"\d\.\d+", word))
        file, *tests = (word for word in words if word not in versions)
        expectation = Expectation(reason, file, " ".join(tests), versions)
        if not versions or version is None or version in versions:
            found.append(expectation)
    return found


def unexplained(
    differences: Iterable[Difference], expectations: Iterable[Expectation]
) -> list[Difference]:
    left = []
    for difference in differences:
        for expectation in expectations:
            if expectation.explains(difference):
                expectation.count += 1
                break
        else:
            left.append(difference)
    return left
