# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pants_pyoxidizer.package_data import package_files
from unit.shipped import PROGRAMS

STARTED = sorted(
    ".".join(path.relative_to(PROGRAMS).with_suffix("").parts)
    for path in PROGRAMS.glob("*/*.py")
    if "\nif __name__ == " in path.read_text()
)

STARTED_OTHERWISE = {
    "cargo.driver": "by the script `cargo`",
    "pack.kept_bytecode": "by its path in an archive",
    "pyoxidizer.compile_files": "by its path, with the packed Python",
    "report.make_sbom": "in a tool of its own",
    "wheels.make_payload": "by a runtime, which has the start-up code",
}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a sandbox gets, and nothing else of the plugin."""
    root = tmp_path_factory.mktemp("shipped")
    for file in package_files("programs", "diagnostics"):
        path = root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o755 if file.is_executable else 0o644)
    return root


def test_there_are_programs() -> None:
    assert {"pack.pack_cpython", "wheels.inspect_wheels", *STARTED_OTHERWISE} <= set(STARTED)


@pytest.mark.parametrize("program", sorted(set(STARTED) - set(STARTED_OTHERWISE)))
def test_a_program_starts_from_what_is_shipped(shipped: Path, program: str) -> None:
    """With the packages of the tool, but with no other copy of the plugin."""
    argv = [sys.executable, "-I", "-B", f"{shipped}/pants_pyoxidizer/programs", program]
    finished = subprocess.run([*argv, "--help"], capture_output=True, text=True, timeout=60)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("usage: ")


def test_the_sbom_needs_nothing_of_ours(shipped: Path) -> None:
    """It runs in a tool of its own, which is not installed here."""
    argv = [sys.executable, "-I", "-B", f"{shipped}/pants_pyoxidizer/programs", "report.make_sbom"]
    finished = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert "No module named 'cyclonedx'" in finished.stderr


def test_pyoxidizer_finds_the_cargo_driver(shipped: Path) -> None:
    folder = shipped / "pants_pyoxidizer/programs/cargo"
    env = {
        "PATH": f"{folder}:{os.defpath}",
        "PANTS_PYOXIDIZER_PYTHON": sys.executable,
        "PANTS_PYOXIDIZER_CARGO": "/nowhere/cargo",
    }
    argv = ["sh", "-c", "cargo --version"]
    finished = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
    assert "cannot run cargo: [Errno 2] No such file or directory: '/nowhere/cargo'" in (
        finished.stdout + finished.stderr
    )
    assert os.access(folder / "rustc_wrapper", os.X_OK)


@pytest.mark.parametrize(
    "path", [file.path for file in package_files("programs", "diagnostics", "startup")]
)
def test_what_is_shipped_is_code_of_ours(path: str) -> None:
    assert "__pycache__" not in path
    if path.endswith(".py"):
        ast.parse((PROGRAMS.parent.parent / path).read_text(), feature_version=(3, 8))
