# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Queries a CPython interpreter, and decides whether it can be packed."""

from __future__ import annotations

import glob
import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any, Mapping

# What PyOxidizer 0.24 can embed with the additions of `forced_header`. 3.14 removed
# `_Py_InitializeMain`, which pyembed calls to finish an initialization with `_init_main` = 0.
PACKED_VERSIONS = ((3, 9), (3, 10), (3, 11), (3, 12), (3, 13))

TARGET_TRIPLES = {
    ("linux", "x86_64"): "x86_64-unknown-linux-gnu",
    ("linux", "aarch64"): "aarch64-unknown-linux-gnu",
    ("darwin", "x86_64"): "x86_64-apple-darwin",
    ("darwin", "arm64"): "aarch64-apple-darwin",
}

# Modules that the packed interpreter must be able to import if the original can.
TRIED_MODULES = ("ssl", "sqlite3", "ctypes", "zlib", "json")

CONFIG_VARS = (
    "LIBPL LIBDIR LIBRARY LDLIBRARY INSTSONAME MULTIARCH LIBS MODLIBS SYSLIBS SOABI Py_DEBUG"
    " Py_REF_DEBUG Py_TRACE_REFS COUNT_ALLOCS Py_GIL_DISABLED MACOSX_DEPLOYMENT_TARGET"
)

# Runs in the interpreter, with `site`: without it, a virtual environment is not recognized.
PROBE = """
import importlib, importlib.machinery, importlib.util, json, os, platform, sys, sysconfig

def importable(name):
    try:
        importlib.import_module(name)
        return True
    except Exception:
        return False

def loaded(name):
    try:
        with open("/proc/self/maps") as maps:
            paths = [line.split(None, 5)[5].strip() for line in maps if name in line]
    except OSError:
        paths = []
    return paths[0] if paths else None

suffixes = importlib.machinery
paths = sysconfig.get_paths("posix_prefix")
print(json.dumps({
    "executable": os.path.realpath(sys.executable),
    "implementation": sys.implementation.name,
    "version_info": list(sys.version_info),
    "hexversion": sys.hexversion,
    "cache_tag": sys.implementation.cache_tag,
    "bits": 64 if sys.maxsize > 2**32 else 32,
    "platform": sys.platform,
    "machine": platform.machine(),
    "in_venv": sys.prefix != sys.base_prefix,
    "base_candidates": [
        getattr(sys, "_base_executable", None) or "",
        os.path.join(sys.base_exec_prefix, "bin", "python%d.%d" % sys.version_info[:2]),
    ],
    "base_prefix": sys.base_prefix,
    "platlibdir": getattr(sys, "platlibdir", "lib"),
    "stdlib": paths["stdlib"],
    "platstdlib": paths["platstdlib"],
    "include": paths["include"],
    "config_h": sysconfig.get_config_h_filename(),
    "abstract_paths": sysconfig.get_paths("posix_prefix", expand=False),
    "config_vars": {name: sysconfig.get_config_var(name) for name in sys.argv[1].split()},
    "suffixes": {
        "source": suffixes.SOURCE_SUFFIXES,
        "bytecode": suffixes.BYTECODE_SUFFIXES,
        "debug_bytecode": suffixes.DEBUG_BYTECODE_SUFFIXES,
        "optimized_bytecode": suffixes.OPTIMIZED_BYTECODE_SUFFIXES,
        "extension": suffixes.EXTENSION_SUFFIXES,
    },
    "magic": importlib.util.MAGIC_NUMBER.hex(),
    "importable": [name for name in sys.argv[2].split() if importable(name)],
    "libc": loaded("/libc.so.6") or loaded("/libc-2."),
}))
"""


class Refusal(Exception):
    """The interpreter cannot be packed. The message is one sentence that starts with its path."""


@dataclass(frozen=True)
class CPython:
    executable: str
    implementation: str
    version_info: tuple[Any, ...]
    hexversion: int
    cache_tag: str
    bits: int
    platform: str
    machine: str
    in_venv: bool
    base_candidates: tuple[str, ...]
    base_prefix: str
    platlibdir: str
    stdlib: str
    platstdlib: str
    include: str
    config_h: str
    abstract_paths: Mapping[str, str]
    config_vars: Mapping[str, Any]
    suffixes: Mapping[str, list[str]]
    magic: str
    importable: tuple[str, ...]
    libc: str | None

    @classmethod
    def from_probe(cls, facts: Mapping[str, Any]) -> CPython:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in facts.items()
        }
        return cls(**fields)

    @property
    def minor_version(self) -> str:
        """For example, `3.11`."""
        return "%d.%d" % self.version_info[:2]

    @property
    def version(self) -> str:
        """For example, `3.11.7` or `3.11.0rc1`."""
        level = {"alpha": "a", "beta": "b", "candidate": "rc", "final": ""}[self.version_info[3]]
        return "%d.%d.%d" % self.version_info[:3] + (
            f"{level}{self.version_info[4]}" if level else ""
        )

    @property
    def has_distutils(self) -> bool:
        return self.version_info[:2] < (3, 12)

    @property
    def needs_adapters(self) -> bool:
        """Whether its `PyConfig` differs from what PyOxidizer expects (see `pyconfig_adapter`)."""
        return self.version_info[:2] >= (3, 12)

    @property
    def target_triple(self) -> str:
        return TARGET_TRIPLES[self.platform, self.machine]

    def var(self, name: str) -> str:
        return str(self.config_vars.get(name) or "")

    def config_dirs(self) -> list[str]:
        """Folders that may contain `config.c` and the static library.

        LIBPL is wrong if the installation was moved, as python-build-standalone's always are.
        """
        found = sorted(glob.glob(glob.escape(self.stdlib) + f"/config-{self.minor_version}*"))
        return list(dict.fromkeys(path for path in [self.var("LIBPL"), *found] if path))


def probe(python: str) -> CPython:
    """Queries the interpreter, or the base interpreter of a virtual environment.

    Raises:
        Refusal: when it does not run, or the base interpreter is gone.
    """
    cpython = _probe(python)
    if not cpython.in_venv:
        return cpython
    for candidate in cpython.base_candidates:
        if os.path.exists(candidate):
            base = _probe(candidate)
            if not base.in_venv and base.version_info == cpython.version_info:
                return base
    raise Refusal(
        f"{python}: belongs to a virtual environment whose base interpreter is gone;"
        f" looked for {' and '.join(filter(None, cpython.base_candidates))}"
    )


def _probe(python: str) -> CPython:
    try:
        process = subprocess.run(
            [python, "-I", "-B", "-c", PROBE, CONFIG_VARS, " ".join(TRIED_MODULES)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except OSError as error:
        raise Refusal(f"{python}: cannot be run ({error.strerror})") from None
    try:
        # `site` may have printed something before.
        facts = json.loads(process.stdout.decode().splitlines()[-1])
        return CPython.from_probe(facts)
    except (IndexError, ValueError, TypeError):
        lines = process.stderr.decode("utf-8", "replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), "(empty)")
        raise Refusal(
            f"{python}: is not a working Python 3.9 or newer; its last line on stderr is:"
            f" {said.strip()}"
        ) from None


def check(cpython: CPython) -> None:
    """Rejects an interpreter that cannot be packed, judging by its build.

    Raises:
        Refusal: with the reason.
    """
    problem = _problem(cpython)
    if problem:
        raise Refusal(f"{cpython.executable}: {problem}")


def _problem(cpython: CPython) -> str:
    if cpython.implementation != "cpython":
        return f"is {cpython.implementation}, but only CPython can be packed"
    if cpython.config_vars.get("Py_GIL_DISABLED"):
        return "is a free-threaded build, which PyOxidizer cannot embed; use a build with the GIL"
    if cpython.version_info[:2] not in PACKED_VERSIONS:
        known = ", ".join("%d.%d" % version for version in PACKED_VERSIONS)
        return f"is Python {cpython.version}, but only {known} can be packed"
    if cpython.config_vars.get("Py_DEBUG") or cpython.config_vars.get("Py_TRACE_REFS"):
        return (
            "is a debug build, whose ABI is incompatible with release extension modules; use a"
            " release build"
        )
    if cpython.bits != 64:
        return f"is a {cpython.bits}-bit build, but only 64-bit builds can be packed"
    if "musl" in cpython.var("SOABI") or "musl" in cpython.var("MULTIARCH"):
        return "is linked with musl, but only builds with glibc can be packed"
    if (cpython.platform, cpython.machine) not in TARGET_TRIPLES:
        return f"runs on {cpython.platform} {cpython.machine}, which PyOxidizer does not support"
    if cpython.platform != "linux" and cpython.needs_adapters:
        return (
            f"is Python {cpython.version} for {cpython.platform}, where only 3.11 and older can be"
            " packed, because newer versions need adapters that work with ELF files only"
        )
    return ""
