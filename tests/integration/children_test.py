# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Packages that start `sys.executable`, and programs that start themselves, in binaries."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from integration.locked import package_locked
from integration.repository import Repository, host_pythons
from processes import supervisor

CHILDREN = Path(__file__).parent / "children"
TRIPLE = f"{platform.machine()}-unknown-linux-gnu"

# What each package of the program requires. The lockfile has it all.
REQUIREMENTS: dict[str, list[str]] = {
    "plain": [],
    "servers": ["gunicorn", "hypercorn", "uvicorn"],
    "shop": ["django"],
    "pools": ["dask", "distributed", "joblib", "loky"],
    "tasks": ["celery"],
    "notebook": ["ipykernel", "papermill"],
    "debugging": ["debugpy"],
    "playbook": ["ansible-core"],
    "suite": ["pytest", "pytest-xdist"],
}
PACKAGE = """\
python_sources(name="lib", sources=["**/*.py"])
python_distribution(
    name="dist",
    dependencies=[":lib", {requirements}],
    provides=python_artifact(name="{name}-dist", version="0.0.1"),
    sdist=False,
)
"""
BINARIES = f"""
dependencies = {[f"{name}:dist" for name in REQUIREMENTS]}
pyoxidizer_binary(name="auto", dependencies=dependencies, entry_point="plain.main:main")
pyoxidizer_binary(
    name="files", dependencies=dependencies, entry_point="plain.main", resources="filesystem"
)
"""

# Each case has this much. Those that multiply without end would have hundreds of processes.
SECONDS = 120
PROCESSES = 24


def write(repository: Repository) -> None:
    program = CHILDREN / "program"
    files = {str(path.relative_to(program)): path.read_text() for path in program.rglob("*.py")}
    for name, requirements in REQUIREMENTS.items():
        targets = ", ".join(f'"//:reqs#{it}"' for it in requirements)
        files[f"{name}/BUILD"] = PACKAGE.format(name=name, requirements=targets)
    files["plain/BUILD"] += BINARIES
    for name in ("requirements.in", "requirements.txt"):
        files[name] = (CHILDREN / name).read_text()
    files["BUILD"] = 'python_requirements(name="reqs", source="requirements.in")\n'
    repository.write(files)


def run_case(binary: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """In an empty home, with nothing of this process's environment."""
    # Paths of sockets must be short.
    with TemporaryDirectory(dir="/tmp") as home:
        env = {"HOME": home, "TMPDIR": home, "PATH": os.defpath, "LANG": "C.UTF-8"}
        bounds = ["--must-end", str(SECONDS), str(PROCESSES)]
        return subprocess.run(
            [sys.executable, supervisor.__file__, *bounds, str(binary), *args],
            cwd=home,
            env=env,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS + 60,
        )


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.13"])
def test_what_starts_children_finds_python(version: str, repository: Repository) -> None:
    if not host_pythons(version):
        pytest.skip(f"there is no Python {version}")
    write(repository)
    package_locked(repository, version, "requirements.txt", "package", "plain:auto", "plain:files")
    folder = repository.path / "dist/plain"
    binaries = [folder / f"{it}/{TRIPLE}/debug/install/{it}" for it in ("auto", "files")]
    cases = json.loads(run_case(binaries[0]).stdout)
    assert len(cases) > 20
    # They wait more than they work.
    with ThreadPoolExecutor(4) as pool:
        futures = {
            (binary.name, *case): pool.submit(run_case, binary, *case)
            for case in cases
            for binary in binaries
        }
    failed = []
    for name, future in futures.items():
        result = future.result()
        if result.returncode != 0:
            failed.append(f"{name}: {result.returncode}\n{(result.stdout + result.stderr)[-5000:]}")
    assert not failed, "\n\n".join(failed)
