# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What users really have: a binary for each Python, with many packages, each of which is used.

For 3.9 to 3.13, where they are on this machine; `MATRIX_PYTHONS="3.12 3.13"` chooses some. The
results are written to the page that `UPDATE_COMPATIBILITY` names by its absolute path.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from integration.compatibility import BEGIN, Case, write_results
from integration.repository import Repository, host_pythons, run_binary
from pants_pyoxidizer.util_rules.standalone_python import HOST_VERSIONS

MATRIX = Path(__file__).parent / "matrix"
TRIPLE = f"{platform.machine()}-unknown-linux-gnu"

BUILD = """\
    python_requirements(name="reqs", source="requirements.in")
    python_sources(name="lib", dependencies=[":reqs"])
    python_distribution(
        name="dist",
        dependencies=[":lib"],
        provides=python_artifact(name="matrix-dist", version="0.0.1"),
        entry_points={"matrix": {"one": "matrix.main:main"}},
    )
    pyoxidizer_binary(name="bin", dependencies=[":dist"], entry_point="matrix.main:main")
    """


PYTHONS = os.environ.get("MATRIX_PYTHONS", "").split() or HOST_VERSIONS


@pytest.mark.parametrize("version", PYTHONS)
def test_what_users_have_runs_in_a_binary(version: str, tmp_path: Path) -> None:
    if not host_pythons(version):
        pytest.skip(f"there is no Python {version}")
    binary = build(version, tmp_path)
    listed = json.loads(run_binary(binary).stdout)
    cases = [
        Case(kind, name, found, run(binary, kind, name) if found else "no release")
        for kind in ("packages", "stdlib")
        for name, found in listed[kind].items()
    ]
    page = os.environ.get("UPDATE_COMPATIBILITY")
    if page:
        write_results(Path(page), version, cases)
    assert len(cases) >= 60
    assert [(case.name, case.result) for case in cases if case.has_failed] == []
    shutil.rmtree(tmp_path)  # Some GB, which pytest would keep.


def test_the_table_keeps_other_pythons(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{BEGIN}")
    old = [Case("packages", "zope_event", "6.0", "works"), Case("stdlib", "ssl", "3.9.18", "works")]
    write_results(page, "3.9", old)
    new = [
        Case("packages", "zope_event", None, "no release"),
        Case("stdlib", "ssl", "3", "fails: a|b"),
    ]
    write_results(page, "3.11", new)
    write_results(page, "3.10", [Case("packages", "six", "1.0", "works")])
    assert page.read_text() == f"# Page\n\n{BEGIN}" + dedent(
        """
        | What | Python 3.9 | Python 3.10 | Python 3.11 |
        | --- | --- | --- | --- |
        | zope-event | 6.0 works |  | no release |
        | `ssl` | works |  | fails: a/b |
        | six |  | 1.0 works |  |
        """
    )


def build(version: str, folder: Path) -> Path:
    """The executable, with all packages that have a release for this Python."""
    repository = Repository.create(folder)
    files = {f"matrix/{path.name}": path.read_text() for path in (MATRIX / "program").iterdir()}
    for name in ("requirements.in", "requirements.txt"):
        files[f"matrix/{name}"] = (MATRIX / name).read_text()
    repository.write({**files, "matrix/BUILD": BUILD})
    # Any Python can build the program's own wheel; the newest one goes in.
    newest = f"3.{int(version.partition('.')[2]) + 1}"
    result = repository.succeed(
        "--no-pantsd",
        # Nothing of it is used again.
        f"--local-store-dir={folder / '.store'}",
        f'--python-interpreter-constraints=["CPython>=3.9,<{newest}"]',
        f"--python-interpreter-versions-universe={json.dumps(HOST_VERSIONS)}",
        "--python-pip-version=latest",
        # Its hashes are checked, which they are not where it is the source of `python_requirements`.
        "--python-enable-resolves",
        '--python-resolves={"python-default": "matrix/requirements.txt"}',
        "--python-invalid-lockfile-behavior=ignore",
        "package",
        "matrix:bin",
    )
    assert f"\nPython {version}." in result.stderr
    return folder / f"dist/matrix/bin/{TRIPLE}/debug/install/bin"


def run(binary: Path, kind: str, name: str) -> str:
    """What the table says: "works", or the last line of the error."""
    result = run_binary(binary, kind, name)
    if result.returncode == 0 and result.stdout.endswith("passed\n"):
        return "works"
    lines = result.stderr.strip().splitlines() or [f"exit status {result.returncode}"]
    return f"fails: {lines[-1]}"
