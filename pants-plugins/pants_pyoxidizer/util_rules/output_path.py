# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Where a binary goes below `--distdir`, and that no other one goes there as well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Iterable

from pants.engine.rules import Get, collect_rules, rule
from pants.engine.target import AllTargets, AllTargetsRequest, InvalidFieldException
from pants.util.strutil import softwrap

from pants_pyoxidizer.target_types import (
    PyOxidizerBinaryNameField,
    PyOxidizerBinaryTarget,
    PyOxidizerOutputPathField,
)


@dataclass(frozen=True)
class UniqueOutputPathRequest:
    output_path: PyOxidizerOutputPathField
    binary_name: PyOxidizerBinaryNameField


@dataclass(frozen=True)
class UniqueOutputPath:
    """The folder below `--distdir`, in which no other target's executable has the same name."""

    value: str


@rule
async def find_unique_output_path(request: UniqueOutputPathRequest) -> UniqueOutputPath:
    output_path, name = request.output_path, request.binary_name.value_or_default()
    value = output_path.value_or_default(file_ending=None)
    if not output_path.value:
        # That is made of the address. Besides, all BUILD files would be read for nothing.
        return UniqueOutputPath(value)
    for target in await Get(AllTargets, AllTargetsRequest()):
        if not isinstance(target, PyOxidizerBinaryTarget) or target.address == output_path.address:
            continue
        other = target[PyOxidizerBinaryNameField]
        path = target[PyOxidizerOutputPathField].value_or_default(file_ending=None)
        if other.name == name and PurePosixPath(path) == PurePosixPath(value):
            raise InvalidFieldException(
                softwrap(
                    f"""
                    The `{output_path.alias}` field in target {output_path.address} is {value!r},
                    where the executable `{name}` of the target {target.address} lies as well: one
                    would overwrite the other. To fix, give one of them another
                    `{output_path.alias}` or `{other.alias}`.
                    """
                )
            )
    return UniqueOutputPath(value)


def rules() -> Iterable[Any]:
    return collect_rules()
