# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What wheels are and contain.

Pure: no engine, no files. The data comes from `programs/wheels/inspect_wheels.py`, which reads the
wheels in a process. `requirements` checks whether wheels fit together, and `compatibility` whether
they fit an interpreter.

Sources: PEP 427 (wheels), PEP 566 (METADATA).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class FileUse:
    """How a module of a wheel uses files; see `file_uses.Uses`."""

    kind: str
    what: str
    where: str  # For example, "pkg/mod.py:12".
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wheel:
    """One wheel file; see `describe_wheel` and `describe_content` in `programs/wheels`."""

    path: str
    filename: str
    name: str
    version: str
    requires_dist: tuple[str, ...]
    requires_python: str | None
    provides_extra: tuple[str, ...]
    tags: tuple[str, ...]
    root_is_purelib: bool
    modules: tuple[str, ...]
    packages: tuple[str, ...]
    namespaces: tuple[str, ...]
    executable_packages: tuple[str, ...]
    native_files: tuple[str, ...]
    pth_files: tuple[str, ...]
    data_files: tuple[str, ...]
    file_uses: tuple[FileUse, ...]
    sha256: str
    record_sha256: str

    @property
    def normalized_name(self) -> str:
        """The name in its normalized form (PEP 503)."""
        return canonicalize_name(self.name)


def parse_wheels(json_bytes: bytes) -> tuple[Wheel, ...]:
    """Parse the output of `inspect_wheels.py`; keeps its order."""
    return tuple(map(_parse_wheel, json.loads(json_bytes)))


def _parse_wheel(item: Mapping[str, Any]) -> Wheel:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in item.items()
    }
    fields["file_uses"] = tuple(
        FileUse(use["kind"], use["what"], use["where"], tuple(use["needs"]))
        for use in item["file_uses"]
    )
    return Wheel(**fields)


def hidden_modules(
    first_party: Iterable[Wheel], third_party: Iterable[Wheel]
) -> tuple[tuple[str, str, str], ...]:
    """Modules in more than one wheel: the module, the wheel that hides it, and the hidden one.

    The wheel that hides a module is always a first-party one. Packages are ignored: several wheels
    may have the same `__init__`, to share a namespace.
    """
    owners: dict[str, str] = {}
    hidden = []
    wheels = [(wheel, True) for wheel in first_party] + [(wheel, False) for wheel in third_party]
    for wheel, is_ours in wheels:
        modules = {*wheel.modules} - {*wheel.packages}
        twice = sorted(modules & owners.keys())
        hidden += [(module, owners[module], wheel.filename) for module in twice]
        if is_ours:
            owners = {**dict.fromkeys(modules, wheel.filename), **owners}
    return tuple(hidden)
