# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Servers that start their workers, or themselves again."""

import os
import signal
import sys
import tempfile

from plain.tools import eventually, started

from servers.checks import ask, check_reload, check_workers, exists, master


def gunicorn_hup():
    with tempfile.TemporaryDirectory() as folder:
        with started("servers.roles", "gunicorn", folder, "1") as process:
            worker, parent = eventually(lambda: ask(folder))
            assert parent == process.pid
            process.send_signal(signal.SIGHUP)
            eventually(lambda: ask(folder)[0] != worker)
            assert ask(folder)[1] == process.pid


def gunicorn_usr2():
    with tempfile.TemporaryDirectory() as folder:
        with started("servers.roles", "gunicorn", folder, "2") as process:
            eventually(lambda: ask(folder))
            process.send_signal(signal.SIGUSR2)
            new = eventually(lambda: master(folder, "pid.2"))
            assert new != process.pid
            eventually(lambda: ask(folder)[1] == new)
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
        eventually(lambda: master(folder) == new)
        assert ask(folder)[1] == new
        os.kill(new, signal.SIGTERM)
        eventually(lambda: not exists(new))


def gunicorn_usr2_as_a_module():
    """`python -m gunicorn` starts itself by the path of its module."""
    with tempfile.TemporaryDirectory() as folder:
        bind = ["--bind", f"unix:{folder}/socket", "--pid", f"{folder}/pid"]
        command = [sys.executable, "-m", "gunicorn", *bind, "servers.apps:wsgi"]
        with started(command=command) as process:
            eventually(lambda: ask(folder))
            process.send_signal(signal.SIGUSR2)
            new = eventually(lambda: master(folder, "pid.2"))
            eventually(lambda: ask(folder)[1] == new)
            os.kill(new, signal.SIGTERM)
            eventually(lambda: not exists(new))


def uvicorn_workers():
    check_workers("uvicorn")


def uvicorn_reload():
    check_reload("reloading_uvicorn")


def hypercorn_workers():
    check_workers("hypercorn")


def hypercorn_reload():
    check_reload("reloading_hypercorn")
