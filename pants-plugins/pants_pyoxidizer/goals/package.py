# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The goal `package`."""

from __future__ import annotations

from typing import Any, Iterable

from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, PackageFieldSet
from pants.engine.fs import MergeDigests
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import collect_rules, implicitly, merge_digests, rule
from pants_pyoxidizer.subsystem import PyOxidizer
from pants_pyoxidizer.util_rules.binary import (
    PyOxidizerBinary,
    PyOxidizerFieldSet,
    build_binary,
)
from pants_pyoxidizer.util_rules.output_path import (
    UniqueOutputPathRequest,
    find_unique_output_path,
)
from pants_pyoxidizer.util_rules.report import CrateListRequest, ReportRequest, write_report


@rule(level=LogLevel.DEBUG)
async def package_binary(field_set: PyOxidizerFieldSet, pyoxidizer: PyOxidizer) -> BuiltPackage:
    await find_unique_output_path(UniqueOutputPathRequest(field_set.output_path), **implicitly())
    binary = await build_binary(field_set, **implicitly())
    artifact = BuiltPackageArtifact(binary.install_dir, extra_log_lines=binary.descriptions)
    if not pyoxidizer.report:
        return BuiltPackage(binary.digest, (artifact,))
    report = await write_report(_report_request(field_set, binary), **implicitly())
    digest = await merge_digests(MergeDigests((binary.digest, report.digest)))
    return BuiltPackage(digest, (artifact, *map(BuiltPackageArtifact, report.paths)))


def _report_request(field_set: PyOxidizerFieldSet, binary: PyOxidizerBinary) -> ReportRequest:
    return ReportRequest(
        name=binary.ingredients.name,
        files=binary.digest,
        install_dir=binary.install_dir,
        executable=binary.executable,
        contents=binary.ingredients.contents,
        crates=CrateListRequest(
            binary.ingredients.python, binary.tools.rust, binary.tools.c_toolchain
        ),
        with_template=field_set.template.value is not None,
    )


def rules() -> Iterable[Any]:
    return (
        *collect_rules(),
        UnionRule(PackageFieldSet, PyOxidizerFieldSet),
        *PyOxidizerFieldSet.rules(),
    )
