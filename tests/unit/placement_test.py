# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import pytest

from pants_pyoxidizer.placement import Placement, Resources, describe, impossible, place
from unit.wheels import wheel

SIX = wheel("six", files=("six.py",))
NUMPY = wheel("numpy", files=("numpy/__init__.py", "numpy/core.abi3.so", "numpy/version.txt"))
PYTZ = wheel("pytz", files=("pytz/__init__.py", "pytz/zoneinfo/UTC"))
WHEELS = (NUMPY, PYTZ, SIX)
NAMED = "named in `filesystem_resources`"


@pytest.mark.parametrize(
    ("resources", "placements"),
    [
        (
            Resources.AUTO,
            (
                Placement(NUMPY, True, "native code"),
                Placement(PYTZ, True, "data files"),
                Placement(SIX, False),
            ),
        ),
        (Resources.IN_MEMORY, tuple(Placement(it, False) for it in WHEELS)),
        (Resources.FILESYSTEM, tuple(Placement(it, True) for it in WHEELS)),
    ],
)
def test_where_wheels_go(resources: Resources, placements: tuple[Placement, ...]) -> None:
    assert place(WHEELS, resources) == placements


@pytest.mark.parametrize("resources", Resources)
def test_named_wheels_lie_on_the_filesystem_either_way(resources: Resources) -> None:
    forced = {it.path for it in WHEELS}
    assert place(WHEELS, resources, forced) == tuple(Placement(it, True, NAMED) for it in WHEELS)


def test_only_named_wheels_are_forced() -> None:
    assert place(WHEELS, Resources.IN_MEMORY, [PYTZ.path]) == (
        Placement(NUMPY, False),
        Placement(PYTZ, True, NAMED),
        Placement(SIX, False),
    )


def test_wheels_that_cannot_be_in_memory() -> None:
    assert impossible(place(WHEELS, Resources.IN_MEMORY)) == (NUMPY.filename,)
    assert impossible(place(WHEELS, Resources.IN_MEMORY, [NUMPY.path])) == ()
    assert impossible(place(WHEELS, Resources.AUTO)) == ()


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        (
            Resources.AUTO,
            "Code: six in the executable; numpy (native code), pytz (data files) in `lib`.",
        ),
        (Resources.IN_MEMORY, "Code: numpy, pytz, six in the executable."),
        (Resources.FILESYSTEM, "Code: numpy, pytz, six in `lib`."),
    ],
)
def test_the_sentence_for_users(resources: Resources, sentence: str) -> None:
    assert describe(place(WHEELS, resources)) == sentence


def test_the_sentence_says_what_is_there_for_another_reason() -> None:
    placements = place(WHEELS, Resources.FILESYSTEM, [PYTZ.path])
    assert describe(placements) == (
        "Code: numpy, pytz (named in `filesystem_resources`), six in `lib`."
    )


def test_the_values_of_the_field() -> None:
    assert [it.value for it in Resources] == ["auto", "in-memory", "filesystem"]
