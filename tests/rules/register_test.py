# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import re

import pytest
from pants.backend.python import register as python
from pants.core import register as core
from pants.core.goals.package import BuiltPackage, PackageFieldSet
from pants.core.goals.run import RunFieldSet, RunRequest
from pants.engine.addresses import Address
from pants.engine.target import Field
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_pyoxidizer import register
from pants_pyoxidizer.configuration.config import Config, PyOxidizerPython
from pants_pyoxidizer.standalone_python_target import StandalonePythonTarget
from pants_pyoxidizer.target_types import PyOxidizerBinaryTarget, PyOxidizerTemplateField
from pants_pyoxidizer.util_rules.binary import PyOxidizerFieldSet


def test_the_backend_loads_beside_pants_own() -> None:
    """A rule graph that cannot be satisfied fails here, on whichever Pants this is."""
    rule_runner = RuleRunner(
        rules=[
            *core.rules(),
            *python.rules(),
            *register.rules(),
            QueryRule(BuiltPackage, (PyOxidizerFieldSet,)),
            QueryRule(RunRequest, (PyOxidizerFieldSet,)),
        ],
        target_types=[*core.target_types(), *python.target_types(), *register.target_types()],
    )
    rule_runner.write_files({"project/BUILD": "pyoxidizer_binary(name='bin', dependencies=[])"})
    target = rule_runner.get_target(Address("project", target_name="bin"))
    assert PyOxidizerFieldSet.is_applicable(target)
    for goal in (PackageFieldSet, RunFieldSet):
        assert {PyOxidizerFieldSet} <= set(rule_runner.union_membership.get(goal))


def test_the_target_and_its_fields() -> None:
    assert register.target_types() == (PyOxidizerBinaryTarget, StandalonePythonTarget)
    assert [field.alias for field in PyOxidizerBinaryTarget.core_fields] == [
        "tags",
        "description",
        "output_path",
        "binary_name",
        "template",
        "dependencies",
        "entry_point",
        "resources",
        "filesystem_resources",
        "payload",
        "include_sources",
        "interpreter",
        "python_variables",
        "python",
        "environment",
    ]
    assert PyOxidizerBinaryTarget.alias == "pyoxidizer_binary"
    assert [field.alias for field in StandalonePythonTarget.core_fields] == [
        "tags",
        "description",
        "source",
    ]
    assert StandalonePythonTarget.alias == "standalone_python"


@pytest.mark.parametrize("field", PyOxidizerBinaryTarget.core_fields)
def test_the_help_says_which_fields_a_template_excludes(field: type[Field]) -> None:
    excluded = ("resources", "payload", "include_sources", "interpreter", "python_variables")
    assert ("this field cannot be set" in str(field.help)) == (field.alias in excluded)


def test_the_help_lists_the_parameters_of_a_template() -> None:
    config = Config("bin", PyOxidizerPython("3.10"), None, ())
    help_text = str(PyOxidizerTemplateField.help)
    listed = re.findall(r"^ +\* `([A-Z_]+)` - ", help_text, re.MULTILINE)
    assert sorted(listed) == sorted(config.parameters())
