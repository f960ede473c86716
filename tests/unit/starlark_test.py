# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import ast

import pytest

from pants_pyoxidizer.configuration import starlark

HOSTILE = [
    "",
    "plain",
    "quote \" and ' quote",
    '"); fail("escaped',
    "'); fail('escaped",
    "back\\slash",
    "trailing backslash\\",
    "line\nbreak\r\nand tab\t",
    "$NAME ${WHEELS} $$",
    "{chroot} %s {0}",
    "Grüße, 世界",
    '"""',
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_literal_reads_back_as_its_value(value: str) -> None:
    # Starlark's string literals, as far as this module uses them, are Python's.
    assert ast.literal_eval(starlark.string(value)) == value
    assert "\n" not in starlark.string(value)


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("value", HOSTILE)
def test_an_escaped_value_is_safe_between_either_quotes(value: str, quote: str) -> None:
    assert ast.literal_eval(quote + starlark.escape(value) + quote) == value


@pytest.mark.parametrize("value", ["\0", "a\x1b[31m", "\x7f", "\u2028", "\x85"])
def test_control_characters_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        starlark.string(value)


def test_a_list() -> None:
    assert starlark.string_list([]) == "[]"
    assert ast.literal_eval(starlark.string_list(HOSTILE)) == HOSTILE
