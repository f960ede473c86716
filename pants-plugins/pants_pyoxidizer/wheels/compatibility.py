# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Checks that wheels work with the embedded interpreter; gives the environment for its markers.

Pure: no engine, no files.

Sources: PEP 425 (tags), PEP 508 (markers), PEP 600 and 656 (Linux platform tags).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import AbstractSet, Iterable, Iterator, NamedTuple

from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag

from pants_pyoxidizer.wheels.metadata import Wheel


class IncompatibleWheel(NamedTuple):
    """A wheel that the embedded interpreter cannot load, and an example of a compatible tag."""

    wheel: str
    wanted: str


_PYTHON_VERSION = re.compile(r"(\d+)\.(\d+)(?:\..+)?")
_ARCHITECTURES = ("x86_64", "aarch64")
# The architecture's own tag, and those of fat binaries that contain it.
_DARWIN_FORMATS = {
    "x86_64": ("x86_64", "universal2", "universal", "intel", "fat64", "fat3"),
    "aarch64": ("arm64", "universal2"),
}


@dataclass(frozen=True)
class _Target:
    """A Rust target triple in Python's terms. `machine` is `platform.machine()`."""

    architecture: str
    system: str
    machine: str
    libc: str | None


def marker_environment(python_full_version: str, target_triple: str) -> dict[str, str]:
    """The variables of PEP 508 for a CPython `python_full_version` on a Rust `target_triple`.

    For example, "3.11.4" and "x86_64-unknown-linux-gnu".

    The keys are those of `packaging.markers.default_environment()`. The kernel that the executable
    will run on is unknown, so `platform_release` and `platform_version` are empty, as PEP 508
    requires.

    Raises:
        ValueError: for an unsupported version or triple.
    """
    target = _parse_triple(target_triple)
    major, minor = _parse_python_version(python_full_version)
    return {
        "implementation_name": "cpython",
        "implementation_version": python_full_version,
        "os_name": "posix",
        "platform_machine": target.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux" if target.system == "linux" else "Darwin",
        "platform_version": "",
        "python_full_version": python_full_version,
        "python_version": f"{major}.{minor}",
        "sys_platform": target.system,
    }


def incompatible_wheels(
    wheels: Iterable[Wheel], python_version: str, target_triple: str
) -> tuple[IncompatibleWheel, ...]:
    """The wheels that a CPython `python_version` on a Rust `target_triple` can never load.

    For example, "3.11" or "3.11.4", and "x86_64-unknown-linux-gnu".

    Checks the Python tag, the ABI tag, the system, the kind of C library and the architecture, but
    not the versions of glibc, musl and macOS: the executable may run on another machine. A wheel
    passes if its WHEEL file or its file name has a compatible tag: pip uses the file name, so users
    can rename a wheel to correct its tags.

    Raises:
        ValueError: for an unsupported version or triple.
    """
    target = _parse_triple(target_triple)
    major, minor = _parse_python_version(python_version)
    interpreter = f"cp{major}{minor}"
    supported = frozenset(_supported_tags((major, minor), interpreter))
    wanted = f"{interpreter}-{interpreter}-{_example_platform(target)}"
    return tuple(
        IncompatibleWheel(wheel.filename, wanted)
        for wheel in wheels
        if not any(_loads(tag, target, supported) for tag in _all_tags(wheel))
    )


def _parse_python_version(version: str) -> tuple[int, int]:
    match = _PYTHON_VERSION.fullmatch(version)
    if not match:
        raise ValueError(f"`{version}` is not a Python version such as `3.11.4`.")
    return int(match[1]), int(match[2])


def _parse_triple(triple: str) -> _Target:
    architecture, _, rest = triple.partition("-")
    if architecture in _ARCHITECTURES and rest == "apple-darwin":
        machine = "arm64" if architecture == "aarch64" else architecture
        return _Target(architecture, "darwin", machine, libc=None)
    match = re.fullmatch(r"[^-]+-linux-(gnu|musl)", rest)
    if architecture in _ARCHITECTURES and match:
        return _Target(architecture, "linux", architecture, libc=match[1])
    raise ValueError(
        f"`{triple}` is not a target triple of Linux or macOS on x86_64 or aarch64, such as "
        "`x86_64-unknown-linux-gnu`."
    )


# Stands for every platform tag of the target, whatever its version.
_PLATFORM = "target"


def _supported_tags(python_version: tuple[int, int], interpreter: str) -> Iterator[Tag]:
    # Pass all parameters: packaging's defaults come from the interpreter that runs Pants.
    yield from cpython_tags(python_version, abis=[interpreter], platforms=[_PLATFORM])
    yield from compatible_tags(python_version, interpreter=interpreter, platforms=[_PLATFORM])


def _all_tags(wheel: Wheel) -> Iterator[Tag]:
    for tag in wheel.tags:
        yield from parse_tag(tag)
    # inspect_wheels.py has rejected all other forms of file names.
    yield from parse_tag("-".join(wheel.filename[: -len(".whl")].split("-")[-3:]))


def _loads(tag: Tag, target: _Target, supported: AbstractSet[Tag]) -> bool:
    if tag.platform == "any":
        platform = "any"
    elif _runs_on(tag.platform, target):
        platform = _PLATFORM
    else:
        return False
    return Tag(tag.interpreter, tag.abi, platform) in supported


def _runs_on(platform: str, target: _Target) -> bool:
    """Whether a platform tag matches the target's system, kind of C library and architecture."""
    if target.system == "darwin":
        formats = "|".join(_DARWIN_FORMATS[target.architecture])
        return bool(re.fullmatch(rf"macosx_\d+_\d+_(?:{formats})", platform))
    libc = r"manylinux(?:1|2010|2014|_\d+_\d+)" if target.libc == "gnu" else r"musllinux_\d+_\d+"
    return bool(re.fullmatch(rf"(?:linux|{libc})_{target.architecture}", platform))


def _example_platform(target: _Target) -> str:
    if target.system == "darwin":
        return f"macosx_11_0_{target.machine}"
    level = "manylinux_2_17" if target.libc == "gnu" else "musllinux_1_1"
    return f"{level}_{target.architecture}"
