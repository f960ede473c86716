# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from typing import Any

import pytest
from packaging.requirements import InvalidRequirement, Requirement
from pants.build_graph.address import Address
from pants.engine.target import InvalidFieldException, InvalidTargetException, StringField

from pants_pyoxidizer.placement_fields import (
    PyOxidizerFilesystemResourcesField,
    PyOxidizerIncludeSourcesField,
    PyOxidizerPayloadField,
    PyOxidizerResourcesField,
)
from pants_pyoxidizer.target_types import (
    PyOxidizerBinaryNameField,
    PyOxidizerBinaryTarget,
    PyOxidizerEntryPointField,
    PyOxidizerInterpreterField,
    PyOxidizerOutputPathField,
)

ADDRESS = Address("src/py/project", target_name="bin")


@pytest.mark.parametrize("name", ["bin", "my-app", "My_App2", "_x", "libx"])
def test_binary_names(name: str) -> None:
    assert PyOxidizerBinaryNameField(name, ADDRESS).value_or_default() == name
    assert PyOxidizerBinaryNameField(None, Address("", target_name=name)).value_or_default() == name


CURE = (
    "use only ASCII letters, digits, `_` and `-`, start with a letter or `_`, and avoid words that "
    "Rust, cargo or PyOxidizer reserves, such as `test` or `lib`."
)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../x",
        "a/b",
        "-x",
        "7z",
        "a.b",
        "a b",
        'a"',
        "a\n",
        "a$b",
        "ä",
        "lib",
        "test",
        "fn",
    ],
)
def test_binary_names_that_are_refused(name: str) -> None:
    with pytest.raises(InvalidFieldException) as e:
        PyOxidizerBinaryNameField(name, ADDRESS)
    assert " ".join(str(e.value).split()) == (
        f"The `binary_name` field in target src/py/project:bin is {name!r}, which cannot be the "
        f"name of a Rust crate. To fix, {CURE}"
    )


def test_a_target_name_that_is_no_binary_name() -> None:
    with pytest.raises(InvalidFieldException) as e:
        PyOxidizerBinaryNameField(None, Address("", target_name="my app")).value_or_default()
    assert str(e.value) == (
        "The target //:my app does not set the `binary_name` field, and the target's name 'my app' "
        f"cannot be the name of a Rust crate. To fix, set `binary_name`: {CURE}"
    )


@pytest.mark.parametrize("path", ["x", "a/b", "a..b"])
def test_output_paths(path: str) -> None:
    assert PyOxidizerOutputPathField(path, ADDRESS).value == path


@pytest.mark.parametrize("path", ["..", "../x", "a/../../x", "/tmp"])
def test_output_paths_that_are_refused(path: str) -> None:
    with pytest.raises(InvalidFieldException) as e:
        PyOxidizerOutputPathField(path, ADDRESS)
    assert str(e.value) == (
        f"The `output_path` field in target src/py/project:bin is {path!r}, which is outside the "
        "dist folder. To fix, use a relative path without `..`."
    )


@pytest.mark.parametrize("entry_point", [None, "pkg.mod", "pkg.mod:func", "pkg:Class.method"])
def test_entry_points(entry_point: str | None) -> None:
    assert PyOxidizerEntryPointField(entry_point, ADDRESS).value == entry_point


def test_an_entry_point_that_is_refused() -> None:
    with pytest.raises(InvalidFieldException) as e:
        PyOxidizerEntryPointField("pkg.mod:", ADDRESS)
    assert str(e.value) == (
        "The `entry_point` field in target src/py/project:bin is 'pkg.mod:': it has no function "
        "after the colon. To fix, use `path.to.module` or `path.to.module:func`."
    )


@pytest.mark.parametrize("path", ["a\nb", "a\tb", "a\x00", "a\x1b[31m"])
def test_output_paths_with_control_characters(path: str) -> None:
    with pytest.raises(InvalidFieldException) as e:
        PyOxidizerOutputPathField(path, ADDRESS)
    assert str(e.value) == (
        f"The `output_path` field in target src/py/project:bin is {path!r}, which contains line "
        "breaks or control characters. To fix, remove them."
    )


@pytest.mark.parametrize(
    "text", ["six", "six==1.16", "Six[a,b]>=1; python_version < '3'", "six @ https://x/six.whl"]
)
def test_filesystem_resources(text: str) -> None:
    assert PyOxidizerFilesystemResourcesField([text], ADDRESS).value == (text,)


@pytest.mark.parametrize("text", ["six = 1", "", "lib/six", "six;", "six\nfail()", "$NAME", "six["])
def test_filesystem_resources_that_are_no_requirements(text: str) -> None:
    with pytest.raises(InvalidRequirement) as problem:
        Requirement(text)
    with pytest.raises(InvalidFieldException) as e:
        PyOxidizerFilesystemResourcesField(["six", text], ADDRESS)
    assert str(e.value) == (
        f"The `filesystem_resources` field in target src/py/project:bin has {text!r}, which is not a "
        f"valid requirement ({str(problem.value).splitlines()[0]}). To fix, use pip's syntax, "
        "for example `jsonschema==4.21.1` or `jsonschema`."
    )


# --- Where the code goes


def target(**fields: Any) -> PyOxidizerBinaryTarget:
    return PyOxidizerBinaryTarget({"dependencies": ["src/py/app"], **fields}, ADDRESS)


def test_the_defaults() -> None:
    fields = (
        PyOxidizerResourcesField,
        PyOxidizerPayloadField,
        PyOxidizerIncludeSourcesField,
        PyOxidizerInterpreterField,
    )
    assert [target()[field].value for field in fields] == ["auto", "appended", True, True]


def test_a_binary_that_runs_nothing_is_refused() -> None:
    target(entry_point="app", interpreter=False)
    with pytest.raises(InvalidTargetException) as e:
        target(interpreter=False)
    assert str(e.value.__cause__ or e.value) == (
        "The `interpreter` field in target src/py/project:bin is False, but without `entry_point` "
        "the binary is only an interpreter. To fix, set `entry_point` or remove `interpreter`."
    )


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        (PyOxidizerResourcesField, "['auto', 'filesystem', 'in-memory']"),
        (PyOxidizerPayloadField, "['appended', 'file']"),
    ],
)
def test_other_values_are_refused(field: type[StringField], choices: str) -> None:
    with pytest.raises(InvalidFieldException) as e:
        field("lib", ADDRESS)
    assert str(e.value) == (
        f"Values for the '{field.alias}' field in target src/py/project:bin must be one of "
        f"{choices}, but 'lib' was provided."
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resources", "in-memory"),
        ("resources", "filesystem"),
        ("payload", "file"),
        ("include_sources", False),
        ("interpreter", False),
        ("python_variables", False),
    ],
)
def test_a_template_conflicts_with_fields_that_it_controls(field: str, value: object) -> None:
    with pytest.raises(InvalidTargetException) as e:
        target(template="own.bzlt", **{field: value})
    # Pants 2.17 wraps it, to name the BUILD file.
    assert str(e.value.__cause__ or e.value) == (
        f"The `{field}` field in target src/py/project:bin is {value!r}, but has no effect with a "
        "`template`, which controls this itself. To fix, remove one of the two fields."
    )


def test_a_template_goes_with_their_defaults_and_filesystem_resources() -> None:
    target(
        template="own.bzlt",
        resources="auto",
        payload="appended",
        include_sources=True,
        interpreter=True,
        python_variables=True,
        filesystem_resources=["numpy"],
    )
