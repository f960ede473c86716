# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The wheel and the source archive of the plugin: what `pants-plugins:dist` packages.

Pants packages them for these tests. Under plain pytest, run `./pants package pants-plugins::` first.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from configparser import ConfigParser
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import EntryPoint
from pathlib import Path
from zipfile import ZipFile

import pytest

import pants_pyoxidizer
from integration.projects import project
from integration.repository import OPTIONS, Repository, run_binary
from pants_pyoxidizer import register

# All that a user has to write, but for the place of the wheel while it is not on an index.
PANTS_TOML = """\
[GLOBAL]
pants_version = "2.17.1"
plugins = ["pants-pyoxidizer=={version}"]
backend_packages.add = ["pants.backend.python", "pants_pyoxidizer"]

[python-repos]
find_links = ["file://{folder}"]
"""


def packaged(pattern: str) -> Path:
    """A file that Pants packaged: in the sandbox of a test, or below dist/."""
    here = Path.cwd()
    found = [*here.glob(pattern), *here.glob(f"dist/{pattern}")]
    assert len(found) == 1, f"{pattern}: {found}; run `./pants package pants-plugins::`"
    return found[0]


@pytest.fixture(scope="module")
def wheel() -> Path:
    return packaged("pants_pyoxidizer-*-py3-none-any.whl")


@pytest.fixture(scope="module")
def sdist() -> Path:
    return packaged("pants_pyoxidizer-*.tar.gz")


def read(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> Message:
    (content,) = (c for name, c in read(wheel).items() if name.endswith(".dist-info/METADATA"))
    return HeaderParser().parsestr(content.decode())


def test_every_file_of_the_plugin_is_in_the_wheel(wheel: Path) -> None:
    root = Path(pants_pyoxidizer.__file__).parent
    files = {
        path.relative_to(root.parent).as_posix(): path
        for path in root.rglob("*")
        if path.is_file() and path.name != "BUILD" and "__pycache__" not in path.parts
    }
    with ZipFile(wheel) as archive:
        packed = {i.filename: i for i in archive.infolist() if ".dist-info/" not in i.filename}
        assert sorted(packed) == sorted(files)
        for name, path in files.items():
            assert archive.read(name) == path.read_bytes(), name
            executable = path.stat().st_mode & 0o111
            assert packed[name].external_attr >> 16 & 0o111 == executable, name


def test_the_metadata(wheel: Path) -> None:
    fields = metadata(wheel)
    assert fields["Name"] == "pants-pyoxidizer"
    assert fields["Requires-Python"] == ">=3.7"
    assert fields["License-Expression"] == "Apache-2.0"
    assert fields.get_all("Requires-Dist") is None
    # The index shows it, and has none of our files.
    assert re.findall(r"\]\((?!https://)[^)]*\)", fields.get_payload()) == []

    files = read(wheel)
    (licence,) = (c for name, c in files.items() if name.endswith(".dist-info/licenses/LICENSE"))
    assert licence == Path("LICENSE").read_bytes()
    (text,) = (c for name, c in files.items() if name.endswith(".dist-info/entry_points.txt"))
    entry_points = ConfigParser()
    entry_points.read_string(text.decode())
    assert entry_points.sections() == ["pantsbuild.plugin"]
    loaded = {
        name: EntryPoint(name, value, "pantsbuild.plugin").load()
        for name, value in entry_points["pantsbuild.plugin"].items()
    }
    assert loaded == {"rules": register.rules, "target_types": register.target_types}


@pytest.mark.parametrize("page", ["README.md", "pants-plugins/README.md"])
def test_the_pages_for_users_name_this_version(wheel: Path, page: str) -> None:
    text = Path(page).read_text()
    named = re.findall(r"pants-pyoxidizer==([^\"]+)|pants_pyoxidizer-([^-]+)-py3", text)
    assert {version for versions in named for version in versions if version} == {
        metadata(wheel)["Version"]
    }


def test_the_newest_version_in_the_changelog_is_this_one(wheel: Path) -> None:
    newest = re.search(r"^## (\d\S*)", Path("CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == metadata(wheel)["Version"]


def run_release_tools(
    *args: str | Path, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run twine, or, as `variables` say, another program with twine and setuptools."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PEX", "PYTHON"))}
    return subprocess.run(
        [sys.executable, packaged("pants-plugins/twine.pex"), *args],
        cwd=cwd,
        env={**env, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_index_can_show_them(wheel: Path, sdist: Path) -> None:
    result = run_release_tools("check", "--strict", wheel, sdist)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("PASSED") == 2, result.stdout


def test_the_source_archive_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    result = run_release_tools(
        "-c",
        # What pip calls where there is no [build-system].
        "from setuptools.build_meta import __legacy__; __legacy__.build_wheel('..')",
        cwd=folder,
        PEX_INTERPRETER="1",
        SOURCE_DATE_EPOCH="315532800",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_it_is_installed_as_a_plugin_and_builds(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but the wheel may bring the plugin.
    monkeypatch.delenv("PYTHONPATH", raising=False)
    # Pants keeps what it installed, by the name of the folder: a changed wheel needs another one.
    folder = tmp_path / hashlib.sha256(wheel.read_bytes()).hexdigest()
    folder.mkdir()
    shutil.copy(wheel, folder)
    repository = Repository(tmp_path / "repository")
    toml = PANTS_TOML.format(version=metadata(wheel)["Version"], folder=folder) + OPTIONS
    repository.write(
        {
            "pants.toml": toml,
            **project(
                "app",
                "import six\nprint('six', six.__version__)\n",
                {"bin": 'entry_point="app.main"'},
                requirements=("six==1.16.0",),
            ),
        }
    )
    message = repository.fail("--no-pantsd", "--plugins=[]", "list", "app:bin")
    assert "No module named 'pants_pyoxidizer'" in message

    try:
        repository.succeed("package", "app:bin")
    finally:
        repository.stop_pantsd()
    triple = f"{platform.machine()}-unknown-linux-gnu"
    binary = repository.path / f"dist/app/bin/{triple}/debug/install/bin"
    result = run_binary(binary)
    assert (result.stdout, result.stderr) == ("six 1.16.0\n", ""), result
