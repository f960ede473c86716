# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The command: which tests to run, and where."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Sequence

from python_suite.differences import Difference, compare, read_expected, unexplained
from python_suite.pythons import (
    CPythonTests,
    Result,
    Side,
    earlier_result,
    plain_python,
    run_file,
    version_of,
)

CHECKOUT = Path(__file__).resolve().parents[2]
EXPECTED = Path(__file__).with_name("expected.txt")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="suite.py",
        description="Run CPython's own tests in an executable and under the Python that is in it. "
        "Print the differences, and fail if expected.txt has no reason for one.",
    )
    parser.add_argument("executable", type=Path, help="one that this plugin has built")
    parser.add_argument("files", nargs="*", help="such as test_sys (all)")
    parser.add_argument("--plain", type=Path, help="the Python that is in it (that of pyenv)")
    parser.add_argument("--seconds", type=float, default=60, help="for each file (60)")
    parser.add_argument("--jobs", type=int, default=2, help="files at a time (2)")
    parser.add_argument("--work", type=Path, default=CHECKOUT / "dist/python_suite")
    parser.add_argument(
        "--resume",
        choices=["none", "plain", "all"],
        default="none",
        help="keep what earlier calls found for plain Python, or all of it",
    )
    return parser.parse_intermixed_args(argv)


class Suite:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        executable = options.executable.resolve()
        # As `sys.executable` names it.
        inside = (f"/proc/self/root{executable}",)
        version = version_of(inside)
        python = options.plain or plain_python(version)
        self.minor_version = version.rpartition(".")[0]
        work = options.work.resolve() / self.minor_version
        tests = CPythonTests.of(python)
        tests.offer(executable, work / "path")
        self.plain = Side((str(python),), work / "plain")
        self.inside = Side(inside, work / "inside")
        self.names = options.files or tests.names
        self.expectations = read_expected(EXPECTED.read_text(), self.minor_version)

    def result(self, side: Side, name: str, again: bool) -> Result:
        resume = self.options.resume
        keeps = not again and (resume == "all" or resume == "plain" and side is self.plain)
        earlier = earlier_result(side, name) if keeps else None
        return earlier or run_file(side, name, self.options.seconds)

    def differences(self, name: str, again: bool = False) -> list[Difference]:
        plain, inside = (self.result(side, name, again) for side in (self.plain, self.inside))
        return compare(name, plain, inside)

    def check(self, name: str) -> list[Difference]:
        """The differences without a reason. What differs once only is a matter of time or luck."""
        found = unexplained(self.differences(name), self.expectations)
        if not found or self.options.resume == "all":
            return found
        again = self.differences(name, again=True)
        return [difference for difference in found if difference in again]

    def run(self) -> int:
        found: list[Difference] = []
        with ThreadPoolExecutor(self.options.jobs) as pool:
            for number, new in enumerate(pool.map(self.check, self.names), 1):
                found += new
                print("".join(f"{difference}\n" for difference in new), end="", flush=True)
                if sys.stderr.isatty():
                    print(f"\r{number} of {len(self.names)} files ", end="", file=sys.stderr)
        explained = sum(expectation.count for expectation in self.expectations)
        print(
            f"Python {self.minor_version}, {len(self.names)} files: {len(found)} differences "
            f"without a reason, {explained} with one."
        )
        return 1 if found else 0


def main(argv: Sequence[str]) -> int:
    return Suite(parse(argv)).run()
