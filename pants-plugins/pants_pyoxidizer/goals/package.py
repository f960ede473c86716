# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable

from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    PackageFieldSet,
)
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.fs import AddPrefix, Digest, MergeDigests
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_pyoxidizer.config import Config
from pants_pyoxidizer.subsystem import PyOxidizer
from pants_pyoxidizer.target_types import (
    PyOxidizerBinaryNameField,
    PyOxidizerDependenciesField,
    PyOxidizerEntryPointField,
    PyOxidizerFilesystemResourcesField,
    PyOxidizerOutputPathField,
    PyOxidizerTemplateField,
)
from pants_pyoxidizer.util_rules.build import Build, BuildRequest
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.contents import Contents, ContentsRequest
from pants_pyoxidizer.util_rules.distributions import (
    Distributions,
    DistributionsRequest,
    FirstPartyWheels,
    FirstPartyWheelsRequest,
)
from pants_pyoxidizer.util_rules.inspect_wheels import Wheels
from pants_pyoxidizer.util_rules.rendered_config import RenderedConfig, RenderedConfigRequest
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain
from pants_pyoxidizer.util_rules.standalone_python import StandalonePython, StandalonePythonRequest
from pants_pyoxidizer.util_rules.third_party_wheels import ThirdPartyWheels, ThirdPartyWheelsRequest


@dataclass(frozen=True)
class PyOxidizerFieldSet(PackageFieldSet, RunFieldSet):
    required_fields = (PyOxidizerDependenciesField,)
    run_in_sandbox_behavior = RunInSandboxBehavior.RUN_REQUEST_HERMETIC

    binary_name: PyOxidizerBinaryNameField
    dependencies: PyOxidizerDependenciesField
    entry_point: PyOxidizerEntryPointField
    environment: EnvironmentField
    filesystem_resources: PyOxidizerFilesystemResourcesField
    output_path: PyOxidizerOutputPathField
    template: PyOxidizerTemplateField


@dataclass(frozen=True)
class PyOxidizerBinary:
    """A built binary, as it is to lie below `--distdir`."""

    digest: Digest
    install_dir: str
    executable: str
    python: StandalonePython


@rule(level=LogLevel.DEBUG)
async def build_binary(field_set: PyOxidizerFieldSet, pyoxidizer: PyOxidizer) -> PyOxidizerBinary:
    name = field_set.binary_name.value_or_default()
    address = field_set.address
    distributions = await Get(Distributions, DistributionsRequest(field_set.dependencies))
    python_request = StandalonePythonRequest(address, distributions.interpreter_constraints)
    python, rust, c_toolchain, first_party = await MultiGet(
        Get(StandalonePython, StandalonePythonRequest, python_request),
        Get(RustToolchain, {}),
        Get(CToolchain, {}),
        Get(FirstPartyWheels, FirstPartyWheelsRequest(distributions.targets)),
    )
    third_party = await Get(
        ThirdPartyWheels, ThirdPartyWheelsRequest(distributions.addresses, python.constraint)
    )
    first, third = first_party.wheels, third_party.wheels
    contents = await Get(Contents, ContentsRequest, _contents(field_set, python, first, third))
    config = Config(
        name, python.python, contents.run_command, contents.wheels, contents.filesystem_wheels
    )
    rendered_config, wheels = await MultiGet(
        Get(RenderedConfig, RenderedConfigRequest(field_set.template, config)),
        Get(Digest, MergeDigests((first.digest, third.digest))),
    )
    args = tuple(pyoxidizer.args)
    build_request = BuildRequest(
        address, name, args, rendered_config, python, rust, c_toolchain, wheels, contents.folders
    )
    built = await Get(Build, BuildRequest, build_request)
    prefix = field_set.output_path.value_or_default(file_ending=None)
    return PyOxidizerBinary(
        await Get(Digest, AddPrefix(built.digest, prefix)),
        install_dir=os.path.join(prefix, built.install_dir),
        executable=os.path.join(prefix, built.executable),
        python=python,
    )


def _contents(
    field_set: PyOxidizerFieldSet, python: StandalonePython, first: Wheels, third: Wheels
) -> ContentsRequest:
    return ContentsRequest(
        address=field_set.address,
        entry_point=field_set.entry_point.value,
        filesystem_resources=tuple(field_set.filesystem_resources.value or ()),
        first_party=first.wheels,
        third_party=third.wheels,
        python_version=python.version,
        target_triple=python.target_triple,
    )


@rule(level=LogLevel.DEBUG)
async def package_binary(field_set: PyOxidizerFieldSet) -> BuiltPackage:
    binary = await Get(PyOxidizerBinary, PyOxidizerFieldSet, field_set)
    artifact = BuiltPackageArtifact(
        binary.install_dir, extra_log_lines=(binary.python.description,)
    )
    return BuiltPackage(binary.digest, (artifact,))


def rules() -> Iterable[Any]:
    return (
        *collect_rules(),
        UnionRule(PackageFieldSet, PyOxidizerFieldSet),
        *PyOxidizerFieldSet.rules(),
    )
