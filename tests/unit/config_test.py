# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Rendered configurations against golden files. To renew them: UPDATE_GOLDEN=1, and read the diff."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pants_pyoxidizer.config import Config, PyOxidizerPython, PythonArchive
from pants_pyoxidizer.util_rules.rendered_config import default_template

GOLDEN = Path(__file__).parent / "golden"

ARCHIVE = PythonArchive("python.tar.zst", "0123abcd", "3.11")

# Written for Pants' own backend, as its manual describes.
PANTS_TEMPLATE = """\
def make_exe():
    dist = default_python_distribution()
    policy = dist.make_python_packaging_policy()
    python_config = dist.make_python_interpreter_config()
    python_config.module_search_paths = ["$ORIGIN/lib"]

    $RUN_MODULE

    exe = dist.to_python_executable(name="$NAME", packaging_policy=policy, config=python_config)
    exe.add_python_resources(exe.pip_install($WHEELS))
    ${UNCLASSIFIED_RESOURCE_INSTALLATION}
    return exe
"""

CASES = {
    "module": (
        default_template(),
        Config("bin", ARCHIVE, "run('it')", ("dist-1-py3-none-any.whl", "w/click-8.whl")),
    ),
    "repl": (default_template(), Config("repl", ARCHIVE, None, ("dist-1-py3-none-any.whl",))),
    "filesystem_resources": (
        default_template(),
        Config("bin", ARCHIVE, "run('it')", ("dist-1.whl",), ("w/numpy-1.whl", "w/six-1.whl")),
    ),
    "all_on_the_filesystem": (
        default_template(),
        Config("bin", ARCHIVE, "run('it')", (), ("dist-1.whl",)),
    ),
    "pyoxidizers_python": (
        default_template(),
        Config("bin", PyOxidizerPython("3.10"), "run('it')", ("dist-1.whl",)),
    ),
    "pants_template": (
        PANTS_TEMPLATE,
        Config("bin", ARCHIVE, "run('it')", ("dist-1.whl",), ("w/numpy-1.whl",)),
    ),
    "hostile": (
        PANTS_TEMPLATE,
        Config(
            'n"); fail("x',
            ARCHIVE,
            "print('\"); fail(\"', '$NAME', '\\n')",
            ('w"/$NAME-1.whl',),
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_rendered(case: str) -> None:
    template, config = CASES[case]
    rendered = config.render(template)
    golden = GOLDEN / f"{case}.bzl"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered)
    assert rendered == golden.read_text()


def test_the_default_template_uses_each_parameter() -> None:
    parameters = CASES["module"][1].parameters()
    assert {name for name in re.findall(r"\$([A-Z_]+)", default_template())} - {"ORIGIN"} == set(
        parameters
    )


def test_all_values_that_could_hold_code_are_literals() -> None:
    compile(CASES["hostile"][1].render(PANTS_TEMPLATE), "hostile", "exec")
    assert CASES["hostile"][1].render(PANTS_TEMPLATE).count("fail(") == 1 + 2
