# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What tests build, as files of a repository."""

from __future__ import annotations

from textwrap import dedent
from typing import Mapping

# Builds with a template that is like the runtime, and needs no `make`.
TEMPLATE = """\
    def make_exe():
        dist = $PYTHON_DISTRIBUTION
        policy = dist.make_python_packaging_policy()
        policy.resources_location_fallback = "filesystem-relative:lib"
        python_config = dist.make_python_interpreter_config()
        python_config.allocator_backend = "default"
        $RUN_MODULE
        exe = dist.to_python_executable(
            name="$NAME",
            packaging_policy=policy,
            config=python_config,
        )
        exe.add_python_resources(exe.pip_install($WHEELS))
        return exe

    def make_install(exe):
        files = FileManifest()
        files.add_python_resource(".", exe)
        return files

    register_target("exe", make_exe)
    register_target("install", make_install, depends=["exe"], default=True)
    resolve_targets()
    """


def project(
    name: str,
    module: str,
    binaries: Mapping[str, str],
    *,
    requirements: tuple[str, ...] = (),
    distribution: str = "",
) -> dict[str, str]:
    """A package `name` with the module `main`, its distribution, and binaries of that.

    `binaries` has fields, by names; `distribution` has fields, too. `requirements` are pinned.
    """
    targets = ['python_sources(name="lib")']
    for requirement in requirements:
        project_name = requirement.partition("==")[0]
        targets.append(f'python_requirement(name="{project_name}", requirements=["{requirement}"])')
    targets.append(
        f"""\
python_distribution(
    name="dist",
    dependencies=[":lib"],
    provides=python_artifact(name="{name}-dist", version="0.0.1"),
    {distribution}
)"""
    )
    for binary, fields in binaries.items():
        targets.append(f'pyoxidizer_binary(name="{binary}", dependencies=[":dist"], {fields})')
    return {
        f"{name}/BUILD": "\n".join([*targets, ""]),
        f"{name}/__init__.py": "",
        f"{name}/main.py": dedent(module),
    }
