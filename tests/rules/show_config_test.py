# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from pants.engine.addresses import Address
from pants.engine.console import Console
from pants.engine.fs import EMPTY_DIGEST, Digest, DigestContents, FileContent
from pants.engine.target import Targets

from pants_pyoxidizer import package_data
from pants_pyoxidizer.configuration.config import Config, PythonArchive
from pants_pyoxidizer.engine import get_digest_contents
from pants_pyoxidizer.goals.show_config import (
    START_TEMPLATE,
    PyOxidizerConfigGoal,
    ShownConfig,
    show_config,
    show_configs,
)
from pants_pyoxidizer.target_types import PyOxidizerBinaryTarget
from pants_pyoxidizer.util_rules.binary import Ingredients, PyOxidizerFieldSet, collect_ingredients
from pants_pyoxidizer.util_rules.contents import Contents
from pants_pyoxidizer.util_rules.python.standalone_python import HostPython
from pants_pyoxidizer.util_rules.rendered_config import (
    RenderedConfig,
    RenderedConfigRequest,
    render_config,
)
from pants_pyoxidizer.wheels.entry_point import EntryPoint
from pants_pyoxidizer.wheels.placement import Resources, place
from rules.mocks import run_rule
from unit.wheels import wheel

ADDRESS = Address("project", target_name="bin")
ARCHIVE = PythonArchive("python.tar.zst", "0123", "3.11")
APP = wheel("app", files=("app.py",))
NUMPY = wheel("numpy", "1.26.4", files=("numpy/$core.so",))
RENDERED = Digest("a" * 64, 1)


def target(**fields: Any) -> PyOxidizerBinaryTarget:
    return PyOxidizerBinaryTarget({"dependencies": [":dist"], **fields}, ADDRESS)


def show(*wheels: Any, **fields: Any) -> tuple[str, list[RenderedConfigRequest]]:
    """The text, and which configurations were rendered for it."""
    resources = None if "template" in fields else Resources.AUTO
    ingredients = Ingredients(
        "bin",
        HostPython(ARCHIVE, "3.11.7", "x86_64-unknown-linux-gnu", EMPTY_DIGEST, "", "python"),
        Contents(EntryPoint("app"), place(wheels, resources), (APP.path,)),
        EMPTY_DIGEST,
    )
    requests: list[RenderedConfigRequest] = []

    def render(request: RenderedConfigRequest) -> RenderedConfig:
        requests.append(request)
        return RenderedConfig(RENDERED)

    files = DigestContents([FileContent("pyoxidizer.bzl", b"exe = 1\n")])
    shown = run_rule(
        show_config,
        PyOxidizerFieldSet.create(target(**fields)),
        mocks={
            collect_ingredients: lambda _: ingredients,
            render_config: render,
            get_digest_contents: lambda _: files,
        },
    )
    return shown.text, requests


def test_without_a_template_it_is_one_to_start_from() -> None:
    text, requests = show(APP, NUMPY)
    start = package_data.read(START_TEMPLATE).decode()
    # `$$` is a dollar sign in templates.
    assert text == (
        "# project:bin has no template. Where its code goes:\n"
        "#\n"
        "#     app 1.0       executable\n"
        "#     numpy 1.26.4  lib         native code (numpy/$$core.so)\n"
        "#\n"
        "# To start one, save this next to the BUILD file, and add to the target:\n"
        "#\n"
        '#     template="pyoxidizer.bzlt",\n'
        "#     filesystem_resources=[\n"
        '#         "numpy==1.26.4",\n'
        "#     ],\n"
        "#\n" + start
    )
    assert requests == []
    # It is one.
    Config("bin", ARCHIVE, None, ()).render(text)


def test_without_what_lies_on_the_filesystem() -> None:
    text, _ = show(APP)
    assert '#     template="pyoxidizer.bzlt",\n#\n# A starting' in text


def test_with_a_template_it_is_what_pyoxidizer_reads() -> None:
    text, requests = show(APP, template="own.bzlt")
    assert text == (
        "# The configuration of project:bin, from project/own.bzlt. Its wheels:\n"
        "#\n"
        "#     app 1.0  template\n"
        "#\n"
        "exe = 1\n"
    )
    field_set = PyOxidizerFieldSet.create(target(template="own.bzlt"))
    config = Config("bin", ARCHIVE, EntryPoint("app"), (APP.path,))
    assert requests == [RenderedConfigRequest(field_set.template, config)]


def test_the_template_is_the_example_of_this_repository() -> None:
    example = Path(__file__).parents[2] / "src/py/templated/pyoxidizer.bzlt"
    assert package_data.read(START_TEMPLATE) == example.read_bytes()


def test_the_goal_prints_all() -> None:
    output = io.StringIO()
    result = run_rule(
        show_configs,
        Targets([target(), target(binary_name="x")]),
        Console(stdout=output),
        mocks={
            show_config: lambda it: ShownConfig("it\n"),
        },
    )
    assert result == PyOxidizerConfigGoal(exit_code=0)
    assert output.getvalue() == "it\n\nit\n"
