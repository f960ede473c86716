# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import json

import pytest
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents, FileContent
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.target import InvalidFieldException
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_pyoxidizer.configuration.config import Config, PythonArchive
from pants_pyoxidizer.target_types import PyOxidizerBinaryTarget, PyOxidizerTemplateField
from pants_pyoxidizer.util_rules import rendered_config
from pants_pyoxidizer.util_rules.rendered_config import (
    RenderedConfig,
    RenderedConfigRequest,
    Template,
    TemplateRequest,
)
from pants_pyoxidizer.wheels.entry_point import EntryPoint

CONFIG = Config(
    "bin", PythonArchive("python.tar.zst", "0123", "3.11"), EntryPoint("app"), ("a-1.whl",)
)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *rendered_config.rules(),
            QueryRule(Template, (TemplateRequest,)),
            QueryRule(RenderedConfig, (RenderedConfigRequest,)),
        ],
        target_types=[PyOxidizerBinaryTarget],
    )


def template_field(rule_runner: RuleRunner, template: str) -> PyOxidizerTemplateField:
    """That of a binary `project:bin`, which names this file."""
    rule_runner.write_files(
        {"project/BUILD": f"pyoxidizer_binary(name='bin', dependencies=[], template={template!r})"}
    )
    target = rule_runner.get_target(Address("project", target_name="bin"))
    return target[PyOxidizerTemplateField]


def render(rule_runner: RuleRunner, template: str) -> str:
    request = RenderedConfigRequest(template_field(rule_runner, template), CONFIG)
    rendered = rule_runner.request(RenderedConfig, [request])
    file, lines = rule_runner.request(DigestContents, [rendered.digest])
    assert file == FileContent("pyoxidizer.bzl", file.content)
    assert lines.path == "pyoxidizer.lines.json"
    numbers = json.loads(lines.content)["lines"]
    assert json.loads(lines.content) == {"template": f"project/{template}", "lines": numbers}
    assert len(numbers) == file.content.count(b"\n") + 1
    return file.content.decode()


def refused(rule_runner: RuleRunner, template: str) -> Exception:
    with pytest.raises(ExecutionError) as e:
        rule_runner.request(Template, [TemplateRequest(template_field(rule_runner, template))])
    errors: tuple[Exception, ...] = e.value.wrapped_exceptions
    (error,) = errors
    return error


def test_a_template_beside_the_build_file(rule_runner: RuleRunner) -> None:
    template = "# schön\nNAME = '$NAME'\nWHEELS = ${WHEELS}\nPRICE = '$$1'\n"
    rule_runner.write_files({"project/own.bzlt": template.encode()})
    rendered = render(rule_runner, "own.bzlt")
    assert rendered == CONFIG.render(template)
    assert rendered.endswith("# schön\nNAME = 'bin'\nWHEELS = [\"a-1.whl\"]\nPRICE = '$1'\n")


EMPTY = (
    "it is empty. To fix, remove the field; the goal `pyoxidizer-config` then prints a template to "
    "start from"
)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", EMPTY),
        (b"\n# only a comment\n", EMPTY),
        (
            b"ok = 1\nx = '\xff'\n",
            "line 2 is not UTF-8 text (invalid start byte). To fix, save it as UTF-8",
        ),
        (
            b"ok = 1\nexe.pip_install($WHEEL)\n",
            "line 2 uses the unknown parameter `$WHEEL`. Did you mean `$WHEELS`? "
            "The parameters are $NAME, $PYTHON_DISTRIBUTION, $RUN_MODULE, "
            "$UNCLASSIFIED_RESOURCE_INSTALLATION, $WHEELS; write `$$` for a dollar sign",
        ),
    ],
)
def test_templates_that_are_refused(rule_runner: RuleRunner, content: bytes, problem: str) -> None:
    rule_runner.write_files({"project/own.bzlt": content})
    error = refused(rule_runner, "own.bzlt")
    assert isinstance(error, InvalidFieldException)
    assert str(error) == (
        "The `template` field in target project:bin names project/own.bzlt, which cannot be used: "
        f"{problem}."
    )


def test_another_extension_is_refused_by_pants(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"project/own.txt": "x = 1"})
    assert str(refused(rule_runner, "own.txt")) == (
        "The 'template' field in target project:bin can only contain files that end in "
        "'.bzlt', but it had these files: ['project/own.txt'].\n\nMaybe create a "
        "`resource`/`resources` or `file`/`files` target and include it in the `dependencies` "
        "field?"
    )


def test_a_template_that_is_not_there(rule_runner: RuleRunner) -> None:
    error = refused(rule_runner, "missing.bzlt")
    assert isinstance(error, InvalidFieldException)
    assert str(error) == (
        "The `template` field in target project:bin names project/missing.bzlt, which cannot be "
        "used: it does not exist. To fix, correct the path, which is relative to the BUILD file."
    )
