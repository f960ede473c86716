# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from typing import Any

import pytest
from pants.engine.addresses import Address
from pants.engine.target import AllTargets, AllTargetsRequest, InvalidFieldException, Target
from pants.testutil.rule_runner import MockGet, run_rule_with_mocks

from pants_pyoxidizer.target_types import (
    PyOxidizerBinaryNameField,
    PyOxidizerBinaryTarget,
    PyOxidizerOutputPathField,
)
from pants_pyoxidizer.util_rules.output_path import (
    UniqueOutputPathRequest,
    find_unique_output_path,
)


def binary(folder: str, **fields: Any) -> Target:
    address = Address(folder, target_name="bin")
    return PyOxidizerBinaryTarget({"dependencies": [":dist"], **fields}, address)


def output_path(target: Target, *others: Target) -> str:
    request = UniqueOutputPathRequest(
        target[PyOxidizerOutputPathField], target[PyOxidizerBinaryNameField]
    )
    every = AllTargets((target, *others))
    mock = MockGet(AllTargets, (AllTargetsRequest,), lambda _: every)
    found: str = run_rule_with_mocks(
        find_unique_output_path, rule_args=[request], mock_gets=[mock]
    ).value
    return found


@pytest.mark.parametrize(
    ("fields", "expected"), [({}, "one/bin"), ({"output_path": "apps"}, "apps")]
)
def test_a_path_of_its_own(fields: dict[str, Any], expected: str) -> None:
    others = (binary("two"), binary("three", output_path="apps", binary_name="other"))
    assert output_path(binary("one", **fields), *others) == expected


@pytest.mark.parametrize(
    "other",
    [
        binary("two", output_path="apps/"),
        binary("two", output_path="./apps", binary_name="bin"),
        PyOxidizerBinaryTarget({"dependencies": [":dist"]}, Address("apps", target_name="bin")),
    ],
)
def test_another_one_at_the_same_path(other: Target) -> None:
    target = binary("one", output_path="apps/bin" if other.address.spec_path == "apps" else "apps")
    with pytest.raises(InvalidFieldException) as e:
        output_path(target, other)
    path = target[PyOxidizerOutputPathField].value
    assert str(e.value) == (
        f"The `output_path` field in target one:bin is '{path}', where the executable `bin` of the "
        f"target {other.address} lies as well: one would overwrite the other. To fix, give one of "
        "them another `output_path` or `binary_name`."
    )
