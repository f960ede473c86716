# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The Python to embed: from this machine, from an archive, or downloaded by PyOxidizer."""

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
    """No Python that the interpreter constraints allow can be embedded."""


@dataclass(frozen=True)
class PackedPython:
    """A Python archive for PyOxidizer, in the sandbox."""

    python: PythonArchive
    version: str  # For example, "3.11.7".
    target_triple: str
    digest: Digest  # Contains the archive.
    description: str  # A sentence for users: what it is, and where the binary runs.

    @property
    def cache_key(self) -> str:
        """A folder name that is unique to this Python."""
        return self.python.sha256[:16]


@dataclass(frozen=True)
class HostPython(PackedPython):
    """A CPython on this machine. `host_python` is a link to it, for processes with LINKS_CACHE."""

    host_python: str

    @property
    def resolver_constraints(self) -> InterpreterConstraints:
        """Constraints that select the Python that resolves wheels, here this one."""
        return InterpreterConstraints([f"CPython=={self.version}"])


@dataclass(frozen=True)
class ArchivedPython(PackedPython):
    """The Python of a `standalone_python` target.

    `host_python` is a link to a CPython on this machine with the same minor version: it resolves
    wheels, which work with every patch release, and inspects them.
    """

    host_python: str

    @property
    def resolver_constraints(self) -> InterpreterConstraints:
        return minor_version_constraints(self.python.minor_version)


@dataclass(frozen=True)
class DownloadedPython:
    """A Python that PyOxidizer downloads; no Python on this machine is known to match it."""

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
