# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Builds a binary: chains the stages from a target's fields to the files for `--distdir`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable

from pants.core.goals.package import PackageFieldSet
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior
from pants.engine.fs import AddPrefix, Digest, MergeDigests
from pants.util.logging import LogLevel

from pants_pyoxidizer.configuration.config import Config
from pants_pyoxidizer.engine import (
    EnvironmentField,
    add_prefix,
    collect_rules,
    concurrently,
    implicitly,
    merge_digests,
    rule,
)
from pants_pyoxidizer.placement_fields import (
    PyOxidizerFilesystemResourcesField,
    PyOxidizerIncludeSourcesField,
    PyOxidizerPayloadField,
    PyOxidizerResourcesField,
)
from pants_pyoxidizer.subsystem import PyOxidizer
from pants_pyoxidizer.target_types import (
    PyOxidizerBinaryNameField,
    PyOxidizerDependenciesField,
    PyOxidizerEntryPointField,
    PyOxidizerInterpreterField,
    PyOxidizerOutputPathField,
    PyOxidizerPythonField,
    PyOxidizerPythonVariablesField,
    PyOxidizerTemplateField,
)
from pants_pyoxidizer.util_rules.artifact import ArtifactRequest, make_artifact
from pants_pyoxidizer.util_rules.build import Build, BuildRequest, build
from pants_pyoxidizer.util_rules.c_toolchain import (
    CToolchain,
    CToolchainRequest,
    find_c_toolchain,
)
from pants_pyoxidizer.util_rules.contents import (
    Contents,
    ContentsRequest,
    determine_contents,
)
from pants_pyoxidizer.util_rules.distributions import (
    Distributions,
    DistributionsRequest,
    FirstPartyWheelsRequest,
    build_first_party_wheels,
    find_distributions,
)
from pants_pyoxidizer.util_rules.inspected_wheels import InspectedWheels
from pants_pyoxidizer.util_rules.named_caches import check_named_caches
from pants_pyoxidizer.util_rules.prepared_payload import PreparedPayloadRequest, prepare_payload
from pants_pyoxidizer.util_rules.python.chosen_python import (
    ChosenPythonRequest,
    choose_python,
)
from pants_pyoxidizer.util_rules.python.standalone_python import StandalonePython
from pants_pyoxidizer.util_rules.rendered_config import (
    RenderedConfigRequest,
    TemplateRequest,
    read_template,
    render_config,
)
from pants_pyoxidizer.util_rules.runtime import RuntimeRequest, build_runtime
from pants_pyoxidizer.util_rules.rust_toolchain import (
    RustToolchain,
    find_rust_toolchain,
)
from pants_pyoxidizer.util_rules.third_party_wheels import (
    ThirdPartyWheelsRequest,
    resolve_third_party_wheels,
)
from pants_pyoxidizer.wheels import placement
from pants_pyoxidizer.wheels.placement import Resources


@dataclass(frozen=True)
class PyOxidizerFieldSet(PackageFieldSet, RunFieldSet):
    required_fields = (PyOxidizerDependenciesField,)
    run_in_sandbox_behavior = RunInSandboxBehavior.RUN_REQUEST_HERMETIC

    binary_name: PyOxidizerBinaryNameField
    dependencies: PyOxidizerDependenciesField
    entry_point: PyOxidizerEntryPointField
    environment: EnvironmentField
    filesystem_resources: PyOxidizerFilesystemResourcesField
    include_sources: PyOxidizerIncludeSourcesField
    interpreter: PyOxidizerInterpreterField
    output_path: PyOxidizerOutputPathField
    payload: PyOxidizerPayloadField
    python: PyOxidizerPythonField
    python_variables: PyOxidizerPythonVariablesField
    resources: PyOxidizerResourcesField
    template: PyOxidizerTemplateField


@dataclass(frozen=True)
class CheckedFields:
    """Values of fields, validated before anything is built."""

    name: str  # Name of the executable.
    distributions: Distributions


@dataclass(frozen=True)
class Ingredients:
    """What a binary contains, with or without a template."""

    name: str  # Name of the executable.
    python: StandalonePython
    contents: Contents
    wheels: Digest


@dataclass(frozen=True)
class BuildTools:
    """What builds a binary, with or without a template."""

    args: tuple[str, ...]
    rust: RustToolchain
    c_toolchain: CToolchain


@dataclass(frozen=True)
class DefaultBuildRequest:
    ingredients: Ingredients
    tools: BuildTools
    field_set: PyOxidizerFieldSet


@dataclass(frozen=True)
class TemplateBuildRequest:
    ingredients: Ingredients
    tools: BuildTools
    field_set: PyOxidizerFieldSet


@dataclass(frozen=True)
class PyOxidizerBinary:
    """A built binary, with its paths below `--distdir`."""

    digest: Digest
    install_dir: str
    executable: str
    ingredients: Ingredients
    tools: BuildTools

    @property
    def descriptions(self) -> tuple[str, ...]:
        """Sentences for users about what the binary contains."""
        return (
            self.ingredients.python.description,
            placement.describe(self.ingredients.contents.placements),
        )


@rule(level=LogLevel.DEBUG)
async def check_fields(field_set: PyOxidizerFieldSet) -> CheckedFields:
    name = field_set.binary_name.value_or_default()
    if field_set.template.value is not None:
        await read_template(TemplateRequest(field_set.template), **implicitly())
    distributions = await find_distributions(
        DistributionsRequest(field_set.dependencies), **implicitly()
    )
    await check_named_caches(**implicitly())
    return CheckedFields(name, distributions)


@rule(level=LogLevel.DEBUG)
async def collect_ingredients(field_set: PyOxidizerFieldSet) -> Ingredients:
    checked = await check_fields(field_set, **implicitly())
    distributions = checked.distributions
    python_request = ChosenPythonRequest(
        field_set.address, distributions.interpreter_constraints, field_set.python.value
    )
    python = (await choose_python(python_request, **implicitly())).python
    first_party, third_party = await concurrently(
        build_first_party_wheels(
            FirstPartyWheelsRequest(distributions.targets, python.host_python), **implicitly()
        ),
        resolve_third_party_wheels(
            ThirdPartyWheelsRequest(
                distributions.addresses, python.resolver_constraints, python.host_python
            ),
            **implicitly(),
        ),
    )
    first, third = first_party.wheels, third_party.wheels
    contents, wheels = await concurrently(
        determine_contents(_contents(field_set, python, first, third), **implicitly()),
        merge_digests(MergeDigests((first.digest, third.digest))),
    )
    return Ingredients(checked.name, python, contents, wheels)


@rule(level=LogLevel.DEBUG)
async def find_build_tools(field_set: PyOxidizerFieldSet, pyoxidizer: PyOxidizer) -> BuildTools:
    rust, c_toolchain = await concurrently(
        find_rust_toolchain(**implicitly()),
        find_c_toolchain(
            CToolchainRequest(with_make=field_set.template.value is not None), **implicitly()
        ),
    )
    return BuildTools(tuple(pyoxidizer.args), rust, c_toolchain)


@rule(level=LogLevel.DEBUG)
async def build_from_runtime(request: DefaultBuildRequest) -> Build:
    ingredients, tools, field_set = request.ingredients, request.tools, request.field_set
    runtime = await build_runtime(
        RuntimeRequest(ingredients.python, tools.rust, tools.c_toolchain, tools.args),
        **implicitly(),
    )
    payload = await prepare_payload(
        PreparedPayloadRequest(
            runtime,
            ingredients.wheels,
            ingredients.contents.placements,
            ingredients.contents.first_party,
            field_set.include_sources.value,
        ),
        **implicitly(),
    )
    artifact_request = ArtifactRequest(
        field_set.address,
        ingredients.name,
        ingredients.contents.entry_point,
        runtime,
        payload,
        payload_is_sidecar=field_set.payload.value == "file",
        interpreter=field_set.interpreter.value,
        python_variables=field_set.python_variables.value,
    )
    return await make_artifact(artifact_request, **implicitly())


def template_config(ingredients: Ingredients) -> Config:
    return Config(
        ingredients.name,
        ingredients.python.python,
        ingredients.contents.entry_point,
        wheels=ingredients.contents.paths(on_filesystem=False),
        filesystem_wheels=ingredients.contents.paths(on_filesystem=True),
    )


@rule(level=LogLevel.DEBUG)
async def build_from_template(request: TemplateBuildRequest) -> Build:
    ingredients, tools, field_set = request.ingredients, request.tools, request.field_set
    config = template_config(ingredients)
    rendered_config = await render_config(
        RenderedConfigRequest(field_set.template, config), **implicitly()
    )
    build_request = BuildRequest(
        description=f"Building {field_set.address} with PyOxidizer",
        name=ingredients.name,
        args=tools.args,
        config=rendered_config,
        python=ingredients.python,
        rust=tools.rust,
        c_toolchain=tools.c_toolchain,
        inputs=ingredients.wheels,
        wheel_dirs=ingredients.contents.folders,
        has_plain_files=bool(config.filesystem_wheels),
    )
    return await build(build_request, **implicitly())


@rule(level=LogLevel.DEBUG)
async def build_binary(field_set: PyOxidizerFieldSet) -> PyOxidizerBinary:
    # Reject invalid fields before any search or build starts.
    await check_fields(field_set, **implicitly())
    ingredients, tools = await concurrently(
        collect_ingredients(field_set, **implicitly()),
        find_build_tools(field_set, **implicitly()),
    )
    if field_set.template.value is None:
        built = await build_from_runtime(
            DefaultBuildRequest(ingredients, tools, field_set), **implicitly()
        )
    else:
        built = await build_from_template(
            TemplateBuildRequest(ingredients, tools, field_set), **implicitly()
        )
    prefix = field_set.output_path.value_or_default(file_ending=None)
    return PyOxidizerBinary(
        await add_prefix(AddPrefix(built.digest, prefix)),
        install_dir=os.path.join(prefix, built.install_dir),
        executable=os.path.join(prefix, built.executable),
        ingredients=ingredients,
        tools=tools,
    )


def _contents(
    field_set: PyOxidizerFieldSet,
    python: StandalonePython,
    first: InspectedWheels,
    third: InspectedWheels,
) -> ContentsRequest:
    is_default = field_set.template.value is None
    return ContentsRequest(
        address=field_set.address,
        entry_point=field_set.entry_point.value,
        resources=Resources(field_set.resources.value) if is_default else None,
        filesystem_resources=tuple(field_set.filesystem_resources.value or ()),
        first_party=first.wheels,
        third_party=third.wheels,
        python_version=python.version,
        target_triple=python.target_triple,
    )


def rules() -> Iterable[Any]:
    return collect_rules()
