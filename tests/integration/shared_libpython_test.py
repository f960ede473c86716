# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""A Python of the host that has its library only as a shared one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from integration.projects import project
from integration.repository import Repository, run_binary


@pytest.fixture(scope="module")
def shared_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the Python that runs this test, without its static library."""
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        pytest.skip("the Python that runs the tests has no shared library")
    prefix = tmp_path_factory.mktemp("python") / "prefix"
    ignored = shutil.ignore_patterns("*.a", "site-packages", "test", "__pycache__")
    shutil.copytree(sys.base_prefix, prefix, symlinks=True, ignore=ignored)
    # It says where its static library is.
    for file in prefix.glob("lib/python3*/_sysconfigdata*.py"):
        file.write_text(file.read_text().replace(sys.base_prefix, str(prefix)))
    site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(prefix)}))
    site_packages.mkdir()
    return prefix / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"


def test_a_shared_libpython_travels_in_lib(repository: Repository, shared_only: Path) -> None:
    module = "import json, sqlite3, sys; print(json.dumps(sys.version_info[:2]))"
    repository.write(project("shared", module, {"bin": 'entry_point="shared.main"'}))
    result = repository.succeed(
        f"--python-bootstrap-search-path=['{shared_only}']", "package", "shared:bin"
    )
    assert f" ({shared_only}, shared)" in result.stderr
    (binary,) = repository.path.glob("dist/shared/bin/*/debug/install/bin")
    assert list(binary.parent.glob("lib/libpython*.so"))
    # Nothing of the Python that it was made from may be needed.
    shutil.rmtree(shared_only.parent.parent)
    result = run_binary(binary)
    assert (result.stdout, result.stderr) == (f"[3, {sys.version_info[1]}]\n", "")
    ldd = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True)
    (line,) = (line for line in ldd.stdout.splitlines() if "libpython" in line)
    assert str(binary.parent / "lib") in line
