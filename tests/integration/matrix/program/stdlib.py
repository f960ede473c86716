# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""One function for each area of the standard library, that does something real with it."""

import dataclasses as _dataclasses
import os
import sys
import tempfile


def argparse():
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int)
    assert parser.parse_args(["--number", "5"]).number == 5
    assert parser.format_usage().startswith("usage: bin")


def asyncio():
    import asyncio

    async def main():
        process = await asyncio.create_subprocess_exec(
            "/bin/echo", "it", stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        return output, await asyncio.gather(asyncio.sleep(0, 1), asyncio.to_thread(abs, -2))

    assert asyncio.run(main()) == (b"it\n", [1, 2])


def concurrent_futures():
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

    for executor in (ThreadPoolExecutor, ProcessPoolExecutor):
        with executor(2) as pool:
            assert list(pool.map(abs, [-1, -2])) == [1, 2]


def ctypes():
    import ctypes

    assert ctypes.CDLL(None).abs(-5) == 5


def curses():
    import curses

    curses.setupterm("xterm", 1)
    assert curses.tigetnum("colors") >= 8


def dataclasses():
    import dataclasses
    import pickle

    assert pickle.loads(pickle.dumps(_Point(1, 2))) == _Point(1, 2)
    assert dataclasses.asdict(_Point(1, 2)) == {"x": 1, "y": 2}


@_dataclasses.dataclass
class _Point:
    x: int
    y: int


def decimal():
    from decimal import Decimal, getcontext

    getcontext().prec = 30
    assert str(Decimal(1) / 3) == "0." + 30 * "3"


def email():
    from email import message_from_string
    from email.message import EmailMessage

    message = EmailMessage()
    message["Subject"] = "größe"
    message.set_content("text")
    assert message_from_string(str(message)).get_payload() == "text\n"


def hashlib():
    import hashlib
    import hmac

    assert hashlib.sha256(b"").hexdigest().startswith("e3b0c442")
    assert len(hmac.new(b"key", b"text", "sha512").digest()) == 64


def http():
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from urllib.request import urlopen

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"it")

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.handle_request).start()
    assert urlopen("http://127.0.0.1:%d" % server.server_port).read() == b"it"
    server.server_close()


def importlib_metadata():
    import importlib.metadata

    names = {it.metadata["Name"] for it in importlib.metadata.distributions()}
    assert {"matrix-dist", "click", "numpy"} <= names


def importlib_resources():
    import importlib.resources

    assert "BEGIN CERTIFICATE" in importlib.resources.read_text("certifi", "cacert.pem")


def json():
    import json

    assert json.loads(json.dumps({"größe": [1, None]})) == {"größe": [1, None]}


def locale():
    import locale

    assert locale.setlocale(locale.LC_ALL, "C") == "C"


def logging():
    import io
    import logging.config

    stream = io.StringIO()
    handler = {"class": "logging.StreamHandler", "stream": stream}
    logging.config.dictConfig(
        {"version": 1, "handlers": {"it": handler}, "root": {"handlers": ["it"]}}
    )
    logging.error("oh")
    assert stream.getvalue() == "oh\n"


def lzma_bz2_zlib():
    import bz2
    import lzma
    import zlib

    for module in (bz2, lzma, zlib):
        assert module.decompress(module.compress(b"it" * 99)) == b"it" * 99


def multiprocessing():
    import multiprocessing

    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]


def sockets():
    import socket

    one, two = socket.socketpair()
    one.sendall(b"it")
    assert two.recv(9) == b"it"


def sqlite3():
    import sqlite3

    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (x)")
        connection.execute("insert into t values ('größe')")
        assert connection.execute("select x from t").fetchall() == [("größe",)]


def ssl():
    import ssl

    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    assert len(context.get_ca_certs()) > 50


def subprocess():
    import subprocess

    assert subprocess.check_output(["/bin/cat"], input=b"it") == b"it"


def tarfile_zipfile():
    import io
    import tarfile
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", "it")
    assert zipfile.ZipFile(stream).read("x") == b"it"
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(os.path.join(folder, "x.tar.xz"), "w:xz") as archive:
            archive.add("/etc/hostname", "hostname")
        with tarfile.open(os.path.join(folder, "x.tar.xz")) as archive:
            assert archive.getnames() == ["hostname"]


def traceback():
    import traceback

    try:
        _fail()
    except ValueError:
        lines = traceback.format_exc().splitlines()
    assert lines[-1] == "ValueError: on purpose"
    assert any("matrix/stdlib.py" in line and "_fail" in line for line in lines)


def _fail():
    raise ValueError("on purpose")


def unicode():
    import unicodedata

    assert unicodedata.name("ß") == "LATIN SMALL LETTER SHARP S"
    assert sys.getfilesystemencoding() == "utf-8" and "bücher".encode("idna") == b"xn--bcher-kva"


def unittest():
    import io
    import unittest

    class Test(unittest.TestCase):
        def test_it(self):
            self.assertEqual(1, 1)

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Test)
    assert unittest.TextTestRunner(io.StringIO()).run(suite).testsRun == 1


def uuid():
    import uuid

    assert uuid.uuid4().version == 4


def xml():
    from xml.etree import ElementTree

    assert ElementTree.fromstring("<a><b>it</b></a>").findtext("b") == "it"


def zoneinfo():
    from datetime import datetime

    from zoneinfo import ZoneInfo

    assert datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")).utcoffset().seconds == 7200
