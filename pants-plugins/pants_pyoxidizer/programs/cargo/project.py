# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What PyOxidizer has cargo build, and the cache key of the compiled crates.

Part of the cargo driver: the call, the Rust project, and the libraries that the executable links.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..formats import ar_archive

FORMAT = 3  # The cache's format (see `cache`), part of each key.
CHUNK = 1 << 20
LIBRARIES = "@LIBRARIES@"  # Placeholder for the folder of libraries in a PyO3 configuration.

# Variables that change the output of cargo, rustc and the C compilers that crates run.
OUTPUT_VARIABLE = re.compile(
    r"""(HOST_|TARGET_)?(CC|CXX|AR|LD|RANLIB|CPPFLAGS|CFLAGS|CXXFLAGS|ARFLAGS|LDFLAGS)(_.+)?
    | (CARGO_(PROFILE|BUILD|TARGET)_|CARGO_ENCODED_RUSTFLAGS|CARGO_INCREMENTAL|RUSTFLAGS).*
    | (RUSTC_|PYO3_(?!CONFIG_FILE)|PKG_CONFIG|JEMALLOC_).*
    | CPATH | C_INCLUDE_PATH | LIBRARY_PATH | SDKROOT | SOURCE_DATE_EPOCH | .+_DEPLOYMENT_TARGET""",
    re.VERBOSE,
)


class Unusable(Exception):
    """The cache cannot be used; the message says why."""


# --- The call ---


@dataclass(frozen=True)
class BuildCall:
    """`cargo build` as PyOxidizer calls it."""

    args: Tuple[str, ...]  # All other arguments.
    target_dir: Path
    binary: str
    triple: str

    @classmethod
    def parse(cls, argv: Sequence[str]) -> Optional["BuildCall"]:
        """None if this is another call."""
        taken = {"--target-dir": "", "--bin": "", "--target": ""}
        rest = []
        args = iter(argv)
        for arg in args:
            if arg in taken:
                taken[arg] = next(args, "")
            else:
                rest.append(arg)
        if rest[:1] != ["build"] or not all(taken.values()):
            return None
        return cls(tuple(rest), Path(taken["--target-dir"]), taken["--bin"], taken["--target"])

    def argv(self) -> List[str]:
        own = ("--target", self.triple, "--target-dir", str(self.target_dir), "--bin", self.binary)
        return [*self.args, *own]

    @property
    def executable(self) -> Path:
        profile = "release" if "--release" in self.args else "debug"
        return self.target_dir / self.triple / profile / self.binary


@dataclass(frozen=True)
class Project:
    """PyOxidizer's Rust project: what it says of its crates, without the project's own name."""

    binary: str
    manifest: str
    lock: str

    @classmethod
    def read(cls, binary: str) -> "Project":
        manifest = Path("Cargo.toml").read_text()
        name = re.search(r'^name = ".+"\n', manifest, re.MULTILINE)
        own = name[0] if name else "[none]"
        packages = Path("Cargo.lock").read_text().split("\n[[package]]\n")
        crates = [text for text in packages if not text.startswith(own) or "\nsource = " in text]
        return cls(binary, manifest.replace(own, "", 1), "\n\n".join(crates))

    def is_crate(self, path: PurePath) -> bool:
        """Whether a file of the target folder belongs to a crate and serves the next build."""
        *folders, name = path.parts
        if not folders:
            return True  # Facts about rustc.
        if folders[-1] in ("debug", "release") or "incremental" in folders:
            return False  # The executable.
        if folders[-1] == "deps" and not path.suffix:
            return False  # The executable under another name.
        if "out" in folders:
            script = folders[folders.index("out") - 1]
            if re.fullmatch(r".+-sys-[0-9a-f]{16}", script):
                return False  # 190 MB of native code, which the crate's library contains.
        if f'name = "{self.binary}"\n' in self.lock:
            return True  # A crate has the same name, so the two cannot be told apart.
        names = f"{re.escape(self.binary)}|{re.escape(self.binary.replace('-', '_'))}"
        own = re.compile(rf"(lib)?({names})-[0-9a-f]{{16}}(\..+)?")
        return not any(own.fullmatch(part) for part in path.parts)


@dataclass(frozen=True)
class LinkInputs:
    """A PyO3 configuration without temporary paths, and the libraries that it names."""

    config: str
    libraries: Tuple[Tuple[str, Path], ...]  # File name, and current path.

    @classmethod
    def read(cls, path: str) -> "LinkInputs":
        text = Path(path).read_text()
        line_start = r"extra_build_script_line=cargo:rustc-link-"
        names = re.findall(rf"^{line_start}lib=(?:[^=\n]+=)?([^:\n]+)", text, re.MULTILINE)
        libraries: Dict[str, Path] = {}
        lines = []
        for line in text.splitlines():
            search = re.fullmatch(rf"({line_start}search=(?:[a-z]+=)?)(.+)", line)
            if search is not None:
                found = find_libraries(Path(search[2]), names)
                libraries = {**found, **libraries}  # As for a linker, the first one wins.
                line = search[1] + (LIBRARIES if found else os.path.realpath(search[2]))
            if line.startswith("executable="):  # Required, but only pyembed's tests use it.
                line = "executable=python"
            lines.append(line)
        return cls("\n".join(lines) + "\n", tuple(sorted(libraries.items())))


def find_libraries(folder: Path, names: Sequence[str]) -> Dict[str, Path]:
    files = (f"lib{name}{suffix}" for name in names for suffix in (".a", ".so", ".dylib", ".tbd"))
    return {file: folder / file for file in files if (folder / file).is_file()}


# --- Keys ---


def crates_key(
    call: BuildCall, env: Mapping[str, str], project: Project, link: LinkInputs, home: Path
) -> str:
    """`SIMILAR-KEY`: entries with the same SIMILAR differ only in libpython."""
    facts = {
        "format": FORMAT,
        "toolchain": env.get("PANTS_PYOXIDIZER_TOOLCHAIN", ""),
        "call": [*call.args, call.triple],
        "project": [project.manifest, project.lock],
        "environment": {name: env[name] for name in env if OUTPUT_VARIABLE.fullmatch(name)},
        # Cargo recompiles crates whose sources have moved.
        "home": str(home),
    }
    libpython = [link.config, {name: library_digest(path) for name, path in link.libraries}]
    return f"{short_hash(facts)[:8]}-{short_hash([facts, libpython])}"


def short_hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def library_digest(path: Path) -> str:
    """SHA-256 of a library: for a static one, of the content of its members, in order.

    PyOxidizer names members after temporary files, so their names do not count.
    """
    data = path.read_bytes()
    if data.startswith(ar_archive.THIN_MAGIC):
        raise Unusable(f"{path.name} is a thin archive")
    if not data.startswith(ar_archive.MAGIC):
        return hashlib.sha256(data).hexdigest()
    hasher = hashlib.sha256()
    try:
        for _, content in ar_archive.members(data):
            hasher.update(b"%d\n" % len(content))
            hasher.update(content)
    except ar_archive.ArError:
        raise Unusable(f"{path.name} is damaged") from None
    return hasher.hexdigest()


def file_digest(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            hasher.update(chunk)
    return hasher.hexdigest()
