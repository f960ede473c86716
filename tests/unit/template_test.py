# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import pytest

from pants_pyoxidizer.configuration.template import TemplateError, decode, line_numbers, render

PARAMETERS = {"NAME": "bin", "WHEELS": '["a.whl"]', "RUN_MODULE": "x = 1\ny = 2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$NAME", "bin"),
        ("${NAME}s", "bins"),
        ("$$NAME", "$NAME"),
        ("price: $5, $ and ${", "price: $5, $ and ${"),
        # PyOxidizer's own.
        ('["$ORIGIN/lib", "${ORIGIN}"]', '["$ORIGIN/lib", "${ORIGIN}"]'),
        ("    $RUN_MODULE\n", "    x = 1\n    y = 2\n"),
        ("a = 1; $RUN_MODULE", "a = 1; x = 1\ny = 2"),
    ],
)
def test_render(text: str, expected: str) -> None:
    assert render(text, PARAMETERS) == expected


def test_a_value_is_not_rendered_again() -> None:
    assert render("$NAME", {"NAME": "$WHEELS"}) == "$WHEELS"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "\n\nexe.pip_install($WHEEL)",
            "line 3 uses the unknown parameter `$WHEEL`. Did you mean `$WHEELS`? "
            "The parameters are $NAME, $RUN_MODULE, $WHEELS; write `$$` for a dollar sign",
        ),
        (
            "${name}",
            "line 1 uses the unknown parameter `${name}`. Did you mean `$NAME`? "
            "The parameters are $NAME, $RUN_MODULE, $WHEELS; write `$$` for a dollar sign",
        ),
        (
            "$HOME",
            "line 1 uses the unknown parameter `$HOME`. "
            "The parameters are $NAME, $RUN_MODULE, $WHEELS; write `$$` for a dollar sign",
        ),
    ],
)
def test_an_unknown_parameter(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as e:
        render(text, PARAMETERS)
    assert str(e.value) == message


def test_decode() -> None:
    assert decode("\ufeffdist = $PYTHON_DISTRIBUTION  # ü\n".encode()) == (
        "dist = $PYTHON_DISTRIBUTION  # ü\n"
    )


EMPTY = (
    "it is empty. To fix, remove the field; the goal `pyoxidizer-config` then prints a template to "
    "start from"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", EMPTY),
        (b" \n\t\n# nothing\n", EMPTY),
        (
            b"a = 1\nb = '\xff'\n",
            "line 2 is not UTF-8 text (invalid start byte). To fix, save it as UTF-8",
        ),
    ],
)
def test_decode_refuses(content: bytes, message: str) -> None:
    with pytest.raises(TemplateError) as e:
        decode(content)
    assert str(e.value) == message


def test_each_line_knows_where_it_comes_from() -> None:
    text = "one\n    $A\n${B} $B\n# $$\n"
    parameters = {"A": "a\nb\nc", "B": ""}
    assert line_numbers(text, parameters) == (1, 2, 2, 2, 3, 4, 5)
    assert len(line_numbers(text, parameters)) == len(render(text, parameters).split("\n"))
