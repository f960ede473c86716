# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Package code and a Python interpreter into one executable, with PyOxidizer.

See the target `pyoxidizer_binary` and the option scope `pyoxidizer`.
"""

from __future__ import annotations

from typing import Any, Iterable

from pants.engine.target import Target

from pants_pyoxidizer import subsystem
from pants_pyoxidizer.goals import package, run, show_config, vendor_crates
from pants_pyoxidizer.standalone_python_target import StandalonePythonTarget
from pants_pyoxidizer.target_types import PyOxidizerBinaryTarget
from pants_pyoxidizer.util_rules import (
    artifact,
    binary,
    build,
    build_environment,
    c_toolchain,
    contents,
    crates,
    distributions,
    host_links,
    inspected_wheels,
    named_caches,
    output_path,
    prepared_payload,
    rendered_config,
    report,
    runtime,
    rust_toolchain,
    third_party_wheels,
    tool_process,
)
from pants_pyoxidizer.util_rules.python import (
    archived_python,
    chosen_python,
    host_python,
    packing,
)


def rules() -> Iterable[Any]:
    return (
        *subsystem.rules(),
        *host_links.rules(),
        *named_caches.rules(),
        *tool_process.rules(),
        *distributions.rules(),
        *inspected_wheels.rules(),
        *third_party_wheels.rules(),
        *packing.rules(),
        *host_python.rules(),
        *archived_python.rules(),
        *chosen_python.rules(),
        *rust_toolchain.rules(),
        *c_toolchain.rules(),
        *contents.rules(),
        *rendered_config.rules(),
        *crates.rules(),
        *build_environment.rules(),
        *build.rules(),
        *runtime.rules(),
        *prepared_payload.rules(),
        *artifact.rules(),
        *report.rules(),
        *output_path.rules(),
        *binary.rules(),
        *package.rules(),
        *run.rules(),
        *vendor_crates.rules(),
        *show_config.rules(),
    )


def target_types() -> Iterable[type[Target]]:
    return PyOxidizerBinaryTarget, StandalonePythonTarget
