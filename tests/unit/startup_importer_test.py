# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from unit.payloads import make, pythons, run, write_part, write_sources
from unit.wheels import write_wheel

FILES: dict[str, str | bytes] = {
    "single.py": "VALUE = 'größe'\n",
    "app/__init__.py": "'''An app.'''\nfrom . import main\n",
    "app/main.py": "import linecache\n\ndef fail():\n    raise ValueError('oh')\n",
    "app/broken.py": "def f(:\n",
    "app/wrong.py": "1 / 0\n",
    "app/needy.py": "import not_there\n",
    "app/data/table.txt": "größe\n",
    "app/data/deep/zero.bin": b"\0\xff",
    "app/notes.txt": "",
    "app/dos.txt": "a\r\nb\rc\n",
    "ns/one/__init__.py": "",
    "ns/two.py": "",
    "my_app-1.5.dist-info/METADATA": "Metadata-Version: 2.1\nName: My.App\nVersion: 1.5\n",
    "my_app-1.5.dist-info/entry_points.txt": "[console_scripts]\nmy-app = app.main:fail\n",
    "my_app-1.5.dist-info/RECORD": (
        "app/__init__.py,sha256=x,1\nsingle.py,,\napp/broken.py,,\napp/notes.txt,,\ngone.py,,\n"
    ),
    "other-2.dist-info/METADATA": "Metadata-Version: 2.1\nName: other\nVersion: 2\n",
    "vendored/deep-3.dist-info/METADATA": "Metadata-Version: 2.1\nName: deep\nVersion: 3\n",
}


@pytest.fixture(scope="module", params=pythons(), ids=str)
def python(request: Any) -> str:
    path: str = request.param
    return path


@pytest.fixture(scope="module")
def payload(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the bytecode of that Python, and sources."""
    path = tmp_path_factory.mktemp("it") / "program"
    write_part(path, python, FILES, sources=True)
    return path


@pytest.fixture(scope="module")
def sourceless(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As it is by default: with the bytecode of that Python, but for what does not compile."""
    path = tmp_path_factory.mktemp("it") / "program"
    write_part(path, python, FILES)
    return path


def run_with(python: str, payload: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code, with the payload installed."""
    return run(
        python,
        "from pants_pyoxidizer.startup import importer, payload\n"
        f"importer.install(payload.find({str(payload)!r}))\n" + code,
    )


# Does what PyOxidizer's importer does, but for its code.
OXIDIZED = '''
import inspect, json, sys
from importlib.machinery import ModuleSpec
from pants_pyoxidizer.startup import importer

class OxidizedFinder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ("early", "pkg", "native"):
            return None
        spec = ModuleSpec(name, self, is_package=name == "pkg")
        if name == "native":
            spec.origin, spec.has_location = "/lib/native.so", True
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        if module.__name__ == "early":
            exec(compile(EARLY, "early", "exec"), vars(module))

    def get_code(self, name):
        return compile("def f(): return 1 / 0", name, "exec")

    def get_resource_reader(self, name):
        return None

EARLY = """
from json import dumps
def f(): return [1 for _ in ()]
class C:
    def method(self): pass
    @staticmethod
    def static(): pass
C.itself = C
"""

finder = OxidizedFinder()
sys.meta_path.insert(0, finder)
'''


def test_modules_inside_the_executable_have_a_file(python: str) -> None:
    code = """
import early
assert not hasattr(early, "__file__")
importer.locate_stdlib("/opt/my-app")
import native, pkg, pkg.mod
root = "/opt/my-app/"
files = [module.__file__.replace(root, "ROOT/") for module in (early, pkg, pkg.mod, native)]
print(json.dumps([files, inspect.getfile(pkg).replace(root, ""), json.__spec__.origin == json.__file__]))
assert finder in sys.meta_path and not hasattr(sys, "__file__")
for function in early.f, early.C.method, early.C.static:
    assert function.__code__.co_filename == inspect.getfile(function) == early.__file__
assert json.dumps.__code__.co_filename == json.__file__
assert early.__loader__ is early.__spec__.loader is native.__loader__ is finder
"""
    result = run(python, OXIDIZED + code)
    assert not result.stderr
    files = ["ROOT/early.py", "ROOT/pkg/__init__.py", "ROOT/pkg/mod.py", "/lib/native.so"]
    assert json.loads(result.stdout) == [files, "pkg/__init__.py", True]


def test_code_inside_the_executable_names_that_file(python: str) -> None:
    code = """
importer.locate_stdlib("/opt/my-app")
import pkg.mod, traceback, pkgutil
from importlib import resources
path = "/opt/my-app/pkg/mod.py"
assert pkg.mod.f.__code__.co_filename == inspect.getfile(pkg.mod.f) == path
assert inspect.getmodule(pkg.mod.f.__code__) is pkg.mod
assert pkg.__loader__.is_package("pkg") and pkg.mod.__loader__.get_source("pkg.mod") is None
try:
    pkg.mod.f()
except ZeroDivisionError:
    print(traceback.format_exc().replace(path, "PATH"), end="")
try:
    pkgutil.get_data("pkg", "x")
except OSError:
    print("no data")
"""
    result = run(python, OXIDIZED + code)
    assert not result.stderr
    lines = result.stdout.splitlines()
    assert lines[-3:] == [
        '  File "PATH", line 1, in f',
        "ZeroDivisionError: division by zero",
        "no data",
    ]


def test_another_python_stays_as_it_is(python: str) -> None:
    code = "import sys\nfrom pants_pyoxidizer.startup import importer\nbefore = [*sys.meta_path]\n"
    result = run(python, f"{code}importer.locate_stdlib('/x')\nprint(sys.meta_path == before)")
    assert result.stdout == "True\n"


@pytest.mark.parametrize("flags", [(), ("--sources",)])
def test_code_in_a_folder_names_its_place(
    python: str, payload: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    source = "import inspect\ndef here():\n    return [f.filename for f in inspect.stack()[:1]]\n"
    wheel, lib = write_wheel(tmp_path / "it.whl", {"it/main.py": source}), tmp_path / "lib"
    make(python, "wheel", "--files", *flags, "--output", str(lib), str(wheel))
    code = f"""
        import inspect, sys
        sys.path.append({str(lib)!r})
        importer.install_folder({str(lib)!r})
        from it import main
        it = [
            main.__file__,
            main.__spec__.origin,
            main.here.__code__.co_filename,
            inspect.getsourcefile(main),
            inspect.getsourcefile(main.here),
            *main.here(),
        ]
        assert inspect.getmodule(main.here.__code__) is main
    """
    path = f"{lib}/it/main.py"
    file = path if flags else f"{path}c"
    assert results(python, payload, dedent(code)) == [file, file, path, path, path, path]


def test_sources_in_a_folder_are_compared_only_with_bytecode_that_was_not_made_for_it(
    python: str, payload: Path, tmp_path: Path
) -> None:
    files = {"it/ours.py": "VALUE = 1\n", "it/odd.py": "def f(:\n"}
    wheel, lib = write_wheel(tmp_path / "it.whl", files), tmp_path / "lib"
    make(python, "wheel", "--files", "--sources", "--output", str(lib), str(wheel))
    (lib / "it/ours.py").write_text("VALUE = 2\n")
    (lib / "it/theirs.py").write_text("VALUE = 1\n")
    code = f"""
        import py_compile, sys
        sys.path.append({str(lib)!r})
        importer.install_folder({str(lib)!r})
        py_compile.compile({str(lib / "it/theirs.py")!r})
        with open({str(lib / "it/theirs.py")!r}, "w") as file:
            file.write("VALUE = 1 + 1\\n")
        from it import ours, theirs
        it = [ours.VALUE, theirs.VALUE, ours.__cached__ == ours.__spec__.cached]
        try:
            from it import odd
        except SyntaxError as error:
            it.append(error.filename)
    """
    found = results(python, payload, dedent(code))
    assert found == [1, 2, True, str(lib / "it/odd.py")]


def results(python: str, payload: Path, code: str) -> Any:
    """The value of `it` when the code has run, with `ROOT` for the payload's path."""
    # In a function of a module of its own, so that nothing here is in the way.
    result = run_with(python, payload, f"{code}\nimport json; print(json.dumps(it))\n")
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout.replace(str(payload), "ROOT"))


def describe(name: str) -> str:
    """Code that describes a module."""
    return f"""
import {name}, sys
m = sys.modules[{name!r}]
it = dict(
    name=m.__name__, file=getattr(m, "__file__", None), package=m.__package__, doc=m.__doc__,
    path=[*m.__path__] if hasattr(m, "__path__") else None, origin=m.__spec__.origin,
    has_location=m.__spec__.has_location, parent=m.__spec__.parent,
)
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "single",
            dict(file="ROOT/single.py", package="", doc=None, path=None, has_location=True),
        ),
        (
            "app",
            dict(
                file="ROOT/app/__init__.py",
                package="app",
                doc="An app.",
                path=["ROOT/app"],
                has_location=True,
            ),
        ),
        (
            "app.main",
            dict(file="ROOT/app/main.py", package="app", doc=None, path=None, has_location=True),
        ),
        (
            "ns",
            dict(file=None, package="ns", doc=None, path=["ROOT/ns"], has_location=False),
        ),
        (
            "ns.one",
            dict(
                file="ROOT/ns/one/__init__.py",
                package="ns.one",
                doc=None,
                path=["ROOT/ns/one"],
                has_location=True,
            ),
        ),
        (
            "ns.two",
            dict(file="ROOT/ns/two.py", package="ns", doc=None, path=None, has_location=True),
        ),
    ],
)
def test_modules(python: str, payload: Path, name: str, expected: dict[str, Any]) -> None:
    assert results(python, payload, describe(name)) == {
        "name": name,
        "origin": expected["file"],
        "parent": expected["package"],
        **expected,
    }


def test_a_namespace_package_may_be_partly_on_the_filesystem(
    python: str, payload: Path, tmp_path: Path
) -> None:
    (tmp_path / "ns").mkdir()
    (tmp_path / "ns/three.py").write_text("")
    (tmp_path / "single.py").write_text("VALUE = 'hidden'")
    code = f"""
import sys; sys.path.append({str(tmp_path)!r})
import ns.two, ns.three, single
it = [ns.two.__file__, ns.three.__file__, single.VALUE]
"""
    assert results(python, payload, code) == ["ROOT/ns/two.py", f"{tmp_path}/ns/three.py", "größe"]


def test_modules_may_have_their_source_only(python: str, tmp_path: Path) -> None:
    latin = "# -*- coding: latin-1 -*-\nVALUE = 'größe'\n".encode("latin-1")
    files: dict[str, str | bytes] = {"app/__init__.py": "'An app.'\n", "app/latin.py": latin}
    payload = write_sources(tmp_path / "program", files)
    code = """
import inspect, sys
sys.dont_write_bytecode = False
import app.latin
it = [app.__doc__, app.__path__, app.__file__, app.latin.VALUE, app.latin.__file__]
it.append(inspect.getsource(app.latin))
"""
    assert results(python, payload, code) == [
        *("An app.", ["ROOT/app"], "ROOT/app/__init__.py", "größe", "ROOT/app/latin.py"),
        latin.decode("latin-1"),
    ]
    assert [*tmp_path.iterdir()] == [payload]


def test_modules_may_be_compressed(python: str, tmp_path: Path) -> None:
    (tmp_path / "rarely_used/app").mkdir(parents=True)
    (tmp_path / "rarely_used/app/__init__.py").write_text("'An app.'\n")
    (tmp_path / "rarely_used/app/main.py").write_text("VALUE = 'größe'\n", encoding="utf-8")
    payload = tmp_path / "program"
    make(python, "modules", "--output", str(payload), str(tmp_path / "rarely_used"))
    code = """
import app.main
it = [app.__doc__, app.__file__, app.main.VALUE, app.main.__loader__.get_source("app.main")]
"""
    assert results(python, payload, code) == ["An app.", "ROOT/app/__init__.py", "größe", None]


@pytest.mark.parametrize("name", ["nothing", "app.nothing", "app.data", "ns.three"])
def test_modules_that_are_not_there(python: str, payload: Path, name: str) -> None:
    code = f"""
import importlib
try:
    importlib.import_module({name!r})
except ImportError as e:
    it = [type(e).__name__, str(e)]
"""
    assert results(python, payload, code) == ["ModuleNotFoundError", f"No module named {name!r}"]


def test_sources(python: str, payload: Path) -> None:
    code = """
import inspect, linecache, app.main, single
it = [
    app.main.__loader__.get_source("app.main"),
    linecache.getlines(app.main.__file__, app.main.__dict__),
    inspect.getsource(app.main.fail),
    inspect.getsource(single),
]
"""
    assert results(python, payload, code) == [
        FILES["app/main.py"],
        ["import linecache\n", "\n", "def fail():\n", "    raise ValueError('oh')\n"],
        "def fail():\n    raise ValueError('oh')\n",
        FILES["single.py"],
    ]


def test_a_reload_runs_the_module_again(python: str, payload: Path) -> None:
    code = """
import importlib, single
single.VALUE = 0
again = importlib.reload(single)
it = [again is single, single.VALUE, single.__file__]
"""
    assert results(python, payload, code) == [True, "größe", "ROOT/single.py"]


def test_pkgutil(python: str, payload: Path) -> None:
    code = """
import pkgutil, sys, app, ns
it = {
    "top": sorted(m.name for m in pkgutil.iter_modules([sys.path[0]])),
    "app": [[m.name, m.ispkg] for m in pkgutil.iter_modules(app.__path__, "app.")],
    "ns": [[m.name, m.ispkg] for m in pkgutil.walk_packages(ns.__path__, "ns.")],
    "data": pkgutil.get_data("app", "data/table.txt").decode(),
    "zero": [*pkgutil.get_data("app.main", "data/deep/zero.bin")],
}
"""
    assert results(python, payload, code) == {
        "top": ["app", "single"],
        "app": [
            ["app.broken", False],
            ["app.main", False],
            ["app.needy", False],
            ["app.wrong", False],
        ],
        "ns": [["ns.one", True], ["ns.two", False]],
        "data": "größe\n",
        "zero": [0, 255],
    }


def test_data_that_is_not_there(python: str, payload: Path) -> None:
    code = """
import pkgutil
try:
    pkgutil.get_data("app", "nothing.txt")
except OSError as e:
    it = [type(e).__name__, e.errno, e.filename]
"""
    assert results(python, payload, code) == ["FileNotFoundError", 2, "ROOT/app/nothing.txt"]


def test_data_above_a_package(python: str, payload: Path) -> None:
    code = """
import pkgutil, single
it = [
    pkgutil.get_data("ns.one", "../../app/data/../notes.txt").decode(),
    single.__loader__.get_data(single.__file__ + "/../app//notes.txt").decode(),
]
try:
    pkgutil.get_data("app", "../../etc/passwd")
except OSError as e:
    it.append(type(e).__name__)
"""
    assert results(python, payload, code) == ["", "", "FileNotFoundError"]


def test_runpy_runs_modules(python: str, payload: Path) -> None:
    code = """
import runpy
it = [runpy.run_module(name)["__file__"] for name in ("single", "ns.two")]
"""
    assert results(python, payload, code) == ["ROOT/single.py", "ROOT/ns/two.py"]


# --- importlib.resources


def test_resources_of_all_pythons(python: str, payload: Path) -> None:
    code = """
import importlib.resources as r, sys, warnings
warnings.simplefilter("ignore")
with r.path("app", "notes.txt") as path:
    it = [path.read_text(), r.read_text("app", "notes.txt"), r.is_resource("app", "notes.txt")]
"""
    assert results(python, payload, code) == ["", "", True]


def resources(python: str, payload: Path, code: str) -> Any:
    code = f"""
import importlib.resources as r, sys
if sys.version_info < (3, 10):
    it = "too old"
else:
{indent(code, "    ")}
"""
    it = results(python, payload, code)
    if it == "too old":
        pytest.skip("Python 3.9 asks loaders for files in another way")
    return it


def test_files(python: str, payload: Path) -> None:
    code = """
files = r.files("app")
table = files / "data" / "table.txt"
it = {
    "files": str(files),
    "children": [[p.name, p.is_dir(), p.is_file()] for p in files.iterdir()],
    "table": [table.read_text(encoding="utf-8"), table.name, table.is_file(), table.is_dir()],
    "joined": [*files.joinpath("data/deep/zero.bin").read_bytes()],
    "lines": table.open(encoding="utf-8").readlines(),
    "binary": [*(files / "data/deep/zero.bin").open("rb").read()],
    "missing": [(files / "no").is_file(), (files / "no").is_dir()],
    "exist": [it.exists() for it in (files, table, files / "no")],
}
"""
    assert resources(python, payload, code) == {
        "files": "ROOT/app",
        "children": [
            ["__init__.py", False, True],
            ["broken.py", False, True],
            ["data", True, False],
            ["dos.txt", False, True],
            ["main.py", False, True],
            ["needy.py", False, True],
            ["notes.txt", False, True],
            ["wrong.py", False, True],
        ],
        "table": ["größe\n", "table.txt", True, False],
        "joined": [0, 255],
        "lines": ["größe\n"],
        "binary": [0, 255],
        "missing": [False, False],
        "exist": [True, True, False],
    }


def test_what_is_listed_can_be_read(python: str, sourceless: Path) -> None:
    """Modules without their source are bytecode that Python loads, as they are in `lib`."""
    code = """
import marshal
from importlib._bootstrap_external import _classify_pyc
files = r.files("app")
it = {path.name: path.is_file() for path in files.iterdir()}
for path in files.iterdir():
    assert path.exists() and path.is_dir() != path.is_file()
    if path.name.endswith(".pyc"):
        data = path.read_bytes()
        assert _classify_pyc(data, path.name, {}) == 1  # It is not checked against a source.
        marshal.loads(data[16:])
it["main.py"] = (files / "main.py").exists()
it["broken.pyc"] = (files / "broken.pyc").exists()
"""
    assert resources(python, sourceless, code) == {
        "__init__.pyc": True,
        "broken.py": True,
        "data": False,
        "dos.txt": True,
        "main.pyc": True,
        "needy.pyc": True,
        "notes.txt": True,
        "wrong.pyc": True,
        "main.py": False,
        "broken.pyc": False,
    }


def test_folders_as_files(python: str, sourceless: Path) -> None:
    code = """
import os, subprocess
if sys.version_info < (3, 12):
    it = None
else:
    with r.as_file(r.files("app")) as folder:
        it = sorted(os.listdir(folder))
        code = "import app.main; print(app.main.__file__)"
        argv = [sys.executable, "-c", code]
        output = subprocess.check_output(argv, cwd=folder.parent, text=True)
        assert output == f"{folder}/main.pyc\\n"
    with r.as_file(r.files("ns.one")) as folder:
        it += os.listdir(folder)
"""
    names = ["__init__.pyc", "broken.py", "data", "dos.txt", "main.pyc", "needy.pyc", "notes.txt"]
    expected = [*names, "wrong.pyc", "__init__.pyc"]
    assert resources(python, sourceless, code) in (None, expected)


def test_paths_with_two_dots(python: str, payload: Path) -> None:
    code = """
files = r.files("ns.one")
above = files / ".." / ".."
it = [
    (files / "../../app/./data/" / "table.txt").read_text(encoding="utf-8"),
    (above / "app/notes.txt").is_file(),
    str(above.joinpath("app", "..", "ns")),
    above == files.joinpath("..", ".."), above.is_dir(),
    [(above / path).exists() for path in ("..", "../program", "../app/notes.txt")],
    str(above / "../app"),
]
"""
    assert resources(python, payload, code) == [
        *("größe\n", True, "ROOT/ns", True, True),
        [False, False, False],
        "ROOT/../app",
    ]


def test_ends_of_lines(python: str, payload: Path) -> None:
    """As a file on disk has them."""
    code = """
dos = r.files("app") / "dos.txt"
it = [dos.read_text(), dos.read_text(encoding=None), dos.open().read(), dos.read_bytes().decode()]
it.append(dos.open(encoding="utf-8", newline="").read())
"""
    text = "a\nb\nc\n"
    assert resources(python, payload, code) == [text, text, text, *["a\r\nb\rc\n"] * 2]


def test_as_file(python: str, payload: Path) -> None:
    code = """
with r.as_file(r.files("app") / "data/table.txt") as path:
    it = [path.read_text(encoding="utf-8"), path.is_file()]
it.append(path.exists())
"""
    assert resources(python, payload, code) == ["größe\n", True, False]


def test_files_that_cannot_be_read(python: str, payload: Path) -> None:
    code = """
def error(f, *args):
    try:
        f(*args)
    except Exception as e:
        return [type(e).__name__, getattr(e, "filename", str(e))]

files = r.files("app")
it = [
    error((files / "nothing").read_bytes),
    error((files / "data").read_bytes),
    error(lambda: list((files / "notes.txt").iterdir())),
    error((files / "notes.txt").open, "w"),
]
"""
    assert resources(python, payload, code) == [
        ["FileNotFoundError", "ROOT/app/nothing"],
        ["FileNotFoundError", "ROOT/app/data"],
        ["NotADirectoryError", "ROOT/app/notes.txt"],
        ["ValueError", "invalid mode for a file inside of an executable: 'w'"],
    ]


# --- importlib.metadata


@pytest.mark.parametrize("name", ["My.App", "my_app", "MY-APP"])
def test_a_distribution(python: str, payload: Path, name: str) -> None:
    code = f"""
import importlib.metadata as m
d = m.distribution({name!r})
it = {{
    "version": m.version({name!r}), "name": d.metadata["Name"],
    "files": [str(f) for f in d.files if str(f) != "gone.py"], "missing": d.read_text("nothing"),
    "init": d.locate_file("app/__init__.py").read_text(),
    "file": d.files[1].read_text(),
    "entry points": [[e.name, e.value] for e in d.entry_points],
}}
"""
    assert results(python, payload, code) == {
        "version": "1.5",
        "name": "My.App",
        "files": ["app/__init__.py", "single.py", "app/broken.py", "app/notes.txt"],
        "missing": None,
        "init": FILES["app/__init__.py"],
        "file": FILES["single.py"],
        "entry points": [["my-app", "app.main:fail"]],
    }


def test_its_files(python: str, sourceless: Path) -> None:
    """By default, most sources are not there, but bytecode is."""
    code = """
import importlib.metadata as m, sys
files = m.files("my_app")
there = [f for f in files if f.locate().exists()]
assert all(f.read_binary() is not None for f in there)
if sys.version_info >= (3, 11):
    found = m.packages_distributions()
    assert found["app"] == found["single"] == ["My.App"]
if sys.version_info >= (3, 12):
    assert files == there
it = [[str(f), f.hash is None] for f in there]
"""
    assert results(python, sourceless, code) == [
        ["app/__init__.pyc", True],
        ["single.pyc", True],
        ["app/broken.py", True],
        ["app/notes.txt", True],
    ]


def test_all_distributions(python: str, payload: Path) -> None:
    code = """
import importlib.metadata as m
it = sorted([d.metadata["Name"], d.version] for d in m.distributions())
"""
    assert results(python, payload, code) == [["My.App", "1.5"], ["other", "2"]]


def test_entry_points_are_loaded(python: str, payload: Path) -> None:
    code = """
import importlib.metadata as m
found = m.entry_points()
scripts = found.select(group="console_scripts") if hasattr(found, "select") else found["console_scripts"]
it = [[e.name, e.load().__module__] for e in scripts]
"""
    assert results(python, payload, code) == [["my-app", "app.main"]]


def test_other_distributions_are_not_there(python: str, payload: Path) -> None:
    code = """
import importlib.metadata as m, sys
it = []
for name, path in ("deep", sys.path), ("nothing", sys.path), ("other", ["/elsewhere"]):
    it.append(len(list(m.distributions(name=name, path=path))))
"""
    assert results(python, payload, code) == [0, 0, 0]


# --- Tracebacks


def frames(python: str, payload: Path, code: str) -> list[str]:
    """The files in the traceback, and its last line."""
    result = run_with(python, payload, code)
    lines = result.stderr.replace(str(payload), "ROOT").splitlines()
    files = [line.split('"')[1] for line in lines if line.lstrip().startswith('File "')]
    return [*files, lines[-1]]


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (
            "app.needy",
            ["ROOT/app/needy.py", "ModuleNotFoundError: No module named 'not_there'"],
        ),
        ("app.wrong", ["ROOT/app/wrong.py", "ZeroDivisionError: division by zero"]),
        ("app.broken", ["ROOT/app/broken.py", "SyntaxError: invalid syntax"]),
        ("nothing", ["ModuleNotFoundError: No module named 'nothing'"]),
        ("app.nothing", ["ModuleNotFoundError: No module named 'app.nothing'"]),
    ],
)
def test_tracebacks_have_no_frames_of_ours(
    python: str, payload: Path, module: str, expected: list[str]
) -> None:
    assert frames(python, payload, f"import {module}") == ["<string>", *expected]


def test_a_damaged_module_is_said_to_be_so(python: str, tmp_path: Path) -> None:
    payload = write_sources(tmp_path / "program", {"single.py": "VALUE = 12345"})
    payload.write_bytes(payload.read_bytes().replace(b"VALUE = 12345", b"VALUE = 12346"))
    code = """
try:
    import single
except Exception as e:
    it = [type(e).__name__, str(e)]
"""
    assert results(python, payload, code) == [
        "PayloadError",
        "ROOT is damaged; to fix, get a new copy",
    ]


def test_little_is_imported_before_the_program(python: str, payload: Path) -> None:
    """It costs each start."""
    code = f"""
import importlib.machinery, os, sys
before = {{*sys.modules}}
from pants_pyoxidizer.startup import importer, payload, start
importer.install(payload.find({str(payload)!r}))
start.add_builtins()
it = sorted(name for name in {{*sys.modules}} - before if not name.startswith("pants_pyoxidizer"))
"""
    result = run(python, f"{code}\nprint(it)")
    assert result.stdout == "['_sitebuiltins', 'binascii', 'mmap']\n"


def test_namespace_packages_in_memory_and_on_the_filesystem(
    python: str, payload: Path, tmp_path: Path
) -> None:
    (tmp_path / "ns/three").mkdir(parents=True)
    (tmp_path / "ns/three/__init__.py").write_text("VALUE = 3\n")
    code = f"""
import sys
sys.path.append({str(tmp_path)!r})
import ns.one, ns.two, ns.three
it = [ns.one.__file__, ns.three.VALUE, len(ns.__path__)]
"""
    assert results(python, payload, code) == ["ROOT/ns/one/__init__.py", 3, 2]


def test_distributions_are_those_of_the_library_that_asks(python: str, payload: Path) -> None:
    """`importlib_metadata` looks for what `importlib.metadata` of an older Python lacks."""
    code = """
import sys, types
class Distribution:
    def newest(self):
        return self.read_text("METADATA").splitlines()[1]
class Context:
    name, path = "my.app", sys.path
Context.__module__ = "importlib_metadata"
sys.modules["importlib_metadata"] = types.SimpleNamespace(Distribution=Distribution)
(finder,) = [finder for finder in sys.meta_path if hasattr(finder, "payload")]
it = [distribution.newest() for distribution in finder.find_distributions(Context())]
"""
    assert results(python, payload, code) == ["Name: My.App"]
