# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Lists the Rust crates that PyOxidizer has cargo compile.

usage: pyoxidizer.list_crates --triple TRIPLE --output FILE

They come from the Cargo.lock that PyOxidizer ships, by way of a project that it makes as it does
for a build. FILE is JSON: the version of "pyoxidizer", and "crates", each with "name", "version",
"checksum" (SHA-256), and "optional": whether only those executables have it whose template chooses
another allocator than Python's own.

Which crates are for TRIPLE, cargo says. Without a cargo, when PyOxidizer brings its own Rust, all
that are locked are listed.

The environment is that of `run_pyoxidizer`, with which the crates of a build are at hand.
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
    """A program that this one needs has failed; the message is what to show of its output."""


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
    """The checksums of the crates that a Cargo.lock has from a registry."""
    return {(name, version): checksum for name, version, checksum in CRATE.findall(text)}


def select(locked: Mapping[Crate, str], triple: str, env: Mapping[str, str]) -> dict[Crate, bool]:
    """The crates for `triple`, and whether they are optional."""
    if "PANTS_PYOXIDIZER_CARGO" not in env:
        return {crate: False for crate in locked}
    # By this, the driver knows what was downloaded.
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
    """What is left of all packages after platform and features were taken into account."""
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
