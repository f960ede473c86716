# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The report of what went in, made of real builds, and read by others than who wrote it."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from pathlib import Path
from typing import Any

import pytest

from integration.projects import TEMPLATE, project
from integration.repository import Repository, run_binary

TRIPLE = f"{platform.machine()}-unknown-linux-gnu"

FILES = {
    **project(
        "app",
        "import click\nimport markupsafe\nprint(markupsafe.escape('<'))\n",
        {
            "default": 'entry_point="app.main"',
            "templated": 'entry_point="app.main", template="own.bzlt"',
        },
        requirements=("click==8.1.7", "markupsafe==2.1.5"),
    ),
    "app/own.bzlt": TEMPLATE.replace('"install"', '"own"'),
}
# A validator of its own: the library's, in the virtual environment of the tool.
VALIDATE = """\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
with open(sys.argv[1]) as file:
    problem = JsonStrictValidator(SchemaVersion.V1_5).validate_str(file.read())
sys.exit(problem and str(problem))
"""


def package(repository: Repository, name: str, *args: str) -> dict[str, str]:
    """The hashes of all files that were written, by their paths relative to the mode's folder."""
    repository.succeed(*args, "package", f"app:{name}")
    folder = mode_dir(repository, name)
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def mode_dir(repository: Repository, name: str) -> Path:
    return repository.path / f"dist/app/{name}/{TRIPLE}/debug"


def components(sbom: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in sbom["components"]}


@pytest.fixture(scope="module")
def validator(repository: Repository) -> Path:
    repository.succeed("export", "--resolve=pyoxidizer-report")
    (python,) = repository.path.glob(
        "dist/export/python/virtualenvs/pyoxidizer-report/*/bin/python"
    )
    return python


@pytest.mark.parametrize(("name", "install"), [("default", "install"), ("templated", "own")])
def test_what_went_in_is_reported_and_stays_as_it_was(
    repository: Repository, validator: Path, name: str, install: str
) -> None:
    repository.write(FILES)
    without = package(repository, name)
    with_report = package(repository, name, "--pyoxidizer-report")
    report = {f"{name}.cdx.json", f"{name}.sha256"}
    assert set(with_report) - set(without) == report
    assert {path: with_report[path] for path in without} == without

    folder = mode_dir(repository, name)
    assert run_binary(folder / install / name).stdout == "&lt;\n"
    validated = subprocess.run(
        [validator, "-c", VALIDATE, folder / f"{name}.cdx.json"], capture_output=True, text=True
    )
    assert (validated.returncode, validated.stderr) == (0, "")
    sbom = json.loads((folder / f"{name}.cdx.json").read_text())
    assert sbom["metadata"]["component"]["hashes"][0]["content"] == without[f"{install}/{name}"]
    check_components(components(sbom), name)

    argv = ["sha256sum", "--check", "--strict", f"{name}.sha256"]
    checked = subprocess.run(argv, cwd=folder, capture_output=True, text=True)
    assert checked.returncode == 0
    assert len(checked.stdout.splitlines()) == len(without) + 1  # The SBOM.


def check_components(found: dict[str, dict[str, Any]], name: str) -> None:
    purls = {component.get("purl") for component in found.values()}
    assert {
        "pkg:generic/app-dist@0.0.1",
        "pkg:pypi/click@8.1.7",
        "pkg:pypi/markupsafe@2.1.5",
        "pkg:pypi/pyoxidizer@0.24.0",
        "pkg:cargo/pyembed@0.24.0",
    } <= purls
    # Of the lock for all platforms.
    assert not any("windows" in component for component in found)
    assert found["python"]["version"].startswith("3.11.")
    assert len(found["python"]["hashes"][0]["content"]) == 64
    assert found["pyembed"]["hashes"] == [
        {
            "alg": "SHA-256",
            "content": PYEMBED_SHA256,
        }
    ]
    assert {"libc.so.6", "libssl.so.3"} <= set(found) or "libssl.so.1.1" in found
    # It may be in a template's executable only.
    assert found.get("jemallocator", {}).get("scope") == (
        "optional" if name == "templated" else None
    )


# As crates.io says.
PYEMBED_SHA256 = "fa44f0064395bd62aeda5916de48f1373183cb9c6303a8df7e40b8f73a6edd0c"
