# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""They answer with the numbers of their process, and of its parent."""

import os


def numbers():
    return f"{os.getpid()} {os.getppid()}".encode()


def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [numbers()]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": numbers()})
