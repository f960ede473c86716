# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from typing import Any, Iterable

from pants.engine.console import Console
from pants.engine.fs import Workspace
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.platform import Platform
from pants.util.strutil import softwrap

from pants_pyoxidizer.engine import collect_rules, goal_rule, implicitly
from pants_pyoxidizer.subsystem import SCOPE, PyOxidizer
from pants_pyoxidizer.util_rules.crates import (
    GOAL,
    CratesError,
    CratesRequest,
    get_crates,
)
from pants_pyoxidizer.util_rules.named_caches import check_named_caches
from pants_pyoxidizer.util_rules.python.standalone_python import TARGET_TRIPLES
from pants_pyoxidizer.util_rules.rust_toolchain import find_rust_toolchain


class VendorCratesSubsystem(GoalSubsystem):
    name = GOAL
    help = softwrap(
        f"""
        Fetch the Rust crates that PyOxidizer needs into the folder `[{SCOPE}].crates_dir`, for
        builds without access to crates.io.
        """
    )


class VendorCrates(Goal):
    subsystem_cls = VendorCratesSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


@goal_rule
async def vendor_crates(
    console: Console, workspace: Workspace, pyoxidizer: PyOxidizer, platform: Platform
) -> VendorCrates:
    await check_named_caches(**implicitly())
    toolchain = await find_rust_toolchain(**implicitly())
    if not pyoxidizer.crates_dir or toolchain.system is None:
        raise CratesError(
            softwrap(
                f"""
                The goal `{GOAL}` needs a folder for the crates and a Rust that is installed on
                the build machine. To fix, set `[{SCOPE}].crates_dir`, for example to
                `3rdparty/crates`, and `[{SCOPE}].rust` to `system`.
                """
            )
        )
    crates = await get_crates(
        CratesRequest(TARGET_TRIPLES[platform], toolchain.system, from_registry=True),
        **implicitly(),
    )
    workspace.write_digest(crates.digest, path_prefix=pyoxidizer.crates_dir)
    console.print_stdout(
        f"Wrote the crates for {TARGET_TRIPLES[platform]} to {pyoxidizer.crates_dir}."
    )
    return VendorCrates(exit_code=0)


def rules() -> Iterable[Any]:
    return collect_rules()
