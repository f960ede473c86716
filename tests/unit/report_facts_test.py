# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from pants_pyoxidizer import report_facts
from unit.wheels import wheel

NAMES = ["install/bin", "install/lib/a b.txt", "install/lib/back\\slash", "install/lib/new\nline"]


@pytest.fixture
def checksums(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in NAMES}
    file = tmp_path / "bin.sha256"
    file.write_text(report_facts.checksums(sums))
    return file


def check(checksums: Path) -> int:
    argv = ["sha256sum", "--check", "--strict", "--quiet", checksums.name]
    return subprocess.run(argv, cwd=checksums.parent, stderr=subprocess.DEVNULL).returncode


def test_sha256sum_reads_the_checksums(checksums: Path) -> None:
    assert len(checksums.read_text().splitlines()) == len(NAMES)
    assert check(checksums) == 0


@pytest.mark.parametrize("name", NAMES)
def test_sha256sum_notices_a_changed_file(checksums: Path, name: str) -> None:
    (checksums.parent / name).write_text("changed")
    assert check(checksums) == 1


def test_a_wheel_of_the_repository_is_none_of_pypi() -> None:
    own = wheel("My_App", "0.1", sha256="a" * 64, record_sha256="b" * 64)
    expected = {
        "type": "library",
        "name": "my-app",
        "version": "0.1",
        "purl_type": "generic",
        "ref": "wheel:My_App-0.1-py3-none-any.whl",
        "properties": {"file": "My_App-0.1-py3-none-any.whl", "record-sha256": "b" * 64},
    }
    assert report_facts.wheel(own, is_first_party=True) == expected
    assert report_facts.wheel(own, is_first_party=False) == {
        **expected,
        "purl_type": "pypi",
        "sha256": "a" * 64,
    }
