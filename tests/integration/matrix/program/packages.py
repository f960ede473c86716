# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""One function for each distribution, named like it, that does something real with it."""

import asyncio
import os
import tempfile


def aiohttp():
    from aiohttp import ClientSession, web

    async def main():
        app = web.Application()
        app.add_routes([web.get("/", _hello)])
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        async with ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}") as response:
                text = await response.text()
        await runner.cleanup()
        return text

    async def _hello(request):
        return web.Response(text="it")

    assert asyncio.run(main()) == "it"


def alembic():
    from alembic import command
    from alembic.config import Config

    with tempfile.TemporaryDirectory() as folder:
        config = Config(os.path.join(folder, "alembic.ini"), stdout=open(os.devnull, "w"))
        command.init(config, os.path.join(folder, "migrations"))
        assert os.path.exists(os.path.join(folder, "migrations/env.py"))


def attrs():
    import attr

    @attr.s(auto_attribs=True)
    class Point:
        x: int = attr.ib(converter=int)

    assert attr.asdict(Point("5")) == {"x": 5}


def babel():
    from datetime import date

    from babel.dates import format_date
    from babel.numbers import format_decimal

    assert format_date(date(2024, 3, 1), "d. MMMM y", locale="de_DE") == "1. März 2024"
    assert format_decimal(1234.5, locale="de") == "1.234,5"


def bcrypt():
    import bcrypt

    assert bcrypt.checkpw(b"it", bcrypt.hashpw(b"it", bcrypt.gensalt(4)))


def beautifulsoup4():
    from bs4 import BeautifulSoup

    assert BeautifulSoup("<p>a<b>it</b>", "html.parser").b.text == "it"
    assert BeautifulSoup("<p>a<b>it</b>", "lxml").b.text == "it"


def black():
    import black

    assert black.format_str("x = ( 1 )\n", mode=black.Mode()) == "x = 1\n"


def boto3():
    import boto3

    client = boto3.client(
        "s3", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y"
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    assert "X-Amz-Signature" in url or "Signature=" in url


def cachetools():
    from cachetools import LRUCache

    cache = LRUCache(1)
    cache["a"], cache["b"] = 1, 2
    assert list(cache) == ["b"]


def cattrs():
    import attr
    import cattr

    @attr.s(auto_attribs=True)
    class Point:
        x: int

    assert cattr.structure({"x": "5"}, Point) == Point(5)


def celery():
    from celery import Celery

    app = Celery("it", broker="memory://", backend="cache+memory://")
    app.conf.task_always_eager = True

    @app.task
    def add(x, y):
        return x + y

    assert add.delay(1, 2).get() == 3


def certifi():
    import certifi

    assert "BEGIN CERTIFICATE" in certifi.contents()
    assert os.path.exists(certifi.where())


def cffi():
    from cffi import FFI

    ffi = FFI()
    ffi.cdef("int abs(int);")
    assert ffi.dlopen(None).abs(-5) == 5


def click():
    import click
    from click.testing import CliRunner

    @click.command()
    @click.option("--name")
    def hello(name):
        click.echo(f"Hello {name}")

    assert CliRunner().invoke(hello, ["--name", "it"]).output == "Hello it\n"


def cloudpickle():
    import pickle

    import cloudpickle

    assert pickle.loads(cloudpickle.dumps(lambda x: x + 1))(1) == 2


def cryptography():
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.asymmetric import ed25519

    box = Fernet(Fernet.generate_key())
    assert box.decrypt(box.encrypt(b"it")) == b"it"
    key = ed25519.Ed25519PrivateKey.generate()
    key.public_key().verify(key.sign(b"it"), b"it")


def django():
    import django
    from django.conf import settings
    from django.core.management import get_commands
    from django.template import Context, Template

    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.create_user("it")
    assert User.objects.count() == 1
    assert "migrate" in get_commands()
    assert Template("{{ x|upper }}").render(Context({"x": "it"})) == "IT"


def docutils():
    from docutils.core import publish_string

    assert b"<em>it</em>" in publish_string("*it*", writer_name="html5")


def fastapi():
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    app = FastAPI()

    @app.get("/{number}")
    def double(number: int):
        return {"it": 2 * number}

    client = TestClient(app)
    assert client.get("/4").json() == {"it": 8}
    assert client.get("/x").status_code == 422


def flask():
    from flask import Flask, render_template_string

    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: render_template_string("{{ 1 + 1 }}"))
    assert app.test_client().get("/").data == b"2"


def gevent():
    import gevent

    assert [job.get() for job in [gevent.spawn(abs, -number) for number in (1, 2)]] == [1, 2]


def greenlet():
    from greenlet import greenlet

    assert greenlet(abs).switch(-5) == 5


def grpcio():
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(30)
    server.stop(None)


def httpx():
    import httpx

    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"it": 1}))
    with httpx.Client(transport=transport) as client:
        assert client.get("https://example.org").json() == {"it": 1}


def hypothesis():
    from hypothesis import given, settings
    from hypothesis import strategies as st

    @settings(max_examples=5, database=None)
    @given(st.text(), st.emails())
    def check(text, email):
        assert text.encode("utf-8", "surrogatepass") is not None and "@" in email

    check()


def importlib_metadata():
    import importlib_metadata

    assert importlib_metadata.version("click")
    names = {it.metadata["Name"] for it in importlib_metadata.distributions()}
    assert {"matrix-dist", "click", "numpy"} <= names
    assert [it for it in importlib_metadata.entry_points(group="matrix") if it.name == "one"]


def importlib_resources():
    from importlib_resources import as_file, files

    with as_file(files("certifi").joinpath("cacert.pem")) as path:
        assert "BEGIN CERTIFICATE" in path.read_text()


def ipython():
    from IPython.core.interactiveshell import InteractiveShell

    assert InteractiveShell.instance().run_cell("6 * 7").result == 42


def jinja2():
    from jinja2 import DictLoader, Environment

    environment = Environment(loader=DictLoader({"x": "{% for i in y %}{{ i }},{% endfor %}"}))
    assert environment.get_template("x").render(y=[1, 2]) == "1,2,"


def joblib():
    from joblib import Parallel, delayed

    # In processes, which are started by `sys.executable`.
    assert Parallel(n_jobs=2)(delayed(abs)(number) for number in (-1, -2)) == [1, 2]


def jsonschema():
    from jsonschema import Draft202012Validator, ValidationError, validate

    validate({"x": 1}, {"type": "object", "properties": {"x": {"type": "integer"}}})
    Draft202012Validator.check_schema({"type": "object"})
    try:
        validate(1, {"type": "string"})
    except ValidationError as error:
        assert "not of type" in error.message
    else:
        raise AssertionError("it is valid")


def loguru():
    from loguru import logger

    lines = []
    logger.remove()
    logger.add(lines.append, format="{level} {message}")
    logger.info("it")
    assert lines == ["INFO it\n"]


def lxml():
    from lxml import etree

    document = etree.XML("<a><b>it</b></a>")
    assert document.xpath("string(//b)") == "it"
    sheet = etree.XML(
        '<x:stylesheet version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform">'
        '<x:template match="/"><c><x:value-of select="//b"/></c></x:template></x:stylesheet>'
    )
    assert etree.XSLT(sheet)(document).getroot().text == "it"


def markdown():
    import markdown

    assert markdown.markdown("# it", extensions=["tables", "toc"]) == '<h1 id="it">it</h1>'


def markdown_it_py():
    from markdown_it import MarkdownIt

    assert MarkdownIt().render("*it*") == "<p><em>it</em></p>\n"


def marshmallow():
    from marshmallow import Schema, fields

    assert Schema.from_dict({"x": fields.Int()})().load({"x": "5"}) == {"x": 5}


def matplotlib():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with tempfile.TemporaryDirectory() as folder:
        pyplot.plot([1, 2])
        pyplot.title("größe")
        pyplot.savefig(os.path.join(folder, "it.png"))
        with open(os.path.join(folder, "it.png"), "rb") as file:
            assert file.read(4) == b"\x89PNG"


def more_itertools():
    from more_itertools import chunked

    assert list(chunked([1, 2, 3], 2)) == [[1, 2], [3]]


def msgpack():
    import msgpack

    assert msgpack.unpackb(msgpack.packb({"it": [1]})) == {"it": [1]}


def mypy():
    from mypy import api

    code = "import json\nx: int = json.dumps(1)"
    report, _, status = api.run(["-c", code, "--cache-dir", os.devnull])
    assert status == 1 and "Incompatible types" in report


def nbconvert():
    from nbconvert import HTMLExporter
    from nbformat.v4 import new_code_cell, new_notebook

    # Its templates are in `share/jupyter`.
    page, _ = HTMLExporter().from_notebook_node(new_notebook(cells=[new_code_cell("x = 1")]))
    assert "<html" in page


def networkx():
    import networkx

    assert networkx.shortest_path(networkx.path_graph(4), 0, 3) == [0, 1, 2, 3]


def numpy():
    import numpy

    assert numpy.linalg.det(numpy.array([[1.0, 2.0], [3.0, 4.0]])).round() == -2
    assert numpy.random.default_rng(1).random(3).shape == (3,)


def openpyxl():
    from openpyxl import Workbook, load_workbook

    with tempfile.TemporaryDirectory() as folder:
        book = Workbook()
        book.active["A1"] = "it"
        book.save(os.path.join(folder, "x.xlsx"))
        assert load_workbook(os.path.join(folder, "x.xlsx")).active["A1"].value == "it"


def orjson():
    import orjson

    assert orjson.loads(orjson.dumps({"it": 1})) == {"it": 1}


def packaging():
    from packaging.requirements import Requirement

    assert Requirement("it>=1; python_version > '3'").specifier.contains("2")


def pandas():
    import pandas

    frame = pandas.DataFrame({"x": [1, 2, 3], "y": ["a", "b", "a"]})
    assert frame.groupby("y").x.sum().to_dict() == {"a": 4, "b": 2}
    assert "2024-01-02" in pandas.date_range("2024-01-01", periods=2, tz="Europe/Berlin").astype(str)[1]


def paramiko():
    import paramiko

    key = paramiko.RSAKey.generate(1024)
    assert key.verify_ssh_sig(b"it", paramiko.Message(key.sign_ssh_data(b"it").asbytes()))


def pendulum():
    import pendulum

    assert pendulum.datetime(2024, 7, 1, tz="Europe/Berlin").offset_hours == 2
    assert pendulum.duration(days=2).in_words(locale="de") == "2 Tage"


def pillow():
    import io

    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (50, 20), "white")
    ImageDraw.Draw(image).text((1, 1), "it", font=ImageFont.load_default(), fill="black")
    stream = io.BytesIO()
    image.save(stream, "JPEG")
    assert Image.open(io.BytesIO(stream.getvalue())).size == (50, 20)


def prettytable():
    from prettytable import PrettyTable

    table = PrettyTable(["it"])
    table.add_row([5])
    assert "| 5  |" in table.get_string()


def prompt_toolkit():
    from prompt_toolkit import PromptSession
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    with create_pipe_input() as pipe:
        pipe.send_text("it\n")
        assert PromptSession(input=pipe, output=DummyOutput()).prompt() == "it"


def protobuf():
    from google.protobuf import json_format, struct_pb2

    message = struct_pb2.Struct()
    message.update({"it": 1})
    copy = struct_pb2.Struct.FromString(message.SerializeToString())
    assert json_format.MessageToDict(copy) == {"it": 1}


def psutil():
    import psutil

    assert psutil.Process().pid == os.getpid() and psutil.cpu_count()


def pycryptodome():
    from Crypto.Cipher import AES

    cipher = AES.new(16 * b"k", AES.MODE_EAX)
    text, tag = cipher.encrypt_and_digest(b"it")
    assert AES.new(16 * b"k", AES.MODE_EAX, cipher.nonce).decrypt_and_verify(text, tag) == b"it"


def pydantic():
    from pydantic import BaseModel, ValidationError

    class Point(BaseModel):
        x: int

    assert Point.model_validate_json('{"x": "5"}').x == 5
    try:
        Point(x="a")
    except ValidationError:
        pass
    else:
        raise AssertionError("it is valid")


def pygments():
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    assert '<span class="n">it</span>' in highlight(
        "it", get_lexer_by_name("python"), HtmlFormatter()
    )


def pyjwt():
    import jwt

    token = jwt.encode({"it": 1}, 32 * "k", algorithm="HS256")
    assert jwt.decode(token, 32 * "k", algorithms=["HS256"]) == {"it": 1}


def pynacl():
    from nacl.secret import SecretBox

    box = SecretBox(32 * b"k")
    assert box.decrypt(box.encrypt(b"it")) == b"it"


def pyparsing():
    from pyparsing import Word, nums

    assert Word(nums).parse_string("12 x")[0] == "12"


def pysnmp():
    from pysnmp.smi.builder import MibBuilder

    builder = MibBuilder()
    builder.load_modules("SNMPv2-MIB")
    (name,) = builder.import_symbols("SNMPv2-MIB", "sysDescr")
    assert name.getName() == (1, 3, 6, 1, 2, 1, 1, 1)


def pytest():
    import contextlib
    import io

    import pytest

    output = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "test_it.py"), "w") as file:
            file.write("def test_good(tmp_path): assert 1 == 1\ndef test_bad(): assert 1 == 2\n")
        with contextlib.redirect_stdout(output):
            assert pytest.main(["-p", "no:cacheprovider", folder]) == 1
    text = output.getvalue()
    assert "1 failed, 1 passed" in text and "assert 1 == 2" in text, text


def python_dateutil():
    from datetime import datetime

    from dateutil import parser, tz, zoneinfo

    assert parser.parse("1 March 2024") == datetime(2024, 3, 1)
    assert tz.gettz("Europe/Berlin") and zoneinfo.get_zonefile_instance().get("Europe/Berlin")


def pytz():
    import pytz

    assert pytz.timezone("Europe/Berlin").zone in pytz.all_timezones_set


def pyyaml():
    import yaml

    assert yaml.safe_load(yaml.dump({"it": [1]}, Dumper=yaml.CSafeDumper)) == {"it": [1]}


def pyzmq():
    import zmq

    context = zmq.Context()
    one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://it")
    two.connect("inproc://it")
    one.send(b"it")
    assert two.recv() == b"it"
    context.destroy()


def redis():
    import redis

    client = redis.Redis(host="127.0.0.1", port=1)
    try:
        client.get("it")
    except redis.ConnectionError:
        return
    raise AssertionError("there is a server")


def regex():
    import regex

    assert regex.findall(r"\p{Lu}", "aBÄ") == ["B", "Ä"]


def reportlab():
    import io

    from reportlab.pdfgen.canvas import Canvas

    stream = io.BytesIO()
    canvas = Canvas(stream)
    canvas.drawString(9, 9, "it")
    canvas.save()
    assert stream.getvalue().startswith(b"%PDF")


def requests():
    import requests

    session = requests.Session()
    prepared = session.prepare_request(requests.Request("GET", "https://x.org", params={"a": "b"}))
    assert prepared.url == "https://x.org/?a=b"
    try:
        session.get("http://127.0.0.1:1", timeout=1)
    except requests.ConnectionError:
        return
    raise AssertionError("there is a server")


def rich():
    import io

    from rich.console import Console
    from rich.markdown import Markdown
    from rich.syntax import Syntax
    from rich.table import Table

    stream = io.StringIO()
    table = Table("it")
    table.add_row("größe 👍")
    console = Console(file=stream, width=40)
    console.print(table, Markdown("# it"), Syntax("x = 1", "python"))
    assert "größe" in stream.getvalue()


def ruamel_yaml():
    import io

    from ruamel.yaml import YAML

    stream = io.StringIO()
    YAML().dump(YAML().load("a: 1  # kept\n"), stream)
    assert stream.getvalue() == "a: 1  # kept\n"


def scikit_learn():
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier

    data, target = load_iris(return_X_y=True)
    forest = RandomForestClassifier(n_estimators=5, n_jobs=2, random_state=1)
    assert forest.fit(data, target).score(data, target) > 0.9


def scipy():
    from scipy import optimize, stats

    assert abs(optimize.brentq(lambda x: x * x - 2, 0, 2) ** 2 - 2) < 1e-9
    assert stats.norm.cdf(0) == 0.5


def setuptools():
    # Not pkg_resources, for which all wheels would lie on the filesystem.
    import setuptools

    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "it"))
        open(os.path.join(folder, "it/__init__.py"), "w").close()
        assert setuptools.find_packages(folder) == ["it"]
    assert setuptools.Distribution({"name": "it"}).get_name() == "it"


def simplejson():
    import simplejson

    assert simplejson.loads(simplejson.dumps({"it": 1})) == {"it": 1}


def sortedcontainers():
    from sortedcontainers import SortedList

    assert list(SortedList([2, 1])) == [1, 2]


def sphinx():
    from sphinx.application import Sphinx

    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("conf.py", ""), ("index.rst", "It\n==\n\n.. code:: python\n\n   x = 1\n")):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        pages = os.path.join(folder, "pages")
        Sphinx(folder, folder, pages, pages, "html", status=None, warning=None).build()
        with open(os.path.join(pages, "index.html")) as file:
            assert "It" in file.read()


def sqlalchemy():
    from sqlalchemy import Column, Integer, String, create_engine, select
    from sqlalchemy.orm import Session, declarative_base

    base = declarative_base()

    class Item(base):
        __tablename__ = "items"
        id = Column(Integer, primary_key=True)
        name = Column(String)

    engine = create_engine("sqlite://")
    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Item(name="it"))
        session.commit()
        assert session.scalars(select(Item.name)).all() == ["it"]


def structlog():
    import io

    import structlog

    stream = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    structlog.get_logger().info("it", x=1)
    assert stream.getvalue() == '{"x": 1, "event": "it"}\n'


def sympy():
    import sympy

    x = sympy.Symbol("x")
    assert sympy.integrate(sympy.cos(x), x) == sympy.sin(x)


def tabulate():
    from tabulate import tabulate

    assert tabulate([[1]], headers=["it"]).startswith("  it")


def tenacity():
    from tenacity import retry, stop_after_attempt

    tries = []

    @retry(stop=stop_after_attempt(3))
    def work():
        tries.append(1)
        assert len(tries) == 2

    work()


def tomlkit():
    import tomlkit

    assert tomlkit.dumps(tomlkit.parse("a = 1 # kept\n")) == "a = 1 # kept\n"


def tornado():
    from tornado.ioloop import IOLoop
    from tornado.template import Template

    async def main():
        return Template("{{ x }}").generate(x=5)

    assert IOLoop.current().run_sync(main) == b"5"


def tqdm():
    import io

    from tqdm import tqdm

    stream = io.StringIO()
    assert sum(tqdm([1, 2], file=stream)) == 3 and "100%" in stream.getvalue()


def twisted():
    from twisted.internet import reactor, task
    from twisted.plugin import getPlugins
    from twisted.python.modules import getModule

    results = []
    task.deferLater(reactor, 0, results.append, 1)
    reactor.callLater(0.1, reactor.stop)
    reactor.run()
    assert results == [1]
    assert getModule("twisted.web")["server"].name == "twisted.web.server"
    from twisted.application.service import IServiceMaker

    assert "web" in {plugin.tapname for plugin in getPlugins(IServiceMaker)}


def typer():
    import typer
    from typer.testing import CliRunner

    app = typer.Typer()

    @app.command()
    def hello(name: str):
        typer.echo(f"Hello {name}")

    assert CliRunner().invoke(app, ["it"]).output == "Hello it\n"
    assert "Usage" in CliRunner().invoke(app, ["--help"]).output


def tzdata():
    import zoneinfo

    zoneinfo.reset_tzpath([])
    assert "Europe/Berlin" in zoneinfo.available_timezones()
    assert zoneinfo.ZoneInfo.no_cache("Europe/Berlin").key == "Europe/Berlin"


def ujson():
    import ujson

    assert ujson.loads(ujson.dumps({"it": 1})) == {"it": 1}


def uvloop():
    import uvloop

    loop = uvloop.new_event_loop()
    assert loop.run_until_complete(asyncio.sleep(0, 5)) == 5
    loop.close()


def websockets():
    import websockets

    async def main():
        async def echo(socket):
            await socket.send(await socket.recv())

        async with websockets.serve(echo, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with websockets.connect(f"ws://127.0.0.1:{port}") as client:
                await client.send("it")
                return await client.recv()

    assert asyncio.run(main()) == "it"


def wrapt():
    import wrapt

    @wrapt.decorator
    def double(wrapped, instance, args, kwargs):
        return 2 * wrapped(*args, **kwargs)

    assert double(abs)(-4) == 8


def xlsxwriter():
    import io

    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        book.add_worksheet().write("A1", "it")
    assert stream.getvalue().startswith(b"PK")


def xmltodict():
    import xmltodict

    assert xmltodict.parse("<a><b>it</b></a>") == {"a": {"b": "it"}}


def yarl():
    from yarl import URL

    assert str(URL("http://x.org/a") / "ö") == "http://x.org/a/%C3%B6"


def zope_event():
    import zope.event

    seen = []
    zope.event.subscribers.append(seen.append)
    zope.event.notify(1)
    assert seen == [1]


def zope_interface():
    from zope.interface import Interface, implementer, providedBy

    class It(Interface):
        pass

    @implementer(It)
    class Thing:
        pass

    assert It in providedBy(Thing())


def zstandard():
    import zstandard

    assert zstandard.decompress(zstandard.compress(b"it" * 99)) == b"it" * 99
