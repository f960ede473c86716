# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import pytest
from pants.engine.addresses import Address
from pants.engine.target import AllTargets, InvalidFieldException, Target

from pants_pyoxidizer.target_types import PyOxidizerBinaryTarget, PyOxidizerOutputPathField
from pants_pyoxidizer.util_rules.output_path import (
    UniqueOutputPathRequest,
    find_unique_output_path,
)
from rules.mocks import run_rule

TRIPLE = "x86_64-unknown-linux-gnu"


def binary(folder: str, output_path: str | None = None, name: str = "bin") -> Target:
    fields = {"dependencies": [":dist"], "output_path": output_path, "binary_name": name}
    return PyOxidizerBinaryTarget(fields, Address(folder, target_name="bin"))


def output_path(target: Target, *others: Target) -> str:
    request = UniqueOutputPathRequest(target[PyOxidizerOutputPathField])
    every = AllTargets((target, *others))
    found: str = run_rule(find_unique_output_path, request, every).value
    return found


@pytest.mark.parametrize(("path", "expected"), [(None, "one/bin"), ("apps", "apps")])
@pytest.mark.parametrize(
    "other",
    [
        "apps2",
        # Beside `apps/<target triple>/debug/install`.
        "apps/one",
        f"apps/{TRIPLE}",
        f"apps/{TRIPLE}/debug",
        f"apps/{TRIPLE}/other/install",
        "apps/other/debug/install",
        ".",
    ],
)
def test_a_path_of_its_own(path: str | None, expected: str, other: str) -> None:
    assert output_path(binary("one", path), binary("two"), binary("three", other)) == expected


@pytest.mark.parametrize(
    ("target", "other", "paths"),
    [
        (binary("one", "apps"), binary("two", "apps/"), ("'apps'", "'apps/'")),
        # Under other names as well: Pants empties the folder.
        (binary("one", "./apps"), binary("two", "apps", "x"), ("'./apps'", "'apps'")),
        (binary("one", "apps/bin"), binary("apps"), ("'apps/bin'", "'apps/bin'")),
        (binary("apps"), binary("one", "apps/bin"), ("'apps/bin' by default", "'apps/bin'")),
        (binary("v1.0"), binary("v1/0"), ("'v1.0/bin' by default", "'v1.0/bin'")),
        # Within the other's folder.
        (
            binary("one", "apps"),
            binary("two", f"apps/{TRIPLE}/debug/install"),
            ("'apps'", f"'apps/{TRIPLE}/debug/install'"),
        ),
        (
            binary("one", f"{TRIPLE}/release/exe/lib"),
            binary("two", "."),
            (f"'{TRIPLE}/release/exe/lib'", "'.'"),
        ),
    ],
)
def test_another_one_in_the_same_folder(
    target: Target, other: Target, paths: tuple[str, str]
) -> None:
    with pytest.raises(InvalidFieldException) as e:
        output_path(target, other)
    assert str(e.value) == (
        f"The `output_path` field in target {target.address} is {paths[0]}, and that of the target "
        f"{other.address} is {paths[1]}: packaging one would delete the files of the other. To "
        "fix, change the `output_path` of either."
    )


def test_a_pattern_of_pants_is_a_default_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # From Pants 2.23 on, the field's value is never `None`.
    monkeypatch.setattr(PyOxidizerOutputPathField, "default", "apps")
    with pytest.raises(InvalidFieldException, match=r"is 'apps' by default, and that of"):
        output_path(binary("one"), binary("two", "apps"))
