# Licensed under the Apache License, Version 2.0 (see LICENSE).


def test_passes():
    assert [1, 2] == [1, 2]


def test_fails():
    numbers = [1, 2]
    assert numbers == [1, 3]
