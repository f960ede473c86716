# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import pytest
from packaging.markers import default_environment

from pants_pyoxidizer.wheels.compatibility import incompatible_wheels, marker_environment
from unit.wheels import wheel

LINUX = "x86_64-unknown-linux-gnu"
LINUX_ARM = "aarch64-unknown-linux-gnu"
MUSL = "x86_64-unknown-linux-musl"
MAC = "x86_64-apple-darwin"
MAC_ARM = "aarch64-apple-darwin"


def test_environment_has_all_variables_of_this_packaging() -> None:
    assert set(marker_environment("3.11.4", LINUX)) == set(default_environment()) - {"extra"}


@pytest.mark.parametrize(
    ("triple", "expected"),
    [
        (LINUX, ("linux", "Linux", "x86_64")),
        (LINUX_ARM, ("linux", "Linux", "aarch64")),
        (MUSL, ("linux", "Linux", "x86_64")),
        (MAC, ("darwin", "Darwin", "x86_64")),
        (MAC_ARM, ("darwin", "Darwin", "arm64")),
    ],
)
def test_environment_of_triples(triple: str, expected: tuple[str, str, str]) -> None:
    environment = marker_environment("3.10.15", triple)
    keys = ("sys_platform", "platform_system", "platform_machine")
    assert tuple(environment[key] for key in keys) == expected
    assert environment["python_version"] == "3.10"
    assert environment["python_full_version"] == environment["implementation_version"] == "3.10.15"


@pytest.mark.parametrize(
    "triple", ["x86_64-pc-windows-msvc", "linux", "", "mips-unknown-linux-gnu"]
)
def test_unknown_triple(triple: str) -> None:
    with pytest.raises(ValueError, match=f"`{triple}` is not a target triple of Linux or macOS"):
        marker_environment("3.11.4", triple)


@pytest.mark.parametrize("version", ["3", "", "three.eleven", "3.11-dev"])
def test_unknown_version(version: str) -> None:
    with pytest.raises(ValueError, match="is not a Python version such as `3.11.4`"):
        marker_environment(version, LINUX)


@pytest.mark.parametrize(
    ("tag", "version", "triple", "loads"),
    [
        ("py3-none-any", "3.11", LINUX, True),
        ("py2.py3-none-any", "3.11.4", LINUX, True),
        ("py311-none-any", "3.11", LINUX, True),
        ("py39-none-any", "3.11", LINUX, True),
        ("py312-none-any", "3.11", LINUX, False),
        ("py2-none-any", "3.11", LINUX, False),
        ("cp311-cp311-manylinux_2_17_x86_64", "3.11", LINUX, True),
        ("cp311-cp311-manylinux_2_99_x86_64", "3.11", LINUX, True),
        ("cp311-cp311-manylinux1_x86_64.manylinux2014_x86_64", "3.11", LINUX, True),
        ("cp311-cp311-linux_x86_64", "3.11", LINUX, True),
        ("cp311-none-any", "3.11", LINUX, True),
        ("cp310-cp310-manylinux_2_17_x86_64", "3.11", LINUX, False),
        ("cp312-cp312-manylinux_2_17_x86_64", "3.11", LINUX, False),
        ("cp313-cp313t-manylinux_2_17_x86_64", "3.13", LINUX, False),
        ("pp39-pypy39_pp73-manylinux_2_17_x86_64", "3.9", LINUX, False),
        ("cp37-abi3-manylinux_2_17_x86_64", "3.13", LINUX, True),
        ("cp312-abi3-manylinux_2_17_x86_64", "3.11", LINUX, False),
        ("py3-none-manylinux2014_x86_64", "3.11", LINUX, True),
        ("cp311-cp311-manylinux_2_17_aarch64", "3.11", LINUX, False),
        ("cp311-cp311-manylinux_2_17_aarch64", "3.11", LINUX_ARM, True),
        ("cp311-cp311-manylinux_2_17_i686", "3.11", LINUX, False),
        ("cp311-cp311-musllinux_1_1_x86_64", "3.11", LINUX, False),
        ("cp311-cp311-musllinux_1_1_x86_64", "3.11", MUSL, True),
        ("cp311-cp311-manylinux_2_17_x86_64", "3.11", MUSL, False),
        ("cp311-cp311-macosx_11_0_arm64", "3.11", LINUX, False),
        ("cp311-cp311-macosx_11_0_arm64", "3.11", MAC_ARM, True),
        ("cp311-cp311-macosx_11_0_arm64", "3.11", MAC, False),
        ("cp311-cp311-macosx_10_9_universal2", "3.11", MAC, True),
        ("cp311-cp311-macosx_10_9_universal2", "3.11", MAC_ARM, True),
        ("cp311-cp311-macosx_10_9_x86_64", "3.11", MAC_ARM, False),
        ("cp311-cp311-win_amd64", "3.11", LINUX, False),
    ],
)
def test_tags_that_load(tag: str, version: str, triple: str, loads: bool) -> None:
    assert (incompatible_wheels((wheel("x", tags=(tag,)),), version, triple) == ()) is loads


@pytest.mark.parametrize(
    ("triple", "wanted"),
    [
        (LINUX, "cp311-cp311-manylinux_2_17_x86_64"),
        (LINUX_ARM, "cp311-cp311-manylinux_2_17_aarch64"),
        (MUSL, "cp311-cp311-musllinux_1_1_x86_64"),
        (MAC, "cp311-cp311-macosx_11_0_x86_64"),
        (MAC_ARM, "cp311-cp311-macosx_11_0_arm64"),
    ],
)
def test_the_example_would_load(triple: str, wanted: str) -> None:
    wheels = (wheel("good"), wheel("bad", tags=("cp27-cp27mu-linux_x86_64",)))
    expected = ("bad-1.0-cp27-cp27mu-linux_x86_64.whl", wanted)
    assert incompatible_wheels(wheels, "3.11.4", triple) == (expected,)
    assert incompatible_wheels((wheel("x", tags=(wanted,)),), "3.11.4", triple) == ()


def test_a_renamed_wheel_passes() -> None:
    renamed = wheel("x", tags=("cp310-cp310-linux_x86_64",), filename="x-1-py3-none-any.whl")
    assert incompatible_wheels((renamed,), "3.11", LINUX) == ()
