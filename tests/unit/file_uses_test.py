# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from textwrap import dedent

import pytest

from pants_pyoxidizer.programs.wheels.file_uses import ANY, PACKAGES, RESOURCE, find_uses

MODULES = {"app", "app.main", "app.other", "app.sub", "app.sub.deep"}


def uses(source: str, module: str = "app.main", is_package: bool = False) -> list[tuple[str, str]]:
    """What is neither about data nor about packages that others name."""
    found = find_uses(dedent(source).encode(), module, is_package, MODULES)
    other = (ANY, PACKAGES, RESOURCE)
    return [(use.kind, use.what) for use in found.uses if use.kind not in other]


def uses_of(source: str, *kinds: str) -> list[tuple[str, str]]:
    found = find_uses(dedent(source).encode(), "app.main", False, MODULES)
    return [(use.kind, use.what) for use in found.uses if use.kind in kinds]


FILE = ("file", "`__file__`")


@pytest.mark.parametrize(
    "source",
    [
        "import os\nopen(os.path.join(os.path.dirname(__file__), 'x'))",
        "from pathlib import Path\ndef f(): return Path(__file__).parent",
        "x = globals()['__file__']",
        "import app\nprint(app.__file__)",
        "import app.sub\nprint(app.sub.__file__)",
        "import app.sub as s\nprint(s.__file__)",
        "from app import other\nprint(other.__file__)",
        "from . import other as o\nprint(o.__file__)",
        "from .sub import deep\nprint(deep.__file__)",
        "import app\nprint(getattr(app, '__file__', None))",
        "import sys\nprint(sys.modules[__name__].__file__)",
        "import sys\nprint(sys.modules['app.other'].__file__)",
        "import importlib\nprint(importlib.import_module(__name__).__file__)",
        "print(__import__('app').__file__)",
        "if __name__ != '__main__':\n    print(__file__)",
        "if __name__ == '__main__':\n    pass\nelse:\n    print(__file__)",
        "if name == '__main__':\n    print(__file__)",
        "try:\n    x = __file__\nexcept NameError:\n    pass",
    ],
)
def test_where_a_module_is(source: str) -> None:
    assert uses(source) == [FILE]


@pytest.mark.parametrize(
    "source",
    [
        "import os\nprint(os.path.dirname('x'))",
        "if __name__ == '__main__':\n    print(__file__)",
        "if '__main__' == __name__:\n    print(__file__)",
        "'''It has a __file__.'''",
        "# __file__",
        "__file__ = 'x'",
        "def f(module): return module.__file__",
        "import sys\ndef f(name): return sys.modules[name].__file__",
        "def f(x): return getattr(x, '__file__', None)",
        "def f(x):\n    x.__path__ = []",
        "import pkgutil\n__path__ = pkgutil.extend_path(__path__, __name__)",
        "import pkgutil\n[m.name for m in pkgutil.iter_modules(__path__)]",
        "import app.sub\nfrom pkgutil import walk_packages\nwalk_packages(path=app.sub.__path__)",
        "from importlib.util import find_spec\nhas_it = find_spec('x') is not None",
        "import pkgutil\npkgutil.get_data('app', 'x.txt')",
        "from importlib.resources import files\nfiles('app').joinpath('x').read_text()",
        "from importlib import metadata\nmetadata.version('app')",
        "import inspect\ndef f(thing): return inspect.getfile(thing)",
        "origin = '__spec__'\nx.origin",
        "import glob\nglob.glob('/etc/*')",
        "import importlib",
        "try:\n    from importlib import metadata\nexcept ImportError:\n    import pkg_resources",
        "try:\n    import x\nexcept (ImportError, ModuleNotFoundError):\n    import imp",
    ],
)
def test_what_works_in_memory(source: str) -> None:
    assert uses(source) == []


@pytest.mark.parametrize(
    ("source", "use"),
    [
        ("import os\nos.listdir(__path__[0])", "`__path__`"),
        ("import app\nprint(app.__path__)", "`__path__`"),
        ("import os\nos.stat(__cached__)", "`__cached__`"),
        ("print(__spec__.origin)", "`origin`"),
        ("from importlib.util import find_spec\nprint(find_spec('app').origin)", "`origin`"),
        ("x = spec.submodule_search_locations[0]", "`submodule_search_locations`"),
        ("import inspect\ninspect.getfile(inspect.currentframe())", "`inspect.getfile`"),
        ("class A: pass\nimport inspect\ninspect.getfile(A)", "`inspect.getfile`"),
        ("from .other import A\nimport inspect\ninspect.getfile(A)", "`inspect.getfile`"),
        ("def f(self): return inspect.getsourcefile(type(self))", "`inspect.getsourcefile`"),
        ("def f(self): return inspect.getfile(self.__class__)", "`inspect.getfile`"),
        ("import imp", "`imp`"),
        ("from imp import load_source", "`imp`"),
        (
            "import importlib.resources as r\nwith r.path('app', 'x') as p: pass",
            "`importlib.resources.path`",
        ),
        (
            "import importlib_resources\nimportlib_resources.files('app') / 'x'",
            "`importlib_resources.files`",
        ),
        (
            "from importlib.resources import files\ndef f(x):\n for y in files(x).iterdir(): pass",
            "folders of resources",
        ),
        (
            "import importlib_resources\ndef f(x): importlib_resources.files(x).rglob('*')",
            "folders of resources",
        ),
    ],
)
def test_other_things_that_need_files(source: str, use: str) -> None:
    assert uses(source) == [("file", use)]


@pytest.mark.parametrize(
    ("source", "use"),
    [
        ("def f(package): return package.__path__[0]", "`__path__`"),
        ("from importlib.util import find_spec\ndef f(x): return find_spec(x).origin", "`origin`"),
        ("x = spec.submodule_search_locations[0]", "`submodule_search_locations`"),
        (
            "from importlib.resources import files\ndef f(name): return files(name)",
            "`importlib.resources.files`",
        ),
        ("import pkg_resources", "`pkg_resources`"),
        ("import imp", "`imp`"),
    ],
)
def test_folders_of_packages_that_others_name(source: str, use: str) -> None:
    assert uses_of(source, PACKAGES) == [("packages", use)]


@pytest.mark.parametrize(
    "source",
    [
        "def f(module): return module.__file__",
        "import os\nos.listdir(__path__[0])",
        "import inspect\ninspect.stack()[1].filename",
        "import pkgutil\ndef f(package): return [*pkgutil.iter_modules(package.__path__)]",
        "from importlib.resources import files\ndef f(x): return files(x).joinpath('y').read_text()",
        "from importlib.resources import files\nopen(files('app') / 'x')",
    ],
)
def test_what_names_no_folder_of_others(source: str) -> None:
    assert uses_of(source, PACKAGES) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pkg_resources",
        "from pkg_resources import parse_version",
        "import pkg_resources.extern as e",
        "__import__('pkg_resources').declare_namespace(__name__)",
        "try:\n    import pkg_resources\nexcept ImportError:\n    pass",
        "try:\n    import x\nexcept ValueError:\n    import pkg_resources",
        "def f():\n    from importlib import metadata\n    from pkg_resources import working_set",
    ],
)
def test_pkg_resources(source: str) -> None:
    assert uses(source) == [("file", "`pkg_resources`")]


@pytest.mark.parametrize(
    "source",
    [
        "import pkg_resources\npkg_resources.require('six')",
        "from pkg_resources import get_distribution",
        "from pkg_resources import *",
        "import pkg_resources as p\nfor e in p.iter_entry_points('x'): pass",
        "__import__('pkg_resources').working_set",
    ],
)
def test_distributions_that_pkg_resources_looks_for(source: str) -> None:
    assert uses(source) == [("distributions", "`pkg_resources`"), ("file", "`pkg_resources`")]


@pytest.mark.parametrize(
    "source",
    [
        "import pkg_resources\nv = pkg_resources.get_distribution('Typing_Extensions').version",
        "from pkg_resources import get_distribution as g\ng('typing.extensions')",
    ],
)
def test_a_distribution_that_pkg_resources_looks_for(source: str) -> None:
    assert uses(source) == [("distribution", "typing-extensions"), ("file", "`pkg_resources`")]


@pytest.mark.parametrize(
    "source",
    [
        "import pkg_resources\npkg_resources.get_distribution('six')\npkg_resources.require('six')",
        "import pkg_resources as p\np.get_distribution('six')\np.get_distribution(name)",
        "from pkg_resources import get_distribution\nget_distribution",
        "from pkg_resources import get_distribution as g, require as r\ng('six')\nr('six')",
        "import pkg_resources\npkg_resources.get_distribution('six>=1')",
        "from pkg_resources import *\nget_distribution('six')\nf = get_distribution",
    ],
)
def test_one_of_which_the_name_is_not_seen(source: str) -> None:
    assert ("distributions", "`pkg_resources`") in uses(source)


def test_what_a_module_cannot_be_imported_without() -> None:
    source = """
        import os.path, sphinx.util, app.other, tomllib
        from docutils import nodes
        from . import other
        try:
            import attr
        except ImportError:
            pass
        def f():
            import lazy
            print(__file__)
        """
    found = find_uses(dedent(source).encode(), "app.main", False, MODULES)
    assert found.needs == ("docutils", "sphinx")


@pytest.mark.parametrize(
    "source",
    [
        "import inspect\ninspect.getsource(f)",
        "from inspect import *\ngetsourcelines(f)",
        "import linecache\nlinecache.getlines(f.__code__.co_filename)",
    ],
)
def test_sources_are_read_in_memory_too(source: str) -> None:
    assert uses(source) == []


def test_other_modules_are_for_others_to_judge() -> None:
    source = "import os, lib.core\nfrom lib import x\nprint(os.__file__, lib.core.__path__)\n"
    assert uses(source + "getattr(x, '__file__')") == [
        ("module", "lib.core"),
        ("module", "os"),
        ("module", "lib.x"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "files(__package__).joinpath('x').read_text()",
        "files('app').joinpath('x', 'y').joinpath('z').read_bytes()",
        "(files('app.sub') / 'x' / 'y').read_text()",
        "with files(app).joinpath('x').open('rb') as file: pass",
        "with (files(anchor=other) / 'x').open() as file: pass",
        "files().joinpath('x').is_file()",
        "files(__spec__.parent).joinpath('x').read_text()",
        "def f():\n folder = files('app') / 'x'\n file = folder / 'y'\n file.open()\n file.open()",
        "text = (files('app') / 'x').read_text()\nopen(text)",
        "async def f():\n  file = files('app')\n  file = file / 'x'\n  file.read_text()",
    ],
)
def test_data_that_is_only_read(source: str) -> None:
    imports = "import app\nfrom importlib.resources import files\nfrom app import other\n"
    found = [("resource", "`importlib.resources.files`")]
    assert uses_of(imports + source, RESOURCE, "file") == found


@pytest.mark.parametrize(
    "source",
    [
        "open(files('app') / 'x')",
        "str(files('app').joinpath('x'))",
        "with as_file(files('app') / 'x') as path: pass",
        "def f():\n  file = files('app') / 'x'\n  file.read_text()\n  open(file)",
        # Others may import it.
        "FILE = files('app') / 'x'\nFILE.read_text()",
        "class C:\n  FILE = files('app') / 'x'",
        "def f():\n  class C:\n    FILE = files('app') / 'x'",
        "def f(): return files('app')",
        "join = files('app').joinpath\njoin('x').read_text()",
        "a = b = files('app')",
        "'x' / files('app')",
    ],
)
def test_data_of_which_a_path_may_be_made(source: str) -> None:
    imports = "from importlib.resources import as_file, files\n"
    assert uses_of(imports + source, RESOURCE, "file") == [("file", "`importlib.resources.files`")]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pkgutil\npkgutil.get_data(__name__, 'x')", ("resource", "`pkgutil.get_data`")),
        ("from pkgutil import get_data as g\ng('app', 'x')", ("resource", "`pkgutil.get_data`")),
        (
            "from importlib import resources\nresources.read_text(__package__, 'x')",
            ("resource", "`importlib.resources.read_text`"),
        ),
        # Of another distribution, or who knows.
        (
            "from importlib.resources import path\npath('lib', 'x')",
            ("any", "`importlib.resources.path`"),
        ),
        (
            "from importlib.resources import files\ndef f(name): return files(name)",
            ("any", "`importlib.resources.files`"),
        ),
        (
            "from importlib import resources\nf = resources.files",
            ("any", "`importlib.resources.files`"),
        ),
        ("def f(module): return module.__file__", ("any", "`__file__`")),
        ("def f(x): return getattr(x, '__path__')", ("any", "`__path__`")),
        ("import __main__\n__main__.__file__", ("any", "`__file__`")),
        ("import sys\nsys.modules['__main__'].__file__", ("any", "`__file__`")),
        ("x = spec.submodule_search_locations[0]", ("any", "`submodule_search_locations`")),
        (
            "import inspect\ndef f(thing): return inspect.getfile(thing)",
            ("any", "`inspect.getfile`"),
        ),
        ("import inspect\ninspect.stack()[1].filename", ("any", "`inspect.stack`")),
        ("def f(frame): return frame.f_code.co_filename", ("any", "`co_filename`")),
        ("import imp", ("any", "`imp`")),
        ("import pkg_resources", ("any", "`pkg_resources`")),
    ],
)
def test_what_is_done_with_data(source: str, found: tuple[str, str]) -> None:
    assert uses_of(source, ANY, RESOURCE) == [found]


@pytest.mark.parametrize(
    "source",
    [
        "import pkgutil\npkgutil.get_data('lib', 'x')",
        "from importlib.resources import files\ndef f(x): return files(x).joinpath('y').read_text()",
        "def files(x): pass\nfiles('app')",
        "import pkgutil\npkgutil.iter_modules(__path__)",
        "import resources\nresources.files('app')",
    ],
)
def test_data_of_others_may_be_read(source: str) -> None:
    assert uses_of(source, ANY, RESOURCE) == []


def test_relative_imports_of_a_package() -> None:
    assert uses("from . import other\nother.__file__", "app", is_package=True) == [FILE]
    assert uses("from .. import other\nother.__file__", "app.sub", is_package=True) == [FILE]
    assert uses("from .... import other\nother.__file__") == [("module", ".other")]


def test_each_thing_once_with_its_first_line() -> None:
    found = find_uses(b"x.__file__\n\nx = __file__\ny = __file__\n", "app.main", False, MODULES)
    assert [(use.line, use.kind) for use in found.uses] == [(1, "any"), (3, "file")]


@pytest.mark.parametrize(
    "source",
    [
        b"print __file__",
        b"match __file__:\n    case [:\n",
        b"\0__file__",
        b"# coding: nonsense\n__file__",
        b"\xff__file__",
        b"x = " + b"(" * 5000 + b"__file__" + b")" * 5000,
        b"x = " + b"-" * 100_000 + b"__file__",
    ],
)
def test_broken_sources_count_by_their_text(source: bytes) -> None:
    found = find_uses(source, "m", False, ()).uses
    assert [(use.kind, use.what) for use in found] == [FILE, ("any", "`__file__`")]


@pytest.mark.parametrize(
    "source",
    [
        b"print 'import imp'",
        b"\0find_spec('x').origin",
        b"import importlib\nmatch x:\n  resources[",
    ],
)
def test_other_broken_sources_count_for_data_alone(source: bytes) -> None:
    assert [use.kind for use in find_uses(source, "m", False, ()).uses] == ["any"]


@pytest.mark.parametrize("source", [b"", b"print 'x'", b"\0", b"\xff\xfe"])
def test_others_do_not_count(source: bytes) -> None:
    assert find_uses(source, "m", False, ()).uses == ()


def test_other_encodings() -> None:
    source = "# coding: latin-1\nx = 'größe' + __file__".encode("latin-1")
    assert [use.what for use in find_uses(source, "m", False, ()).uses] == ["`__file__`"]
