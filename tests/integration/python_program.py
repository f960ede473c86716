# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The program of `python_test.py`: the first argument names what it does.

It runs in binaries, and with `python -m`, which must do the same.
"""

from __future__ import annotations

import asyncio
import atexit
import code
import concurrent.futures
import ctypes
import curses
import dataclasses
import doctest
import importlib.metadata
import importlib.resources
import importlib.util
import inspect
import json
import locale
import logging
import multiprocessing
import multiprocessing.shared_memory
import os
import pickle
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import typing
import unittest
import warnings
import weakref
from datetime import datetime
from pathlib import Path
from typing import Any

import zoneinfo


@dataclasses.dataclass
class Point:
    x: int
    other: Point | None = None

    def doubled(self) -> int:
        """Doubles x.

        >>> Point(2).doubled()
        4
        """
        return 2 * self.x


def wrong() -> None:
    """Says something else.

    >>> 1 + 1
    3
    """


def double(number: int) -> int:
    return 2 * number


def put(queue: Any, number: int) -> None:
    queue.put(number)


def append(items: Any, block: str) -> None:
    memory = multiprocessing.shared_memory.SharedMemory(block)
    items.append(bytes(memory.buf[:3]).decode())
    memory.close()


def fail() -> None:
    raise ValueError("oh")


def announce(text: str) -> None:
    print(text, flush=True)


# --- What is where


def argv() -> None:
    print(len(sys.argv), sys.argv[2:])


def main_module() -> None:
    main = sys.modules["__main__"]
    print(__name__, __package__, main.__spec__ and main.__spec__.name, main.__dict__ is globals())
    point = pickle.loads(pickle.dumps(Point(1, Point(2))))
    print(point, type(point) is Point, Point.__module__)


def imports() -> None:
    """Where modules are found, and that nothing else is."""
    print(sys.argv[0], sys.frozen)  # type: ignore[attr-defined]
    print(sys.executable)
    print(sys.path)
    print(sys.flags.no_user_site, sys.flags.utf8_mode, sys.flags.optimize)


def data() -> None:
    path = Path(__file__).with_name("data.txt")
    print(__file__, path.exists())
    print(importlib.resources.read_text("app", "data.txt"), end="")


def metadata() -> None:
    distribution = importlib.metadata.distribution("app-dist")
    print(distribution.version, distribution.metadata["Name"])
    print([entry_point.name for entry_point in distribution.entry_points])


def environment() -> None:
    print(sorted(os.environ))


def inspection() -> None:
    print(inspect.getsource(double), end="")
    print(inspect.signature(double), inspect.getmodule(double) is sys.modules["__main__"])
    print(inspect.stack()[0].function, inspect.stack()[0].code_context)
    print(inspect.getsourcefile(double) == __file__)


def standard_library() -> None:
    folder = os.path.dirname(os.__file__)
    things: tuple[Any, ...] = (os, json, json.decoder.JSONDecoder)
    for thing in things:
        print(os.path.relpath(inspect.getfile(thing), folder))
    spec = importlib.util.find_spec("colorsys")
    print(spec is not None and str(spec.origin).endswith("/colorsys.py"))
    print(hasattr(sys, "__file__"), inspect.getmodule(json.loads) is json)


def hints() -> None:
    print(typing.get_type_hints(Point))


# --- What is printed


def text() -> None:
    print("größer €", sys.stdout.encoding, sys.stdin.encoding, sys.getfilesystemencoding())
    print(os.fsencode(sys.argv[2]), file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "ä€").touch()
        print(os.listdir(folder))


def raising() -> None:
    try:
        fail()
    except ValueError as error:
        raise KeyError("ü") from error


def raising_in_the_standard_library() -> None:
    json.loads("{")


def warning() -> None:
    warnings.warn("careful")  # noqa: B028
    warnings.warn("old", DeprecationWarning)  # noqa: B028
    warnings.warn("not seen", PendingDeprecationWarning, stacklevel=99)


def logs() -> None:
    form = "%(filename)s %(lineno)d %(funcName)s %(module)s %(processName)s %(message)s"
    logging.basicConfig(format=form)
    logging.getLogger("x").warning("hello")
    try:
        fail()
    except ValueError:
        logging.exception("failed")


def unraisable() -> None:
    class Failing:
        def __del__(self) -> None:
            fail()

    Failing()


def tests() -> None:
    class Case(unittest.TestCase):
        def test_it(self) -> None:
            self.assertEqual(1, 2)

    globals()["Case"] = Case
    unittest.main(argv=["program", "Case"])


def doctests() -> None:
    print(doctest.testmod())


# --- What is typed


def debugging() -> None:
    number = 40
    breakpoint()
    print(number)


def interaction() -> None:
    code.interact("banner", local={"number": 40}, exitmsg="bye")


def questions() -> None:
    print(input("name? "), sys.stdin.readline(), sys.stdin.read())


# --- How it ends


def exiting() -> None:
    atexit.register(print, "at exit")
    values: dict[str, Any] = {"none": None, "0": 0, "3": 3, "-1": -1, "text": "oh", "big": 256}
    sys.exit(values[sys.argv[2]])


def quitting() -> None:
    exit(4)


def no_newline() -> None:
    sys.stdout.write("out")
    sys.stderr.write("err")


def much() -> None:
    for number in range(100_000):
        print(number)


def at_exit() -> None:
    class Last:
        def __del__(self) -> None:
            print("deleted")

    globals()["last"] = Last()
    point = Point(1)
    weakref.finalize(point, print, "finalized")
    atexit.register(print, "first")
    atexit.register(fail)
    atexit.register(print, "last")


def threads() -> None:
    def late() -> None:
        time.sleep(0.3)
        print("late")

    threading.Thread(target=late).start()
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    thread = threading.Thread(target=fail, name="failing")
    thread.start()
    thread.join()
    print("end")


def forking() -> None:
    sys.stdout.write("parent and child ")
    pid = os.fork()
    if pid == 0:
        sys.exit(5)
    print(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))


def interrupted() -> None:
    try:
        announce("ready")
        time.sleep(60)
    finally:
        announce("cleaned up")


def interrupted_and_caught() -> None:
    try:
        announce("ready")
        time.sleep(60)
    except KeyboardInterrupt:
        sys.exit(130)


def handlers() -> None:
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    print(signal.getsignal(signal.SIGPIPE), signal.getsignal(signal.SIGTERM))


def recursion() -> None:
    def down(depth: int) -> int:
        return down(depth + 1)

    try:
        down(0)
    except RecursionError as error:
        print(str(error)[:32], sys.getrecursionlimit())


# --- Other processes


def processes() -> None:
    context: Any = multiprocessing.get_context(sys.argv[2])
    with context.Pool(2) as pool:
        print(pool.map(double, [1, 2]), pool.apply(Point(3).doubled))
    queue = context.Queue()
    process = context.Process(target=put, args=(queue, 5))
    process.start()
    print(queue.get(timeout=60))
    process.join()
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=3)
    memory.buf[:3] = b"abc"
    with context.Manager() as manager:
        items = manager.list()
        process = context.Process(target=append, args=(items, memory.name))
        process.start()
        process.join()
        print(process.exitcode, list(items))
    memory.close()
    memory.unlink()
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        print(list(executor.map(double, [3, 4])))
    process = context.Process(target=fail)
    process.start()
    process.join()
    print(process.exitcode)


def leaking() -> None:
    """The resource tracker says so, and cleans up."""
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=3)
    announce(memory.name)


def itself() -> None:
    announce(str(getattr(sys, "orig_argv", [sys.executable, *sys.argv])[1:]))
    for command in (
        [sys.argv[0], "argv", "-c"],
        [sys.executable, sys.argv[0], "argv", "a"],
        [sys.executable, "-m", "app.main", "argv", "b"],
        [sys.executable, "-c", "import app.main, sys; print(sys.argv, app.main.double(21))", "c"],
    ):
        subprocess.run(command, check=True)


def installed() -> None:
    """What the standard library says of where things are."""
    import site
    import sysconfig
    import venv

    names = {sys.prefix, sys.exec_prefix, *sysconfig.get_paths().values(), *site.getsitepackages()}
    print(names, [os.path.isdir(name) for name in names])
    try:
        venv.create("/nowhere/venv")
    except OSError as error:
        print(error)


def asynchronous() -> None:
    async def run() -> None:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec("/bin/echo", "hello", stdout=pipe)
        output, _ = await process.communicate()
        print(output.decode(), process.returncode)

    asyncio.run(run())


# --- What the system has


def c_library() -> None:
    print(ctypes.CDLL(None).getpid() == os.getpid())
    ctypes.pythonapi.Py_GetVersion.restype = ctypes.c_char_p
    print(ctypes.pythonapi.Py_GetVersion().decode() == sys.version)


def time_zones() -> None:
    moment = datetime(2024, 7, 1)
    print(zoneinfo.ZoneInfo("Europe/Berlin").utcoffset(moment), bool(zoneinfo.TZPATH))
    zoneinfo.reset_tzpath([])
    zoneinfo.ZoneInfo.clear_cache()
    print(zoneinfo.ZoneInfo("America/New_York").utcoffset(moment))
    print(len(zoneinfo.available_timezones()) > 400)


def tls() -> None:
    import certifi  # type: ignore[import]  # pants: no-infer-dep

    for context in (ssl.create_default_context(cafile=certifi.where()), system_context()):
        print(context.cert_store_stats()["x509_ca"] > 50, context.verify_mode.name)
    print(ssl.get_default_verify_paths())
    os.environ["SSL_CERT_FILE"] = certifi.where()
    print(ssl.get_default_verify_paths().cafile == certifi.where())
    print(system_context().cert_store_stats()["x509_ca"] > 50)


def system_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_default_certs()
    return context


def terminal() -> None:
    curses.setupterm("xterm-256color", 1)
    print(curses.tigetnum("colors"), curses.tigetstr("cup"))


def locales() -> None:
    print(locale.setlocale(locale.LC_CTYPE), locale.setlocale(locale.LC_NUMERIC))
    print(locale.setlocale(locale.LC_ALL, ""))
    print(locale.getpreferredencoding(), locale.localeconv()["decimal_point"])


if __name__ == "__main__":
    globals()[sys.argv[1]]()
