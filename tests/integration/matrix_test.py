# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What users really have: a binary for each Python, with many packages, each of which is used.

For 3.9 to 3.13, where they are on this machine; `MATRIX_PYTHONS="3.12 3.13"` chooses some. The
results are compared with docs/compatibility.md, or written to the page that `UPDATE_COMPATIBILITY`
names by its absolute path.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from integration.compatibility import (
    BEGIN,
    Case,
    check_page,
    pins_for,
    read_pins,
    result_unrun,
    stale_rows,
    unpinned_rows,
    write_results,
)
from integration.locked import package_locked
from integration.repository import Repository, host_pythons, run_binary
from pants_pyoxidizer.util_rules.python.host_python import HOST_VERSIONS

MATRIX = Path(__file__).parent / "matrix"
PINS = read_pins((MATRIX / "requirements.txt").read_text())
PAGE = Path(__file__).resolve().parents[2] / "docs/compatibility.md"
UPDATE = (
    "UPDATE_COMPATIBILITY=$PWD/docs/compatibility.md"
    " ./pants test --force tests/integration/matrix_test.py"
)
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
    page = os.environ.get("UPDATE_COMPATIBILITY")
    if page:
        check_page(Path(page))  # The build takes minutes.
    binary = build(version, tmp_path)
    listed = json.loads(run_binary(binary).stdout)
    pins = pins_for(next(iter(listed["stdlib"].values())), PINS)
    cases = [
        Case(kind, name, found, unrun or run(binary, kind, name))
        for kind in ("packages", "stdlib")
        for name, found in listed[kind].items()
        for unrun in [result_unrun(name, found, pins) if kind == "packages" else None]
    ]
    if page:
        write_results(Path(page), version, cases)
    assert [(case.name, case.result) for case in cases if case.has_failed] == []
    assert len([case for case in cases if case.result == "works"]) >= 60
    shutil.rmtree(tmp_path)  # Some GB, which pytest would keep.
    if not page:
        stale = stale_rows(PAGE.read_text(), version, cases)
        assert not stale, "\n".join([f"To write it: MATRIX_PYTHONS={version} {UPDATE}", *stale])


# What is here is the page before an update.
@pytest.mark.skipif(bool(os.environ.get("UPDATE_COMPATIBILITY")), reason="it is written anew")
def test_the_page_has_versions_that_are_pinned() -> None:
    unpinned = unpinned_rows(PAGE.read_text(), PINS)
    assert not unpinned, "\n".join([f"To write it: {UPDATE}", *unpinned])


def test_pins_know_what_must_be_there() -> None:
    old, new = ("--hash=sha256:0" + digit for digit in "12")
    text = f"""\
# By a tool.
numpy==2.0.2 ; python_full_version < '3.10' \\
    {old} \\
    {new}
numpy==2.2.6 ; python_full_version == '3.10.*' \\
    {new}
tomli==2.5.0 ; python_full_version < '3.11.3' \\
    {old}
zope-event==6.0 \\
    {old}
"""
    pins = read_pins(text)
    assert {k: str(v) for k, v in pins_for("3.9.18", pins).items()} == {
        "numpy": "==2.0.2",
        "tomli": "==2.5.0",
        "zope-event": "==6.0",
    }
    assert pins_for("3.11.2", pins)["tomli"] is not None
    later = pins_for("3.11.3", pins)
    assert later["numpy"] is None and later["tomli"] is None
    assert result_unrun("zope_event", "6.0", later) is None
    assert result_unrun("zope_event", None, later) == "fails: ==6.0 is lost"
    assert result_unrun("zope_event", "6.2", later) == "fails: 6.2 is not ==6.0"
    assert result_unrun("numpy", None, later) == "no release"
    assert result_unrun("numpy", "2.2.6", later) == "fails: 2.2.6 is not for this Python"
    assert result_unrun("six", None, later) == "fails: it is not pinned"


def test_a_stale_page_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(BEGIN)
    cases = [
        Case("packages", "zope_event", "6.0", "works"),
        Case("packages", "six", None, "no release"),
        Case("stdlib", "ssl", "3.9.18", "works"),
    ]
    write_results(page, "3.9", cases)
    text = page.read_text()
    assert stale_rows(text, "3.9", cases) == []
    # As another patch release of the Python may have it.
    other = Case("packages", "zope_event", "5.0", "works")
    assert stale_rows(text, "3.9", [other, *cases[1:]]) == []
    new = [Case("packages", "six", "1.0", "works"), cases[2], Case("stdlib", "uuid", "3", "works")]
    assert stale_rows(text, "3.9", new) == [
        "zope-event: no case, but on the page: 6.0 works",
        "six: 1.0 works, but on the page: no release",
        "`uuid`: works, but on the page: nothing",
    ]
    assert len(stale_rows(text, "3.10", cases)) == 3
    assert unpinned_rows(text, read_pins("zope-event==6.0\nzope-event==6.2")) == []
    assert unpinned_rows(text, read_pins("zope-event==6.2")) == [
        "zope-event: 6.0 works on Python 3.9"
    ]


def test_a_page_that_cannot_be_updated_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    with pytest.raises(ValueError, match=f"absolute path of a page that exists, not {page}"):
        check_page(page)
    with pytest.raises(ValueError, match="absolute path of a page that exists, not page.md"):
        check_page(Path("page.md"))
    page.write_text("# Page\n")
    with pytest.raises(ValueError, match="has no line <!-- The table"):
        check_page(page)
    page.write_text(BEGIN)
    check_page(page)


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
    package_locked(
        repository,
        version,
        "matrix/requirements.txt",
        # Nothing of it is used again.
        f"--local-store-dir={folder / '.store'}",
        "package",
        "matrix:bin",
    )
    return folder / f"dist/matrix/bin/{TRIPLE}/debug/install/bin"


def run(binary: Path, kind: str, name: str) -> str:
    """What the table says: "works", or the last line of the error."""
    result = run_binary(binary, kind, name)
    if result.returncode == 0 and result.stdout.endswith("passed\n"):
        return "works"
    lines = result.stderr.strip().splitlines() or [f"exit status {result.returncode}"]
    return f"fails: {lines[-1]}"
