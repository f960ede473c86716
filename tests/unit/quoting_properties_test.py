# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""No text gets out of its literal, whatever it is.

Starlark's literals are read here as Python's. The two differ in what `starlark.py` does not write:
Starlark has no `u""`, `f""`, `\\N{...}` and implicit concatenation, and dialects differ in `\\x`,
`\\u`, octal escapes and unknown ones.
"""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_pyoxidizer.configuration import starlark, template
from pants_pyoxidizer.configuration.config import Config, PythonArchive
from pants_pyoxidizer.wheels.entry_point import EntryPoint, parse_entry_point, run_command

# The same examples each time, however slow the machine, and nothing written.
settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")

# Much of what could matter, besides anything else.
PIECES = st.sampled_from(
    ['"', "'", '"""', "\\", "\n", "\r", "\t", "$", "$NAME", "${WHEELS}", "$$", "#", "{", "}", "%s"]
    + ["); fail(", "\\n", "\\x41", "\\u0041", "\\N{DEGREE SIGN}", "\u2028", "\0", "ä", "a"]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES).map("".join))
PYTHON = PythonArchive("python.tar.zst", "0123", "3.11")


def is_writable(text: str) -> bool:
    try:
        starlark.escape(text)
    except ValueError:
        return False
    return True


WRITABLE = TEXTS.filter(is_writable)


@given(TEXTS)
def test_a_text_is_refused_or_reads_back(text: str) -> None:
    if not is_writable(text):
        assert any(not character.isprintable() for character in text)
        return
    literal = starlark.string(text)
    assert ast.literal_eval(literal) == text
    assert len(literal.splitlines()) == 1
    # Between single quotes as well, as templates may have them.
    assert ast.literal_eval(f"'{starlark.escape(text)}'") == text


@given(WRITABLE)
def test_only_escapes_that_all_dialects_read_alike_are_written(text: str) -> None:
    escaped = iter(starlark.escape(text))
    for character in escaped:
        if character == "\\":
            assert next(escaped) in "\\\"'nrt"


@given(st.lists(WRITABLE))
def test_lists_read_back(texts: list[str]) -> None:
    assert ast.literal_eval(starlark.string_list(texts)) == texts


@given(WRITABLE, st.lists(WRITABLE, min_size=1), st.lists(WRITABLE))
@pytest.mark.parametrize("quote", ['"', "'"])
def test_nothing_in_a_configuration_is_code(
    quote: str, name: str, wheels: list[str], on_filesystem: list[str]
) -> None:
    config = Config(name, PYTHON, None, tuple(wheels), tuple(on_filesystem))
    rendered = config.render(
        f"NAME = {quote}$NAME{quote}\nWHEELS = ${{WHEELS}}\nRUN = '$$'\n"
        "def make(exe):\n    $UNCLASSIFIED_RESOURCE_INSTALLATION\n    return exe\n"
    )
    values: dict[str, Any] = {}
    module = ast.parse(rendered)
    for statement in module.body:
        if isinstance(statement, ast.Assign):
            values[ast.unparse(statement.targets[0])] = ast.literal_eval(statement.value)
    options = ["--no-deps"] if on_filesystem else []
    assert values == {"NAME": name, "WHEELS": [*options, *wheels], "RUN": "$"}
    names = {
        node.func.attr
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert names <= {"pip_install", "add_python_resource"}


@given(TEXTS, WRITABLE)
def test_each_line_of_a_template_has_its_number(text: str, value: str) -> None:
    parameters = {"NAME": starlark.escape(value), "WHEELS": "one\ntwo"}
    try:
        rendered = template.render(text, parameters)
    except template.TemplateError:
        return
    numbers = template.line_numbers(text, parameters)
    assert len(numbers) == len(rendered.split("\n"))
    assert sorted(numbers) == [*numbers]


@given(st.binary())
def test_a_template_is_text_or_refused(content: bytes) -> None:
    try:
        assert template.decode(content).strip()
    except template.TemplateError as error:
        assert str(error)


NAMES = st.sampled_from(["app", "ä", "_x", "__main__", "class", "1a", "a-b", "", " ", "ﬁ"])
ENTRY_POINTS = st.one_of(TEXTS, st.lists(st.one_of(NAMES, st.sampled_from(".:/\\"))).map("".join))


@given(ENTRY_POINTS)
def test_an_entry_point_is_refused_or_runs_what_it_names(text: str) -> None:
    try:
        entry_point = parse_entry_point(text)
    except ValueError as error:
        assert str(error).endswith((".", "?"))
        return
    assert entry_point.module == text.partition(":")[0]
    command = run_command(entry_point)
    assert command.isascii() and "\n" not in command
    # What it hands on are these names, and no others.
    strings = {
        node.value
        for node in ast.walk(ast.parse(command))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    own = {"sys", "runpy", entry_point.module, *(entry_point.function or "").split(".")}
    assert strings <= own
    assert ast.literal_eval(starlark.string(command)) == command
    assert parse_entry_point(str(entry_point)) == EntryPoint(
        entry_point.module, entry_point.function
    )
