# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Packages that read sources, or look for files of Python code, in binaries with no field for it."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path

import pytest

from integration.locked import package_locked
from integration.repository import Repository, host_pythons, run_binary

SOURCES = Path(__file__).parent / "sources"
TRIPLE = f"{platform.machine()}-unknown-linux-gnu"

# The lockfile has them all.
REQUIREMENTS = {
    "inside": ["icecream", "myhdl", "pydantic", "typeguard", "tyro"],
    "beside": ["alembic", "pytest"],
    "by_path": ["hydra-core", "streamlit"],
}
PACKAGE = """\
python_sources(name="lib", sources=["**/*.py"])
resources(name="data", sources=["**/*.yaml"])
python_distribution(
    name="dist",
    dependencies=[":lib", ":data", {requirements}],
    provides=python_artifact(name="{name}", version="0.0.1"),
    sdist=False,
)
"""
BINARIES = """\
fields = {
    "dependencies": ["inside:dist", "beside:dist", "by_path:dist"],
    "entry_point": "by_path.main:main",
}
pyoxidizer_binary(name="auto", **fields)
pyoxidizer_binary(name="files", resources="filesystem", **fields)
"""


def write(repository: Repository) -> None:
    program = SOURCES / "program"
    files = {
        str(path.relative_to(program)): path.read_text()
        for path in program.rglob("*")
        if path.suffix in (".py", ".yaml")
    }
    for name, requirements in REQUIREMENTS.items():
        targets = ", ".join(f'"//:reqs#{it}"' for it in requirements)
        files[f"{name}/BUILD"] = PACKAGE.format(name=name.replace("_", "-"), requirements=targets)
    files["by_path/BUILD"] += BINARIES
    for name in ("requirements.in", "requirements.txt"):
        files[name] = (SOURCES / name).read_text()
    files["BUILD"] = 'python_requirements(name="reqs", source="requirements.in")\n'
    repository.write(files)


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.13"])
def test_what_reads_sources_finds_them(version: str, repository: Repository) -> None:
    if not host_pythons(version):
        pytest.skip(f"there is no Python {version}")
    write(repository)
    result = package_locked(
        repository, version, "requirements.txt", "package", "by_path:auto", "by_path:files"
    )
    placed = result.stderr.split("Code: ")[1]
    inside, _, beside = placed.partition(" in the executable; ")
    assert "inside" in inside.split(", ")
    assert re.search(r"\bbeside \((alembic|pytest) may read its files\)", beside)
    for name in ("auto", "files"):
        binary = repository.path / f"dist/by_path/{name}/{TRIPLE}/debug/install/{name}"
        cases = json.loads(run_binary(binary).stdout)
        assert len(cases) > 10
        results = {(module, case): run_binary(binary, module, case) for module, case in cases}
        failed = {case: it.stderr for case, it in results.items() if it.stdout != "passed\n"}
        assert failed == {}
