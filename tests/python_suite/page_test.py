# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import os
from pathlib import Path

import pytest

from python_suite.command import EXPECTED
from python_suite.differences import read_expected
from python_suite.page import BEGIN, END, table, with_table

PAGE = Path(__file__).parents[2] / "docs/compatibility.md"


def test_the_page_has_all_reasons() -> None:
    page = Path(os.environ.get("UPDATE_COMPATIBILITY") or PAGE)
    new = with_table(page.read_text(), table(read_expected(EXPECTED.read_text())))
    if "UPDATE_COMPATIBILITY" in os.environ:
        page.write_text(new)
    assert page.read_text() == new


def test_a_row_for_each_reason() -> None:
    expected = read_expected(
        "One `reason`.\n    test_b X.*\n    test.test_a.test_c\n    test_b Y.*\n\nTwo.\n    test_d 3.9\n"
    )
    text = table(expected)
    assert text == (
        "| Why | Seen in |\n| --- | --- |\n| One `reason`. | `test_b`, `test_c` |\n"
        "| Two. | `test_d` |\n"
    )
    page = f"head\n{BEGIN}old{END}tail\n"
    assert with_table(page, text) == f"head\n{BEGIN}\n{text}{END}tail\n"
    with pytest.raises(ValueError, match="lacks"):
        with_table("head\n", text)
