# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pants_pyoxidizer.programs.pyoxidizer import list_crates
from pants_pyoxidizer.programs.pyoxidizer.list_crates import parse_lock, resolved, select

LOCK = """\
version = 3

[[package]]
name = "anyhow"
version = "1.0.68"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "aa"

[[package]]
name = "crates-project"
version = "0.1.0"
dependencies = [
 "anyhow",
]

[[package]]
name = "jemallocator"
version = "0.5.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "bb"
dependencies = [
 "anyhow",
]

[[package]]
name = "windows-sys"
version = "0.42.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "cc"
"""
LOCKED = {
    ("anyhow", "1.0.68"): "aa",
    ("jemallocator", "0.5.0"): "bb",
    ("windows-sys", "0.42.0"): "cc",
}


def metadata(*resolved: str) -> dict[str, Any]:
    """Of `cargo metadata`: it lists packages that are not resolved for a platform, too."""
    packages = [
        {"id": name, "name": name, "version": version}
        for name, version in (*LOCKED, ("crates-project", "0.1.0"))
    ]
    return {"packages": packages, "resolve": {"nodes": [{"id": name} for name in resolved]}}


def test_only_crates_of_registries_are_locked() -> None:
    assert parse_lock(LOCK) == LOCKED


def test_packages_that_are_not_for_the_platform_do_not_count() -> None:
    assert resolved(metadata("anyhow")) == {("anyhow", "1.0.68")}


def test_crates_that_only_some_allocators_need_are_optional(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_cargo(features: tuple[str, ...], _: object) -> dict[str, Any]:
        more = ["jemallocator"] if features == ("--all-features",) else []
        return metadata("crates-project", "anyhow", *more)

    monkeypatch.setattr(list_crates, "PROJECT", tmp_path)
    monkeypatch.setattr(list_crates, "metadata", run_cargo)
    assert select(LOCKED, "x86_64-unknown-linux-gnu", {"PANTS_PYOXIDIZER_CARGO": "cargo"}) == {
        ("anyhow", "1.0.68"): False,
        ("jemallocator", "0.5.0"): True,
    }


def test_without_a_cargo_all_that_is_locked_is_listed() -> None:
    assert select(LOCKED, "x86_64-unknown-linux-gnu", {}) == {crate: False for crate in LOCKED}
