# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The Python to embed: one of this machine, one of an archive, or one that PyOxidizer downloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.engine.fs import EMPTY_DIGEST, Digest
from pants.engine.platform import Platform
from pants.util.frozendict import FrozenDict

from pants_pyoxidizer.configuration.config import PyOxidizerPython, PythonArchive

TARGET_TRIPLES = FrozenDict(
    {
        Platform.linux_x86_64: "x86_64-unknown-linux-gnu",
        Platform.linux_arm64: "aarch64-unknown-linux-gnu",
        Platform.macos_x86_64: "x86_64-apple-darwin",
        Platform.macos_arm64: "aarch64-apple-darwin",
    }
)


class NoUsablePythonError(Exception):
    """There is no Python that the interpreter constraints allow and that can be embedded."""


@dataclass(frozen=True)
class PackedPython:
    """An archive that PyOxidizer takes as its Python, in the sandbox."""

    python: PythonArchive
    version: str  # "3.11.7"
    target_triple: str
    digest: Digest  # Of the archive.
    description: str  # A sentence for users: what it is, and where the result runs.

    @property
    def cache_key(self) -> str:
        """A folder name that no other Python has."""
        return self.python.sha256[:16]


@dataclass(frozen=True)
class HostPython(PackedPython):
    """A CPython of this machine. `host_python` is a link to it, for processes with LINKS_CACHE."""

    host_python: str

    @property
    def resolver_constraints(self) -> InterpreterConstraints:
        """For the Python of this machine that resolves wheels: it is this one."""
        return InterpreterConstraints([f"CPython=={self.version}"])


@dataclass(frozen=True)
class ArchivedPython(PackedPython):
    """The Python of a `standalone_python` target.

    `host_python` is a link to a CPython of this machine with the same minor version: it resolves
    wheels, which suit every patch release, and reads them.
    """

    host_python: str

    @property
    def resolver_constraints(self) -> InterpreterConstraints:
        return minor_version_constraints(self.python.minor_version)


@dataclass(frozen=True)
class DownloadedPython:
    """A Python that PyOxidizer downloads. None of this machine is known to be like it."""

    python: PyOxidizerPython
    version: str
    target_triple: str
    description: str
    digest: Digest = EMPTY_DIGEST
    host_python: None = None

    @property
    def cache_key(self) -> str:
        return f"pyoxidizer-{self.version}"

    @property
    def resolver_constraints(self) -> InterpreterConstraints:
        return minor_version_constraints(self.python.minor_version)


StandalonePython = Union[HostPython, ArchivedPython, DownloadedPython]


def minor_version_constraints(minor_version: str) -> InterpreterConstraints:
    return InterpreterConstraints([f"CPython=={minor_version}.*"])
