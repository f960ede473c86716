# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The files of the repositories that are built: the same programs for both backends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from textwrap import dedent
from typing import Iterable, Mapping

OWN_BACKEND = "pants.backend.experimental.python.packaging.pyoxidizer"
OWN_BACKEND_CONFIG = "pants.backend.python.packaging.pyoxidizer.config"
OUR_BACKEND = "pants_pyoxidizer"

# What `edit` programs and `start` require of the pins, directly or not.
EDIT_REQUIRES = ("click", "markdown-it-py", "mdurl", "pygments", "rich")

# The module that an edit changes, and the one that prints what it says.
LINE_MODULE = 'LINE = "{line}"\n'
EDIT_PROGRAM = """\
import click
from rich.text import Text

from {name}.line import LINE

click.echo(Text(LINE).plain)
"""

# What the start of a binary is measured with.
START_PROGRAM = """\
import argparse
import json

import click
import requests
import rich

names = [module.__name__ for module in (argparse, json, click, requests, rich)]
print(json.dumps(names))
"""
START_OUTPUT = '["argparse", "json", "click", "requests", "rich"]\n'

TEMPLATE = "template.bzlt"


@dataclass(frozen=True)
class Program:
    """A package `name` with a distribution and the binary `name:bin`; `fields` are further fields
    of the binary, as they stand in a BUILD file."""

    name: str
    requires: tuple[str, ...] = EDIT_REQUIRES
    fields: str = ""
    template: str = ""  # The content of the template; empty: none.


def options(sections: Mapping[str, Mapping[str, object]]) -> str:
    """A pants.toml of booleans, strings and lists of strings."""
    lines = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{k} = {json.dumps(v)}" for k, v in values.items()), ""]
    return "\n".join(lines)


def common_options(backend: str, pants_version: str, python: str) -> dict[str, dict[str, object]]:
    """What both repositories say: `python` is the version of the Python that goes in."""
    return {
        "GLOBAL": {
            "pants_version": pants_version,
            "backend_packages": ["pants.backend.python", backend],
        },
        "anonymous-telemetry": {"enabled": False},
        "source": {"root_patterns": ["/"]},
        "python": {"interpreter_constraints": [f"CPython=={python}"]},
        "python-infer": {"use_rust_parser": True},
    }


def project_name(pin: str) -> str:
    return pin.partition("==")[0]


def requirement_targets(pins: Iterable[str]) -> str:
    """A BUILD file with one target for each pinned requirement, called as the project."""
    return "".join(
        f"python_requirement(name={json.dumps(project_name(pin))}, "
        f"requirements=[{json.dumps(pin)}])\n"
        for pin in pins
    )


def program_files(program: Program, source: str) -> dict[str, str]:
    """Paths and contents of a program whose main module is `source`."""
    name = program.name
    requires = [":lib", *(f"3rdparty:{project}" for project in program.requires)]
    template = f'template="{TEMPLATE}", ' if program.template else ""
    build = f"""\
        python_sources(name="lib")
        python_distribution(
            name="dist",
            dependencies={json.dumps(requires)},
            provides=python_artifact(name="{name}-dist", version="0.0.1"),
        )
        pyoxidizer_binary(
            name="bin",
            dependencies=[":dist"],
            entry_point="{name}.main",
            {template}{program.fields}
        )
        """
    files = {
        f"{name}/BUILD": dedent(build),
        f"{name}/__init__.py": "",
        f"{name}/line.py": LINE_MODULE.format(line="not edited yet"),
        f"{name}/main.py": source,
    }
    if program.template:
        files[f"{name}/{TEMPLATE}"] = program.template
    return files


def template_with_python(template: str, sha256: str, archive: str) -> str:
    """Pants' own default template, with a local archive in the place of PyOxidizer's download."""
    download = "default_python_distribution()"
    if template.count(download) != 1:
        raise ValueError(f"the template does not have {download} once")
    distribution = (
        f'PythonDistribution(sha256="{sha256}", local_path={json.dumps(archive)}, '
        'flavor="standalone")'
    )
    return template.replace(download, distribution)


def template_with_files(template: str) -> str:
    """The same with modules and resources in `lib`, not in the executable."""
    fallback = 'policy.resources_location_fallback = "filesystem-relative:lib"'
    if template.count(fallback) != 1:
        raise ValueError(f"the template does not have {fallback} once")
    return template.replace(fallback, 'policy.resources_location = "filesystem-relative:lib"')
