# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Create executables with Python inside, with PyOxidizer.

See the target `pyoxidizer_binary` and the option scope `pyoxidizer`.
"""

from __future__ import annotations

from typing import Any, Iterable

from pants.engine.target import Target

from pants_pyoxidizer import subsystem
from pants_pyoxidizer.goals import crates as crates_goal
from pants_pyoxidizer.goals import package, run, show_config
from pants_pyoxidizer.standalone_python_target import StandalonePythonTarget
from pants_pyoxidizer.target_types import PyOxidizerBinaryTarget
from pants_pyoxidizer.util_rules import (
    archived_python,
    artifact,
    build,
    c_toolchain,
    chosen_python,
    contents,
    crates,
    distributions,
    host_links,
    inspect_wheels,
    output_path,
    payload,
    rendered_config,
    report,
    runtime,
    rust_toolchain,
    standalone_python,
    third_party_wheels,
)
from pants_pyoxidizer.util_rules import tool_process as tool


def rules() -> Iterable[Any]:
    return (
        *subsystem.rules(),
        *host_links.rules(),
        *tool.rules(),
        *distributions.rules(),
        *inspect_wheels.rules(),
        *third_party_wheels.rules(),
        *standalone_python.rules(),
        *archived_python.rules(),
        *chosen_python.rules(),
        *rust_toolchain.rules(),
        *c_toolchain.rules(),
        *contents.rules(),
        *rendered_config.rules(),
        *crates.rules(),
        *build.rules(),
        *runtime.rules(),
        *payload.rules(),
        *artifact.rules(),
        *report.rules(),
        *output_path.rules(),
        *package.rules(),
        *run.rules(),
        *crates_goal.rules(),
        *show_config.rules(),
    )


def target_types() -> Iterable[type[Target]]:
    return PyOxidizerBinaryTarget, StandalonePythonTarget
