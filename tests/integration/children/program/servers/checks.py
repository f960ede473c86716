# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the cases share."""

import os
import tempfile

from plain.tools import UnixConnection, answer, edit, eventually, started, write

OUTSIDE = """\
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%s"})
"""


def ask(folder):
    """The processes that answer: a worker, and its parent."""
    return [int(it) for it in answer(UnixConnection(f"{folder}/socket"))]


def master(folder, name="pid"):
    with open(os.path.join(folder, name)) as file:
        return int(file.read())


def exists(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # What has ended may wait for its parent.
    with open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def check_workers(name):
    with tempfile.TemporaryDirectory() as folder:
        with started("servers.roles", name, folder) as process:
            worker, parent = eventually(lambda: ask(folder))
            assert worker != parent == process.pid
        eventually(lambda: not exists(worker))


def check_reload(name):
    with tempfile.TemporaryDirectory() as folder:
        outside = os.path.join(folder, "outside.py")
        write(outside, OUTSIDE % "first")
        with started("servers.roles", name, folder):
            connection = f"{folder}/socket"
            eventually(lambda: answer(UnixConnection(connection)) == ["first"])
            second = OUTSIDE % "second"
            edit(outside, second, lambda: answer(UnixConnection(connection)) == ["second"])
