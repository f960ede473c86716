# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Packages that start `sys.executable`, and programs that start themselves, in binaries."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from integration.bounded import run_bounded
from integration.repository import Repository, host_pythons
from pants_pyoxidizer.util_rules.python.host_python import HOST_VERSIONS

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
        return run_bounded(
            str(binary), *args, seconds=SECONDS, processes=PROCESSES, cwd=Path(home), env=env
        )


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.13"])
def test_what_starts_children_finds_python(version: str, repository: Repository) -> None:
    if not host_pythons(version):
        pytest.skip(f"there is no Python {version}")
    write(repository)
    newest = f"3.{int(version.partition('.')[2]) + 1}"
    result = repository.succeed(
        "--no-pantsd",
        f'--python-interpreter-constraints=["CPython>=3.9,<{newest}"]',
        f"--python-interpreter-versions-universe={json.dumps(HOST_VERSIONS)}",
        "--python-pip-version=latest",
        "--python-enable-resolves",
        '--python-resolves={"python-default": "requirements.txt"}',
        "--python-invalid-lockfile-behavior=ignore",
        "package",
        "plain:auto",
        "plain:files",
    )
    assert f"Contains Python {version}." in result.stderr
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


MULTIPLYING = """\
import subprocess, sys, time
for _ in range(2):
    subprocess.Popen([sys.executable, *sys.argv], start_new_session=True)
time.sleep(5)
"""
# It ends at once, and leaves a process.
DAEMON = "import subprocess; subprocess.Popen(['sleep', '100'], start_new_session=True)"


@pytest.mark.parametrize(
    ("code", "seconds", "status", "errors"),
    [
        ("print('it')", 20, 0, ""),
        ("raise SystemExit(3)", 20, 3, ""),
        (DAEMON, 20, 1, "still running: \nsleep 100"),
        ("import time; time.sleep(100)", 1, 1, "still running: \n"),
        (MULTIPLYING, 20, 1, f"more than {PROCESSES} processes: \n"),
    ],
)
def test_what_is_bounded(
    tmp_path: Path, code: str, seconds: float, status: int, errors: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text(code)
    result = run_bounded(
        sys.executable, str(script), seconds=seconds, processes=PROCESSES, cwd=tmp_path, env={}
    )
    assert result.returncode == status
    assert result.stderr.startswith(errors)
    for path in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            assert path.resolve() != tmp_path
