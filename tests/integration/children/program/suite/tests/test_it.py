# Licensed under the Apache License, Version 2.0 (see LICENSE).

import os

import pytest

from suite.work import double


@pytest.mark.parametrize("number", range(6))
def test_doubles(number):
    assert double(number) == 2 * number
    assert os.environ["PYTEST_XDIST_WORKER"] in ("gw0", "gw1")


def test_fails():
    numbers = [1, 2]
    assert numbers == [1, 3]
