# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Fetching crates with a fake PyOxidizer and a fake cargo, which "downloads" from a folder."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pants_pyoxidizer.programs.pyoxidizer import fetch_crates

# Writes a project into the folder that it is given.
FAKE_PYOXIDIZER = """\
import os, pathlib, sys
assert sys.argv[1] == "init-rust-project"
assert os.environ["PATH"] == "/programs"
project = pathlib.Path(sys.argv[2])
project.mkdir()
(project / "Cargo.lock").write_text({lock!r})
"""

# Downloads what is not for Windows, as `[source]` replacement says or else into its cache.
FAKE_CARGO = """\
import os, pathlib, re, shutil, sys
assert sys.argv[1:] == ["fetch", "--locked", "--target", "x86_64-unknown-linux-gnu"]
home = pathlib.Path(os.environ["CARGO_HOME"])
config = (home / "config.toml").read_text() if (home / "config.toml").exists() else ""
local = re.search('local-registry = "(.+)"', config)
if local:
    assert os.environ["CARGO_NET_OFFLINE"] == "true"
    served = pathlib.Path(local[1])
else:
    served = pathlib.Path({served!r})
    (home / "registry").mkdir(parents=True)
    shutil.copytree(served / "index", home / "registry/index/mirror-0123/.cache")
    (home / "registry/cache/mirror-0123").mkdir(parents=True)
if "offline = true" in config:
    sys.exit("error: no network")
if "replace-with" in config and not local:
    credentials = home / "credentials.toml"
    assert credentials.is_symlink() and credentials.read_text() == "secret"
for name in ("libc-0.2.1", "cty-1.0.0"):
    crate = served / (name + ".crate")
    if not crate.exists():
        sys.exit("error: cannot read " + crate.name)
    if not local:
        shutil.copy(crate, home / "registry/cache/mirror-0123")
    (home / "registry/src/mirror-0123" / name).mkdir(parents=True)
"""

TRIPLE = "x86_64-unknown-linux-gnu"
CRATES = ("libc-0.2.1", "cty-1.0.0", "windows-sys-0.42.0", "windows-sys-0.45.0")


def checksum(crate: str) -> str:
    return hashlib.sha256(crate.encode()).hexdigest()


def entry(crate: str, **more: Any) -> dict[str, Any]:
    name, version = crate.rsplit("-", 1)
    own = {"name": name, "vers": version, "deps": [], "cksum": checksum(crate), "features": {}}
    return {**own, "yanked": False, **more}


def lock() -> str:
    text = 'version = 3\n\n[[package]]\nname = "own"\nversion = "0.1.0"\n'
    for crate in CRATES:
        name, version = crate.rsplit("-", 1)
        text += (
            f'\n[[package]]\nname = "{name}"\nversion = "{version}"\n'
            'source = "registry+https://github.com/rust-lang/crates.io-index"\n'
            f'checksum = "{checksum(crate)}"\n'
        )
    return text


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What there is to download: archives, and an index in the form of cargo's cache of one."""
    served = tmp_path / "served"
    for crate in CRATES:
        name = crate.rsplit("-", 1)[0]
        path = served / "index" / fetch_crates.index_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Another version, and what changes with time.
        entries = [entry(f"{name}-0.0.1"), entry(crate, yanked=True, pubtime="2023")]
        texts = (b"0.0.0\0" + json.dumps(each).encode() + b"\0" for each in entries)
        with path.open("ab") as file:
            file.write(b"\3\2\0\0\0etag\0" + b"".join(texts))
        (served / f"{crate}.crate").write_text(crate)
    programs = {
        "pyoxidizer": FAKE_PYOXIDIZER.format(lock=lock()),
        "bin/cargo": FAKE_CARGO.format(served=str(served)),
    }
    (tmp_path / "bin").mkdir()
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!{sys.executable} -IS\n{text}")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(fetch_crates, "pyoxidizer_executable", lambda: str(tmp_path / "pyoxidizer"))
    monkeypatch.setenv("PANTS_PYOXIDIZER_RUST", str(tmp_path))
    monkeypatch.setenv("PANTS_PYOXIDIZER_PATH", "/programs")
    start_anew(tmp_path, monkeypatch)
    return served


def start_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a sandbox of its own, as each process has one."""
    sandbox = folder / f"sandbox{len(list(folder.glob('sandbox*')))}"
    sandbox.mkdir()
    monkeypatch.chdir(sandbox)


def fetch(output: Path, *argv: str) -> int:
    return fetch_crates.main(["--target", TRIPLE, "--output", str(output), *argv])


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def line(crate: str) -> str:
    return json.dumps(entry(crate), sort_keys=True) + "\n"


EXPECTED = {
    "libc-0.2.1.crate": "libc-0.2.1",
    "cty-1.0.0.crate": "cty-1.0.0",
    "index/li/bc/libc": line("libc-0.2.1"),
    "index/3/c/cty": line("cty-1.0.0"),
    "index/wi/nd/windows-sys": line("windows-sys-0.42.0") + line("windows-sys-0.45.0"),
}


def test_a_registry_has_what_the_lock_and_the_target_need(served: Path, tmp_path: Path) -> None:
    assert fetch(tmp_path / "out") == 0
    assert files(tmp_path / "out") == EXPECTED


def test_what_is_vendored_gives_the_same(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch(tmp_path / "vendored") == 0
    # More than is needed, as for another platform.
    (tmp_path / "vendored/windows-sys-0.42.0.crate").write_text("windows-sys-0.42.0")
    start_anew(tmp_path, monkeypatch)
    assert fetch(tmp_path / "out", "--vendored", str(tmp_path / "vendored")) == 0
    (tmp_path / "vendored/windows-sys-0.42.0.crate").unlink()
    assert files(tmp_path / "out") == files(tmp_path / "vendored")


@pytest.mark.parametrize("vendored", [False, True])
def test_another_archive_than_that_of_the_lock(
    vendored: bool, served: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (served / "libc-0.2.1.crate").write_text("something else")
    argv = ["--vendored", str(served)] if vendored else []
    assert fetch(tmp_path / "out", *argv) == 1
    assert capsys.readouterr().err == (
        "There is no libc-0.2.1.crate with the checksum of the Cargo.lock.\n"
    )


@pytest.mark.parametrize("vendored", [False, True])
def test_an_index_of_other_crates(
    vendored: bool, served: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (served / "index/3/c/cty").write_text(json.dumps(entry("cty-1.0.0", cksum="0")))
    argv = ["--vendored", str(served)] if vendored else []
    assert fetch(tmp_path / "out", *argv) == 1
    assert capsys.readouterr().err == (
        "The index has no cty-1.0.0 with the checksum of the Cargo.lock.\n"
    )


def test_an_archive_that_is_missing(
    served: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (served / "cty-1.0.0.crate").unlink()
    assert fetch(tmp_path / "out", "--vendored", str(served)) == 1
    assert capsys.readouterr().err == "error: cannot read cty-1.0.0.crate\n"


def test_a_configuration_above_is_refused(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    configuration = tmp_path / ".cargo/config.toml"
    configuration.parent.mkdir()
    configuration.touch()
    assert fetch(tmp_path / "crates") == 1
    assert f"cargo would read {configuration}, " in capsys.readouterr().err


def test_a_configuration_of_cargos_is_used(
    served: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "cargo.toml"
    config.write_text("[net]\noffline = true\n")
    assert fetch(tmp_path / "out", "--config", str(config)) == 1
    assert capsys.readouterr().err == "error: no network\n"


def test_credentials_are_read_where_they_are(served: Path, tmp_path: Path) -> None:
    config, credentials = tmp_path / "cargo.toml", tmp_path / "credentials.toml"
    config.write_text('[source.crates-io]\nreplace-with = "mirror"\n')
    credentials.write_text("secret")
    argv = ("--config", str(config), "--credentials", str(credentials))
    assert fetch(tmp_path / "out", *argv) == 0
    assert files(tmp_path / "out") == EXPECTED


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a", "1/a"),
        ("ab", "2/ab"),
        ("abc", "3/a/abc"),
        ("libc", "li/bc/libc"),
        ("Ab_C", "ab/_c/ab_c"),
    ],
)
def test_index_path(name: str, path: str) -> None:
    assert fetch_crates.index_path(name) == path
