# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""A package index that wants a password, a proxy, and eyes that look for the password."""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import select
import socket
import ssl
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Iterator

from benchmarks.pythons import find_python


@dataclass(frozen=True)
class Certificate:
    authorities: Path  # Those that are trusted here, and the one that signed it.
    chain: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """A certificate for loopback, by an authority of its own."""
    folder.mkdir()
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    new_key = "-newkey rsa:2048 -nodes -days 2"
    for command in (
        f"req -x509 {new_key} -subj /CN=authority -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
        " -extfile san -out server.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    trusted = folder / "trusted.pem"
    trusted.write_text(f"{usual_authorities()}\n{(folder / 'ca.pem').read_text()}")
    return Certificate(trusted, folder / "server.pem", folder / "server.key")


def usual_authorities() -> str:
    """The certificates that Pants trusts here, or else those that pip does."""
    path = os.environ.get("PANTS_CA_CERTS_PATH") or os.environ.get("SSL_CERT_FILE")
    if path:
        return Path(path).read_text()
    ask = "from pip._vendor import certifi; print(certifi.contents())"
    return subprocess.check_output([find_python(None).path, "-c", ask], text=True)


@dataclass
class Index:
    """It wants user name and password for all: /simple/, /links/, and the /files/ of both.

    /simple/ does not know what is called "ourslinked".
    """

    folder: Path  # With the files that it serves.
    certificate: Certificate
    user: str
    password: str
    port: int = 0
    served: list[str] = field(default_factory=list)  # Paths.
    refused: list[str] = field(default_factory=list)

    def url(self, path: str, credentials: str = "", host: str = "127.0.0.1") -> str:
        return f"https://{credentials}{'@' if credentials else ''}{host}:{self.port}{path}"

    @property
    def token(self) -> str:
        """User name and password, as they are in a request."""
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def page(self, path: str) -> bytes | None:
        """The content at the path."""
        parts = path.strip("/").split("/")
        names = sorted(file.name for file in self.folder.iterdir() if file.is_file())
        if parts[0] == "files":
            return (self.folder / parts[1]).read_bytes() if parts[1] in names else None
        if parts[0] == "simple":
            names = [name for name in names if name.split("-")[0] == parts[1] != "ourslinked"]
        # Without hashes, as old indexes do it: who locks must download.
        links = "".join(f'<a href="/files/{name}">{name}</a>\n' for name in names)
        return f"<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n".encode() if names else None


class QuietServer(http.server.ThreadingHTTPServer):
    """One that says nothing of clients that hang up."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serve(index: Index) -> Iterator[Index]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.headers.get("Authorization") != f"Basic {index.token}":
                index.refused.append(self.path)
                return self.answer(401, b"", "WWW-Authenticate", 'Basic realm="private"')
            content = index.page(self.path)
            if content is None:
                return self.answer(404, b"")
            index.served.append(self.path)
            kind = "application/octet-stream" if "/files/" in self.path else "text/html"
            self.answer(200, content, "Content-Type", kind)

        do_HEAD = do_GET

        def answer(self, status: int, content: bytes, *header: str) -> None:
            self.send_response(status)
            if header:
                self.send_header(*header)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(index.certificate.chain, index.certificate.key)
    with QuietServer(("127.0.0.1", 0), Handler) as server:
        # The handshake is for the thread of the connection.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        index.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield index
        finally:
            server.shutdown()


@dataclass
class Proxy:
    url: str
    hosts: list[str] = field(default_factory=list)  # Those that it was asked for, with ports.


@contextlib.contextmanager
def serve_proxy() -> Iterator[Proxy]:
    """A proxy for HTTPS."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            proxy.hosts.append(self.path)
            host, _, port = self.path.rpartition(":")
            try:
                other = socket.create_connection((host, int(port)), timeout=60)
            except OSError:
                return self.send_error(502)
            self.send_response(200)
            self.end_headers()
            with other:
                forward(self.connection, other)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with QuietServer(("127.0.0.1", 0), Handler) as server:
        proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            server.shutdown()


def forward(one: socket.socket, two: socket.socket) -> None:
    """Pass on what comes from either, until one of them has no more."""
    while True:
        readable, _, _ = select.select([one, two], [], [], 120)
        if not readable:
            return
        for source in readable:
            content = source.recv(65536)
            if not content:
                return
            (two if source is one else one).sendall(content)


# --- Looking for a secret


@contextlib.contextmanager
def watch_arguments(secret: str) -> Iterator[list[str]]:
    """The command lines, of all processes there are meanwhile, that have the secret in them."""
    found: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    content = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    if secret in content and content not in found:
                        found.append(content)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def files_with(texts: Iterable[str], folder: Path) -> list[str]:
    """The files below the folder that have any of these texts in them."""
    forms = [text.encode() for text in texts]
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]
