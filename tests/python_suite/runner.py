# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs one file of CPython's tests: `python runner.py RESULTS NAME OPTION...`; options of regrtest.

It runs in all Pythons that are compared, and writes what became of each test as soon as it is known,
so that something is there if Python ends or hangs. Each line is the outcome, a tab, and the test.
"""

from __future__ import annotations

import functools
import os
import sys
from importlib import import_module
from typing import Any

OUTCOMES = {
    "startTest": "starts",
    "addSuccess": "passes",
    "addFailure": "fails",
    "addError": "fails",
    "addSkip": "is skipped",
    "addExpectedFailure": "passes",
    "addUnexpectedSuccess": "fails",
    "addSubTest": "fails",  # Some subtest does, if it is told an error.
    "stopTest": "ends",
}


def record(results: str, result_class: Any) -> None:
    """Have the class of regrtest's results write as well. Tests of unittest itself have others."""

    def write(outcome: str, test: Any) -> None:
        test = getattr(test, "test_case", test)  # That of a subtest, which is skipped.
        name = test.id() if callable(getattr(test, "id", None)) else str(test)
        line = f"{outcome}\t{' '.join(name.split())}\n"
        with open(results, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(line)

    def wrap(name: str, outcome: str) -> None:
        method = getattr(result_class, name)

        @functools.wraps(method)
        def wrapped(self: Any, test: Any, *args: Any) -> Any:
            if name != "addSubTest" or args[-1] is not None:
                write(outcome, test)
            return method(self, test, *args)

        setattr(result_class, name, wrapped)

    for name, outcome in OUTCOMES.items():
        wrap(name, outcome)


def main(results: str, name: str, *options: str) -> None:
    regrtest = import_module("test.libregrtest.main")
    place = "libregrtest" if sys.version_info >= (3, 11) else "support"
    result_class = import_module(f"test.{place}.testresult").RegressionTestResult
    record(os.path.abspath(results), result_class)
    sys.argv[1:] = ["-v", *options, name]
    regrtest.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
