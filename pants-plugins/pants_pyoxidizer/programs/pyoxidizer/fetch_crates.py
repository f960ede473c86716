# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Fetches the crates that PyOxidizer compiles for one target triple.

usage: pyoxidizer.fetch_crates --target TRIPLE --output DIR
           [--vendored DIR | [--config FILE] [--credentials FILE]]

The crates are those of the Cargo.lock that PyOxidizer writes into each project. The output is a
local registry in cargo's sense: the archives of crates, and an index of all crates in the lock,
because cargo looks up those of other platforms as well. It is the same whether crates come from
crates.io, from a replacement in a cargo configuration (`--config`), or from another local registry
(`--vendored`). Cargo verifies checksums, and this program verifies those of the archives again.

Environment: PANTS_PYOXIDIZER_PATH and PANTS_PYOXIDIZER_RUST, as for `run_pyoxidizer`.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..cargo.cache import replace_crates_io
from ..cargo.project import file_digest
from .run_pyoxidizer import (
    environment,
    foreign_configuration,
    pyoxidizer_executable,
    refusal,
)

PROJECT = Path("__project")
HOME = Path("__cargo_home")

# The stable fields of an index entry: those with which cargo resolves dependencies.
INDEX_FIELDS = ("name", "vers", "deps", "cksum", "features", "features2", "links", "v")


class Problem(Exception):
    """The crates cannot be fetched; the message tells the user why."""


@dataclass(frozen=True)
class Crate:
    name: str
    version: str
    checksum: str  # SHA-256 of its archive.

    @property
    def folder(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def archive(self) -> str:
        return f"{self.folder}.crate"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", required=True)
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--vendored", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--credentials", type=Path)
    options = parser.parse_args(argv)
    try:
        fetch(options)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def fetch(options: argparse.Namespace) -> None:
    output, vendored = options.output, options.vendored
    foreign = foreign_configuration(Path.cwd())
    if foreign is not None:
        raise Problem(refusal(foreign))
    env = {
        **environment(os.environ),
        "CARGO_HOME": os.path.abspath(HOME),
        "PYOXIDIZER_CACHE_DIR": os.path.abspath("__pyoxidizer"),
        "CARGO_TERM_COLOR": "never",
        # For cargo 1.68 and 1.69; it is the default of later versions.
        "CARGO_REGISTRIES_CRATES_IO_PROTOCOL": "sparse",
    }
    HOME.mkdir()
    run([pyoxidizer_executable(), "init-rust-project", str(PROJECT)], env)
    crates = read_lock((PROJECT / "Cargo.lock").read_text())
    command = [env["PANTS_PYOXIDIZER_CARGO"], "fetch", "--locked", "--target", options.target]
    if vendored is not None:
        write_index(crates, vendored / "index", output / "index")
        replace_crates_io(HOME, Path(os.path.abspath(vendored)))
        run(command, {**env, "CARGO_NET_OFFLINE": "true"}, cwd=PROJECT)
        copy_archives(crates, vendored, output)
    else:
        if options.config is not None:
            shutil.copyfile(options.config, HOME / "config.toml")
        if options.credentials is not None:  # A link, because tokens must not be copied.
            (HOME / "credentials.toml").symlink_to(os.path.realpath(options.credentials))
        run(command, env, cwd=PROJECT)
        write_index(crates, HOME / "registry" / "index", output / "index")
        copy_archives(crates, HOME / "registry" / "cache", output)


def run(command: Sequence[str], env: Mapping[str, str], cwd: Path = Path(".")) -> None:
    result = subprocess.run(
        command, env=dict(env), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if result.returncode != 0:
        raise Problem(result.stdout.decode(errors="replace").strip())


def read_lock(text: str) -> List[Crate]:
    """The crates of a Cargo.lock that come from a registry."""
    pattern = r'^name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"$'
    return [Crate(*found) for found in re.findall(pattern, text, re.MULTILINE)]


# --- The index ---


def write_index(crates: Sequence[Crate], source: Path, target: Path) -> None:
    """Copy the entries of `crates` from `source`, an index or cargo's cache of one."""
    by_name: Dict[str, List[Crate]] = {}
    for crate in crates:
        by_name.setdefault(crate.name, []).append(crate)
    for name, versions in by_name.items():
        entries = read_index(source, name)
        lines = [index_line(crate, entries) for crate in versions]
        path = target / index_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines))


def index_path(name: str) -> str:
    """Source: https://doc.rust-lang.org/cargo/reference/registry-index.html."""
    name = name.lower()
    if len(name) <= 2:
        return f"{len(name)}/{name}"
    if len(name) == 3:
        return f"3/{name[0]}/{name}"
    return f"{name[:2]}/{name[2:4]}/{name}"


def read_index(source: Path, name: str) -> Dict[Tuple[str, str], Dict[str, Any]]:
    """Index entries by version and checksum.

    An index has one line of JSON for each entry; cargo's cache separates them by NUL bytes.
    """
    entries = {}
    for path in source.glob(f"**/{index_path(name)}"):
        for text in re.split(rb"[\0\n]", path.read_bytes()):
            if text.startswith(b"{"):
                entry = json.loads(text)
                entries[entry["vers"], entry["cksum"]] = entry
    return entries


def index_line(crate: Crate, entries: Mapping[Tuple[str, str], Dict[str, Any]]) -> str:
    entry = entries.get((crate.version, crate.checksum))
    if entry is None:
        raise Problem(f"The index has no {crate.folder} with the checksum of the Cargo.lock.")
    kept = {field: entry[field] for field in INDEX_FIELDS if field in entry}
    # A crate in the lock may have been yanked since.
    return json.dumps({**kept, "yanked": False}, sort_keys=True) + "\n"


# --- Archives ---


def copy_archives(crates: Sequence[Crate], source: Path, target: Path) -> None:
    """Copy the archives that cargo has unpacked, which are those that the target triple needs."""
    for crate in crates:
        if not any(HOME.glob(f"registry/src/*/{crate.folder}")):
            continue
        archive = next(source.glob(f"**/{crate.archive}"), None)
        if archive is None or file_digest(archive) != crate.checksum:
            raise Problem(f"There is no {crate.archive} with the checksum of the Cargo.lock.")
        shutil.copyfile(archive, target / crate.archive)


if __name__ == "__main__":
    sys.exit(main())
