# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The lockfiles of tools, which `pants-plugins/lock.sh` writes, in both forms."""

from __future__ import annotations

import json
import pkgutil
from pathlib import PurePath
from typing import Any, Type

import pytest
from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints

from pants_pyoxidizer.subsystem import PyOxidizer, PyOxidizerReport

Tool = Type[PythonToolBase]

each_tool = pytest.mark.parametrize("tool", [PyOxidizer, PyOxidizerReport])


def read(tool: Tool, folder: str = "", suffix: str = "") -> str:
    assert tool.default_lockfile_resource is not None
    package, path = tool.default_lockfile_resource
    content = pkgutil.get_data(package, f"{folder}{PurePath(path).name}{suffix}")
    assert content is not None
    return content.decode()


def without_header(lockfile: str) -> dict[str, Any]:
    lines = [line for line in lockfile.splitlines() if not line.startswith("//")]
    return dict(json.loads("\n".join(lines)))


def metadata(lockfile: str) -> dict[str, Any]:
    """What is between the two marks of the header."""
    lines = [line[len("// ") :] for line in lockfile.splitlines() if line.startswith("//")]
    begin, end = (i for i, line in enumerate(lines) if line.startswith("---"))
    return dict(json.loads("\n".join(lines[begin + 1 : end])))


def pins(lock: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The files of each distribution, with their hashes."""
    (resolve,) = lock["locked_resolves"]
    return {
        f"{locked['project_name']}=={locked['version']}": {
            artifact["url"]: f"{artifact['algorithm']}:{artifact['hash']}"
            for artifact in locked["artifacts"]
        }
        for locked in resolve["locked_requirements"]
    }


@each_tool
def test_both_forms_pin_the_same(tool: Tool) -> None:
    older, newer = without_header(read(tool)), json.loads(read(tool, "locks/"))
    assert pins(older) == pins(newer)
    assert older == newer


@each_tool
def test_both_forms_have_the_same_metadata(tool: Tool) -> None:
    assert metadata(read(tool)) == json.loads(read(tool, "locks/", ".metadata"))


@each_tool
def test_they_are_for_what_the_tool_declares(tool: Tool) -> None:
    lockfile = read(tool)
    lock, told = without_header(lockfile), metadata(lockfile)
    assert tool.default_requirements == [tool.default_version, *tool.default_extra_requirements]
    declared = sorted(tool.default_requirements)
    assert lock["requirements"] == told["generated_with_requirements"] == declared
    assert set(declared) <= set(pins(lock))
    # The tool is installed on Pythons that the lockfile is for.
    assert InterpreterConstraints(told["valid_for_interpreter_constraints"]).contains(
        InterpreterConstraints(tool.default_interpreter_constraints),
        [f"3.{minor}" for minor in range(7, 16)],
    )


@each_tool
def test_every_file_has_a_hash(tool: Tool) -> None:
    files = [
        file for locked in pins(without_header(read(tool))).values() for file in locked.items()
    ]
    assert files
    for url, checksum in files:
        assert url.startswith("https://") and checksum.startswith("sha256:"), url
        assert len(bytes.fromhex(checksum[len("sha256:") :])) == 32, url


@each_tool
def test_every_pants_and_pex_can_read_them(tool: Tool) -> None:
    lock = without_header(read(tool))
    # Pants 2.16 refuses a lockfile of a pip that it does not know.
    assert lock["pip_version"] == "23.1"
    # Newer Pex write `CPython<4,>=3.8`, which some older ones take for broken.
    assert lock["requires_python"] == ["<4,>=3.8"]
