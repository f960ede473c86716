# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pants_pyoxidizer.diagnostics import resolve_failures
from pants_pyoxidizer.diagnostics.known_failures import KNOWN_FAILURES, explain, summaries

# As the tools print them.
LOGS = {
    "error: could not write output to /x/core.o: No space left on device": "The disk is full.",
    "rustc: error while loading shared libraries: libLLVM-15-rust-1.66.0-stable.so: cannot enable "
    "executable stack as shared object requires: Invalid argument": "The Rust that PyOxidizer "
    "downloads cannot run on this machine, because glibc refuses to load "
    "`libLLVM-15-rust-1.66.0-stable.so`",
    "    1: resolving Rust toolchain\n    2: error sending request for url (https://x/y.toml)": (
        "PyOxidizer could not download Rust"
    ),
    "downloading https://x/python-build-standalone/releases/cpython.tar.zst\nCaused by:\n"
    "    dns error: failed to lookup address": "PyOxidizer could not download a Python",
    "error: package `syn v2.0.1` cannot be built because it requires rustc 1.68 or newer, while "
    "the currently active rustc version is 1.62.1": "Rust 1.62.1 is too old: a crate requires 1.68",
    "error: rustc 1.62.1 is not supported by the following package:\n  a@1 requires rustc 1.68": (
        "Rust 1.62.1 is too old: a crate requires 1.68"
    ),
    "error: linker `cc` not found\n  |\n  = note: No such file": "The C compiler was not found",
    'error occurred: Failed to find tool. Is `cc` installed? (see https://docs.rs/cc)"': (
        "The C compiler was not found"
    ),
    "/usr/bin/ld: cannot find -lz: No such file or directory": (
        "The linker cannot find the library `z`."
    ),
    "error: failed to download from `https://x/libc/0.2/download`\n\nCaused by:\n  [6] Could not "
    "resolve hostname": "cargo could not download the crates.",
    "error: extension module markupsafe._speedups cannot be loaded from memory but memory loading "
    "required": "The extension module `markupsafe._speedups` can only be loaded from a file",
    "ERROR: a-1-cp39-cp39-linux_x86_64.whl is not a supported wheel on this platform.": (
        "The wheel a-1-cp39-cp39-linux_x86_64.whl is for a different Python"
    ),
    "ERROR: No matching distribution found for click==9": (
        "The template installs `click==9`, which is not among the wheels."
    ),
}


@pytest.mark.parametrize("log", LOGS)
def test_known_failures(log: str) -> None:
    explanation = explain(f"Compiling a\nCompiling b\n{log}\nmore\n", "", ())
    assert explanation is not None and explanation.startswith(LOGS[log])
    assert "To fix, " in explanation and explanation.endswith(".")
    assert "None" not in explanation


def test_each_is_tried() -> None:
    tried = {next(known for known in KNOWN_FAILURES if re.search(known.sign, log)) for log in LOGS}
    assert tried == {*KNOWN_FAILURES}


def test_the_documentation_lists_each() -> None:
    page = (Path(__file__).parents[2] / "docs/troubleshooting.md").read_text(encoding="utf-8")
    messages = re.findall(r'^\| "(.*)" \| .*\|$', page, re.MULTILINE)
    listed = {part.rstrip(".") for message in messages for part in message.split('", "')}
    # What follows is the name and the line of the template.
    listed = {re.sub(r"(in the template) .*", r"\1", message) for message in listed}
    known = [*summaries(), *(failure.summary() for failure in resolve_failures.KNOWN_FAILURES)]
    assert listed == {summary.rstrip(".") for summary in known}


def test_a_summary_has_dots_for_what_differs() -> None:
    assert "The linker cannot find the library `...`." in summaries()


def test_others_are_not_explained() -> None:
    assert explain("error: something else\n", "own.bzlt", (1,)) is None


# --- Errors in templates, as PyOxidizer 0.24.0 prints them

FAIL = """\
error[CR99]: fail(): on purpose
        call to fail(msg) at ./pyoxidizer.bzl:6
     --> ./pyoxidizer.bzl:6:1
      |
    6 | fail("on purpose")
      | ^^^^^^^^^^^^^^^^^^ on purpose


error: fail(): on purpose
    call to fail(msg) at ./pyoxidizer.bzl:6
"""
NAME = """\
resolving 1 targets
resolving target exe
error[CM01]: Variable 'undefined_name' not found
     --> ./pyoxidizer.bzl:2:12
      |
    2 |     return undefined_name
      |            ^^^^^^^^^^^^^^ Variable was not found
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (FAIL, "There is an error in the template app/own.bzlt, line 2: fail(): on purpose. "),
        (
            NAME,
            "There is an error in the template app/own.bzlt: Variable 'undefined_name' not found. ",
        ),
    ],
)
def test_errors_in_a_template_have_its_line(log: str, expected: str) -> None:
    explanation = explain(log, "app/own.bzlt", (0, 0, 0, 0, 1, 2))
    assert explanation == f"{expected}To fix, correct the template."


@pytest.mark.parametrize("sign", LOGS)
def test_errors_in_a_template_may_say_anything(sign: str) -> None:
    """What the template says is no sign, and what led to its error went well."""
    line = sign.splitlines()[0]
    for log in (FAIL.replace("on purpose", line), f"{sign}\n{FAIL}"):
        explanation = explain(log, "app/own.bzlt", (0, 0, 0, 0, 1, 2))
        assert explanation is not None
        assert explanation.startswith("There is an error in the template app/own.bzlt, line 2: ")


DOWNLOADED = "downloading https://x/python-build-standalone/releases/cpython.tar.zst\n"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            "error: failed to download from `https://x/y`\n\nCaused by:\n  No space left on device",
            "The disk is full.",
        ),
        (
            "warning: spurious network error: Couldn't resolve host name\n"
            "/usr/bin/ld: cannot find -lz: No such file or directory",
            "The linker cannot find the library `z`.",
        ),
        (
            DOWNLOADED + 20 * "Compiling a\n" + "dns error: [6] Could not resolve host",
            "cargo could not download the crates.",
        ),
    ],
)
def test_the_cause_comes_before_what_it_led_to(log: str, expected: str) -> None:
    explanation = explain(log, "own.bzlt", (1,))
    assert explanation is not None and explanation.startswith(expected)


def test_errors_in_our_own_template_are_not_the_users() -> None:
    assert explain(FAIL, "", ()) is None
