# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from processes.supervisor import KILLED_STATUS
from python_suite.differences import Difference, compare, read_expected, unexplained
from python_suite.pythons import Result, outcome_of_file, parse, shortened

EXPECTED = """\
# A comment.

No sources,
and no lines.
    test_a X.test_one
    test_b Y.* 3.9 3.11

Subinterpreters.
    test_c
"""


def test_outcomes_of_tests() -> None:
    results = (
        "starts\ttest.test_a.X.one\npasses\ttest.test_a.X.one\nends\ttest.test_a.X.one\n"
        "starts\ttest.test_a.X.skips\nends\ttest.test_a.X.skips\n"
        "starts\ttest.test_a.X.two\nfails\ttest.test_a.X.two\npasses\ttest.test_a.X.two\n"
        "is skipped\tsetUpClass (test.test_a.Y)\nstarts\ttest.test_a.X.three\n"
    )
    assert parse(results) == {
        "test.test_a.X.one": "passes",
        "test.test_a.X.skips": "is skipped",
        "test.test_a.X.two": "fails",
        "setUpClass (test.test_a.Y)": "is skipped",
        "test.test_a.X.three": "starts",
    }
    assert shortened("test.test_a.X.one", "test_a") == "X.one"
    assert shortened("test.test_a.test_b.X.one", "test.test_a.test_b") == "X.one"
    assert shortened("setUpClass (test.test_a.Y)", "test_a") == "setUpClass (Y)"


def test_outcomes_of_files() -> None:
    assert outcome_of_file("test_a", 0, "Result: SUCCESS\n", False) == "passes"
    assert outcome_of_file("test_a", 4, "Result: NO TESTS RAN\n", False) == "passes"
    assert outcome_of_file("test_a", 2, "Result: FAILURE\n", False) == "fails"
    assert outcome_of_file("test_a", 0, "test_a skipped -- no Tk\n", False) == "is skipped"
    assert outcome_of_file("test_a", 139, "", True) == "is ended by signal 11"
    assert outcome_of_file("test_a", 1, "", True) == "ends Python with status 1"
    killed = outcome_of_file("test_a", KILLED_STATUS, "x\n\nhas more than 9 processes\n", True)
    assert killed == "has more than 9 processes"


def test_differences_of_tests() -> None:
    plain = Result("passes", {"X.one": "passes", "X.two": "is skipped", "Y.a": "passes"})
    same = Result("passes", dict(plain.tests))
    assert compare("test_a", plain, same) == []
    inside = Result("fails", {"X.one": "fails", "Z.new": "passes", "setUpClass (Y)": "is skipped"})
    assert compare("test_a", plain, inside) == [
        Difference("test_a", "X.one", "passes", "fails"),
        Difference("test_a", "X.two", "is skipped", "is not there"),
        Difference("test_a", "Z.new", "is not there", "passes"),
        Difference("test_a", "setUpClass (Y)", "is not there", "is skipped"),
    ]


def test_differences_of_files() -> None:
    whole = Result("passes", {"X.one": "passes", "X.two": "passes"})
    skipped, failed = Result("is skipped"), Result("fails")
    assert compare("test_a", skipped, skipped) == []
    assert compare("test_a", whole, skipped) == [Difference("test_a", "", "passes", "is skipped")]
    assert compare("test_a", whole, failed) == [Difference("test_a", "", "passes", "fails")]
    # What was not tried for lack of time is not missing.
    ended = Result("takes more than 9 seconds", {"X.one": "takes more than 9 seconds"})
    (difference,) = compare("test_a", whole, ended)
    assert str(difference) == (
        "test_a: X.one: takes more than 9 seconds; under plain Python: passes"
    )


def test_reasons() -> None:
    expected = read_expected(EXPECTED, "3.11")
    assert [(it.reason, it.file, it.test) for it in expected] == [
        ("No sources, and no lines.", "test_a", "X.test_one"),
        ("No sources, and no lines.", "test_b", "Y.*"),
        ("Subinterpreters.", "test_c", ""),
    ]
    assert len(read_expected(EXPECTED, "3.13")) == 2
    assert len(read_expected(EXPECTED)) == 3
    known = [
        Difference("test_a", "X.test_one", "passes", "fails"),
        Difference("test_b", "Y.any", "passes", "fails"),
        Difference("test_c", "Z.any", "passes", "fails"),
        Difference("test_c", "", "passes", "fails"),
    ]
    new = [
        Difference("test_a", "X.test_two", "passes", "fails"),
        Difference("test_a", "", "passes", "fails"),
        Difference("test_b", "X.any", "passes", "fails"),
    ]
    assert unexplained([*known, *new], expected) == new
    assert [it.count for it in expected] == [1, 1, 2]
