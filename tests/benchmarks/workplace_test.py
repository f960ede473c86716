# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What is set up without starting anything: scratch repositories, pins, Pythons, the shim."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks import cargo_shim, scratch
from benchmarks.pythons import Python, best, pins

LOCK = """\
# made by a command
click==8.1.8 \\
    --hash=sha256:63c132bbbed01578a06712a2d1f497bb62d9c1c0d329b7903a866228027263b2
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:08695f5cb7ed6e0531a20572697297273c47b8cae5a63ffc6d6ed5c201be6e44
"""


def test_pins() -> None:
    assert pins(LOCK) == ("click==8.1.8", "colorama==0.4.6 ; sys_platform == 'win32'")
    assert scratch.project_name(pins(LOCK)[1]) == "colorama"


def test_requirement_targets() -> None:
    (line,) = scratch.requirement_targets(["click==8.1.8"]).splitlines()
    assert line == 'python_requirement(name="click", requirements=["click==8.1.8"])'


def test_the_newest_python_with_a_shared_library() -> None:
    static, shared = Python("/a", "3.11.7", False), Python("/b", "3.10.1", True)
    newer = Python("/c", "3.11.2", True)
    assert best([static, None, shared]) == shared
    assert best([static, shared, newer]) == newer
    assert best([static]) == static
    assert best([Python("/d", "3.13.0", True), None]) is None


def test_options() -> None:
    sections: dict[str, dict[str, object]] = {
        "GLOBAL": {"a": "x", "b": ["y", "z"]},
        "p": {"c": True},
    }
    assert scratch.options(sections) == '[GLOBAL]\na = "x"\nb = ["y", "z"]\n\n[p]\nc = true\n'


def test_the_files_of_a_program() -> None:
    program = scratch.Program("app", ("click",), fields='resources="in-memory",', template="t")
    files = scratch.program_files(program, "print()\n")
    assert sorted(files) == [
        "app/BUILD",
        "app/__init__.py",
        "app/line.py",
        "app/main.py",
        "app/template.bzlt",
    ]
    assert 'dependencies=[":lib", "3rdparty:click"]' in files["app/BUILD"]
    assert 'template="template.bzlt", resources="in-memory",' in files["app/BUILD"]
    assert "template=" not in scratch.program_files(scratch.Program("app"), "")["app/BUILD"]


def test_templates() -> None:
    template = (
        "dist = default_python_distribution()\n"
        'policy.resources_location_fallback = "filesystem-relative:lib"\n'
    )
    filled = scratch.template_with_python(template, "ab12", "/x/y.tar.zst")
    assert filled.startswith(
        'dist = PythonDistribution(sha256="ab12", local_path="/x/y.tar.zst", flavor="standalone")\n'
    )
    files = scratch.template_with_files(filled)
    assert files.endswith('policy.resources_location = "filesystem-relative:lib"\n')
    with pytest.raises(ValueError, match="does not have"):
        scratch.template_with_python(filled, "", "")
    with pytest.raises(ValueError, match="does not have"):
        scratch.template_with_files(files)


def test_the_shim_notes_its_calls(tmp_path: Path) -> None:
    cargo = tmp_path / "real cargo's"
    cargo.write_text('#!/bin/sh\necho "$@"\nexit 3\n')
    os.chmod(cargo, 0o755)
    log = cargo_shim.install(tmp_path / "shim", str(cargo))

    def call(*args: str) -> subprocess.CompletedProcess[str]:
        argv = [str(tmp_path / "shim/cargo"), *args]
        return subprocess.run(argv, capture_output=True, text=True)

    assert call("init", "--bin", "x y").stdout == "init --edition 2021 --bin x y\n"
    result = call("build", "--locked")
    assert (result.stdout, result.returncode) == ("build --locked\n", 3)
    calls = cargo_shim.parse_log(log.read_text())
    assert [call.subcommand for call in calls] == ["init", "build"]
    assert all(0 <= call.end - call.start < 30 for call in calls)


def test_seconds_of_cargo() -> None:
    calls = [cargo_shim.CargoCall("build", 10, 70), cargo_shim.CargoCall("metadata", 70, 72)]
    assert cargo_shim.seconds(calls) == 60
