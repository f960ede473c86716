# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Rendered configurations against golden files. To renew them: UPDATE_GOLDEN=1, and read the diff."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pants_pyoxidizer import package_data
from pants_pyoxidizer.configuration.config import (
    Config,
    PyOxidizerPython,
    PythonArchive,
    runtime_config,
)
from pants_pyoxidizer.wheels.entry_point import EntryPoint

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

# Written for this plugin: it has all the parameters.
OWN_TEMPLATE = """\
def make_exe():
    dist = $PYTHON_DISTRIBUTION
    policy = dist.make_python_packaging_policy()
    policy.file_scanner_emit_files = True
    python_config = dist.make_python_interpreter_config()
    $RUN_MODULE
    exe = dist.to_python_executable(name="$NAME", packaging_policy=policy, config=python_config)
    exe.add_python_resources(exe.pip_install($WHEELS))
    $UNCLASSIFIED_RESOURCE_INSTALLATION
    return exe
"""

MAIN = EntryPoint("app.main")

CASES = {
    "module": (
        OWN_TEMPLATE,
        Config("bin", ARCHIVE, MAIN, ("dist-1-py3-none-any.whl", "w/click-8.whl")),
    ),
    "function": (
        OWN_TEMPLATE,
        Config("bin", ARCHIVE, EntryPoint("app.cli", "App.main"), ("dist-1-py3-none-any.whl",)),
    ),
    "repl": (OWN_TEMPLATE, Config("repl", ARCHIVE, None, ("dist-1-py3-none-any.whl",))),
    "filesystem_resources": (
        OWN_TEMPLATE,
        Config("bin", ARCHIVE, MAIN, ("dist-1.whl",), ("w/numpy-1.whl", "w/six-1.whl")),
    ),
    "all_on_the_filesystem": (
        OWN_TEMPLATE,
        Config("bin", ARCHIVE, MAIN, (), ("dist-1.whl",)),
    ),
    "pyoxidizers_python": (
        OWN_TEMPLATE,
        Config("bin", PyOxidizerPython("3.10"), MAIN, ("dist-1.whl",)),
    ),
    "pants_template": (
        PANTS_TEMPLATE,
        Config("bin", ARCHIVE, MAIN, ("dist-1.whl",), ("w/numpy-1.whl",)),
    ),
    "hostile": (
        PANTS_TEMPLATE,
        Config(
            'n"); fail("x',
            ARCHIVE,
            EntryPoint("print('\"); fail(\"', '$NAME', '\\n')"),
            ('w"/$NAME-1.whl',),
        ),
    ),
}


def check_golden(name: str, rendered: str) -> None:
    golden = GOLDEN / f"{name}.bzl"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered)
    assert rendered == golden.read_text()


@pytest.mark.parametrize("case", CASES)
def test_rendered(case: str) -> None:
    template, config = CASES[case]
    check_golden(case, config.render(template))


def test_our_template_uses_each_parameter() -> None:
    assert set(re.findall(r"\$([A-Z_]+)", OWN_TEMPLATE)) == set(CASES["module"][1].parameters())


def render_runtime(python: PythonArchive | PyOxidizerPython) -> str:
    return runtime_config(
        python, name="runtime", startup_dir="startup", rarely_used_dir="rarely_used"
    )


@pytest.mark.parametrize(
    ("case", "python"),
    [("runtime", ARCHIVE), ("runtime_with_pyoxidizers_python", PyOxidizerPython("3.10"))],
)
def test_the_runtime(case: str, python: PythonArchive | PyOxidizerPython) -> None:
    check_golden(case, render_runtime(python))


def test_the_runtime_is_like_its_template_but_for_the_parameters() -> None:
    template = package_data.read("templates/runtime.bzlt").decode().splitlines()
    rendered = render_runtime(ARCHIVE).splitlines()
    changed = {new for old, new in zip(template, rendered) if old != new}
    assert len(template) == len(rendered)
    assert changed == {
        f"    return {ARCHIVE.expression}",
        '        name = "runtime",',
        '        exe.read_package_root(path = "startup", packages = ["pants_pyoxidizer"])',
        '            files.add_python_resource("rarely_used", resource)',
        '    python_config.terminfo_resolution = "none"',
    }


def test_all_values_that_could_hold_code_are_literals() -> None:
    compile(CASES["hostile"][1].render(PANTS_TEMPLATE), "hostile", "exec")
    assert CASES["hostile"][1].render(PANTS_TEMPLATE).count("fail(") == 1 + 2
