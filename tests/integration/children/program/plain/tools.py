# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the cases share: starting the program, and asking what it serves."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time


def itself(*args):
    """The command of the program, as a user types it."""
    return [sys.argv[0], *args]


def printed(command, **options):
    """What a command prints, which must succeed."""
    options = {"stdin": subprocess.DEVNULL, **options}
    if "input" in options:
        del options["stdin"]
    result = subprocess.run(command, capture_output=True, text=True, **options)
    assert result.returncode == 0, (command, result)
    return result.stdout


@contextlib.contextmanager
def started(*args, command=(), **options):
    """The program, or another command, as a server, which ends by SIGTERM."""
    command = command or itself(*args)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def eventually(function, seconds=40):
    """The first result of the function that is true. A server may not answer yet."""
    end = time.monotonic() + seconds
    while True:
        error = None
        try:
            result = function()
            if result:
                return result
        except (OSError, http.client.HTTPException, ValueError) as it:
            error = it
        if time.monotonic() > end:
            raise AssertionError("it took too long") from error
        time.sleep(0.1)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def answer(connection):
    """What a server answers, split into words."""
    with contextlib.closing(connection):
        connection.request("GET", "/")
        response = connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, text
        return text.split()


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def write(path, text):
    """Replace a file such that nobody reads half of it, with a time that differs."""
    with open(f"{path}.new", "w") as file:
        file.write(text)
    if os.path.exists(path):
        later = os.stat(path).st_mtime + 2
        os.utime(f"{path}.new", (later, later))
    os.replace(f"{path}.new", path)


def edit(path, text, has_effect):
    """Edit a file until it has an effect: a server may answer before it watches its files."""
    end = time.monotonic() + 40
    while time.monotonic() < end:
        write(path, text)
        with contextlib.suppress(AssertionError):
            return eventually(has_effect, seconds=5)
    raise AssertionError("the server was not reloaded")
