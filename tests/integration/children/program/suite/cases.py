# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Tests in several processes."""

import contextlib
import io
import os


def execnet():
    import execnet

    from suite import remote

    gateway = execnet.makegateway("popen")
    process, number = gateway.remote_exec(remote).receive(30)
    assert number == 42 and process != os.getpid()
    gateway.exit()
    execnet.default_group.terminate(timeout=10)


def xdist():
    import pytest

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        status = pytest.main(["-n", "2", "--pyargs", "suite.tests", "-p", "no:cacheprovider"])
    assert status == 1 and "1 failed, 6 passed" in text.getvalue(), text.getvalue()
    assert "assert [1, 2] == [1, 3]" in text.getvalue(), text.getvalue()
