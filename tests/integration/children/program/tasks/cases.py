# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Celery."""

import glob
import os
import tempfile

from plain.tools import eventually, itself, printed, started


def prefork():
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "TASKS_FOLDER": folder}
        with started("tasks.roles", "worker", env=env) as process:
            worker = int(printed(itself("tasks.roles", "ask"), env=env))
            assert worker != process.pid


def multi():
    """It starts workers by `python -m celery`, which run in the background."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "TASKS_FOLDER": folder}
        names = [f"--pidfile={folder}/%n.pid", f"--logfile={folder}/%n%I.log"]
        options = ["one", "two", "--app=tasks.app", "--concurrency=1", *names]
        printed(itself("tasks.roles", "celery", "multi", "start", *options), env=env)
        try:
            eventually(lambda: len(glob.glob(f"{folder}/*.pid")) == 2)
            printed(itself("tasks.roles", "ask"), env=env)
        finally:
            printed(itself("tasks.roles", "celery", "multi", "stopwait", *options), env=env)
        assert glob.glob(f"{folder}/*.pid") == []
