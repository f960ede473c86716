# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Checks that the output path of a binary does not conflict with another binary's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Iterable

from pants.engine.target import AllTargets, InvalidFieldException
from pants.util.strutil import softwrap

from pants_pyoxidizer.engine import collect_rules, rule
from pants_pyoxidizer.target_types import (
    PyOxidizerBinaryTarget,
    PyOxidizerOutputPathField,
)
from pants_pyoxidizer.util_rules.python.standalone_python import TARGET_TRIPLES


@dataclass(frozen=True)
class UniqueOutputPathRequest:
    output_path: PyOxidizerOutputPathField


@dataclass(frozen=True)
class UniqueOutputPath:
    """The folder below `--distdir`, which conflicts with no other binary's."""

    value: str


@rule
async def find_unique_output_path(
    request: UniqueOutputPathRequest, all_targets: AllTargets
) -> UniqueOutputPath:
    # Compare defaults, too: `v1.0:bin` and `v1/0:bin` have the same one. This is cheap, because
    # dependency inference reads all BUILD files anyway.
    field = request.output_path
    value = field.value_or_default(file_ending=None)
    path = PurePosixPath(value)
    for target in all_targets:
        if not isinstance(target, PyOxidizerBinaryTarget) or target.address == field.address:
            continue
        other_value = target[PyOxidizerOutputPathField].value_or_default(file_ending=None)
        other_path = PurePosixPath(other_value)
        if path == other_path or _clears(path, other_path) or _clears(other_path, path):
            # Since Pants 2.23, the value is a pattern by default.
            is_default = field.value in (None, type(field).default)
            default = " by default" if is_default else ""
            raise InvalidFieldException(
                softwrap(
                    f"""
                    The `{field.alias}` field in target {field.address} is {value!r}{default}, and
                    that of the target {target.address} is {other_value!r}: packaging one would
                    delete the files of the other. To fix, change the `{field.alias}` of either.
                    """
                )
            )
    return UniqueOutputPath(value)


def _clears(path: PurePosixPath, other: PurePosixPath) -> bool:
    """Whether `other` is in the folder that Pants empties before it writes the binary of `path`.

    That folder is `<target triple>/{debug,release}/<name>`, where a template can choose the name.
    """
    if path not in other.parents:
        return False
    triple, *below = other.relative_to(path).parts
    return triple in TARGET_TRIPLES.values() and len(below) > 1 and below[0] in ("debug", "release")


def rules() -> Iterable[Any]:
    return collect_rules()
