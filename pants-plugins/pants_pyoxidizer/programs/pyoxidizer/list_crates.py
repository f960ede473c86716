# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Lists the Rust crates that PyOxidizer has cargo compile.

usage: pyoxidizer.list_crates --triple TRIPLE --output FILE

The crates are those of the Cargo.lock that PyOxidizer writes into each project. FILE is JSON:
"pyoxidizer" is its version, and each of "crates" has a "name", a "version", a "checksum" (SHA-256),
and "optional", which is true if only templates with another allocator than Python's need it.

Cargo decides which crates TRIPLE needs. Without cargo, when PyOxidizer downloads Rust, FILE lists
all locked crates.

The environment is that of `run_pyoxidizer`, so that the crates of a build are available.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Mapping, Sequence, Tuple

from ..cargo import driver
from .run_pyoxidizer import environment, pyoxidizer_executable

PROJECT = Path("crates-project")
# As PyOxidizer asks for them (`cargo_features` in its `project_building.rs`), and with all
# allocators that a template may choose.
FEATURES = ("--no-default-features", "--features", "build-mode-prebuilt-artifacts")
ALL_FEATURES = ("--all-features",)

CRATE = re.compile(
    r'^name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"$', re.MULTILINE
)

Crate = Tuple[str, str]  # Name and version.


class Failure(Exception):
    """A child process failed; the message holds its output."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--triple", required=True)
    parser.add_argument("--output", required=True)
    options = parser.parse_args(argv)
    env = environment(os.environ)
    os.mkdir(env["TMPDIR"])
    try:
        run([pyoxidizer_executable(), "init-rust-project", str(PROJECT)], env)
        locked = parse_lock((PROJECT / "Cargo.lock").read_text())
        crates = [
            {"name": name, "version": version, "checksum": locked[name, version], "optional": o}
            for (name, version), o in sorted(select(locked, options.triple, env).items())
        ]
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    report = {"pyoxidizer": importlib.metadata.version("pyoxidizer"), "crates": crates}
    Path(options.output).write_text(json.dumps(report, indent=1))
    return 0


def parse_lock(text: str) -> dict[Crate, str]:
    """The checksums of the crates of a Cargo.lock that come from a registry."""
    return {(name, version): checksum for name, version, checksum in CRATE.findall(text)}


def select(locked: Mapping[Crate, str], triple: str, env: Mapping[str, str]) -> dict[Crate, bool]:
    """The crates for `triple`, and whether they are optional."""
    if "PANTS_PYOXIDIZER_CARGO" not in env:
        return {crate: False for crate in locked}
    # Tells the driver which platform's crates were downloaded.
    (PROJECT / driver.TRIPLE_NOTE).write_text(triple)
    needed = resolved(metadata(FEATURES, env))
    possible = resolved(metadata(ALL_FEATURES, env))
    return {crate: crate not in needed for crate in locked if crate in possible}


def metadata(features: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
    cargo = os.path.join(os.path.dirname(os.path.abspath(driver.__file__)), "cargo")
    argv = [cargo, "metadata", "--format-version", "1", "--locked", *features]
    found: dict[str, Any] = json.loads(run(argv, env, cwd=PROJECT))
    return found


def resolved(metadata: Mapping[str, Any]) -> set[Crate]:
    """The packages that cargo selected for the platform and the features."""
    ids = {node["id"] for node in metadata["resolve"]["nodes"]}
    packages = metadata["packages"]
    return {(package["name"], package["version"]) for package in packages if package["id"] in ids}


def run(argv: Sequence[str], env: Mapping[str, str], cwd: Path = Path()) -> str:
    process = subprocess.run(argv, env=dict(env), cwd=cwd, capture_output=True, text=True)
    if process.returncode != 0:
        raise Failure(f"`{' '.join(argv[:2])}` failed:\n{process.stdout}{process.stderr}")
    return process.stdout


if __name__ == "__main__":
    sys.exit(main())
