# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The runtime, and the payloads that are added to it."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from benchmarks.pythons import find_python
from integration.projects import project
from integration.repository import Repository, run_binary

TRIPLE = f"{platform.machine()}-unknown-linux-gnu"

REQUIREMENTS = """\
    python_requirement(name="certifi", requirements=["certifi==2024.2.2"])
    python_requirement(name="click", requirements=["click==8.1.7"])
    python_requirement(name="urllib3", requirements=["urllib3==2.2.3"])
    python_requirement(name="markupsafe", requirements=["markupsafe==2.1.5"])
    python_requirement(
        name="setuptools",
        requirements=["setuptools==75.3.0"],
        modules=["pkg_resources", "setuptools"],
    )
    """


def write(repository: Repository, name: str, fields: str, code: str) -> None:
    plugin = f'{{"{name}.plugins": {{"one": "{name}.main:start"}}}}'
    fields = f'entry_point="{name}.main:start", {fields}'
    files = project(name, code, {"bin": fields}, distribution=f"entry_points={plugin},")
    repository.write({"3rdparty/BUILD": REQUIREMENTS, **files})


def package(repository: Repository, name: str, *args: str) -> tuple[Path, str]:
    """The executable, and what Pants said."""
    result = repository.succeed(*args, "package", f"{name}:bin")
    return repository.path / f"dist/{name}/bin/{TRIPLE}/debug/install/bin", result.stderr


def test_an_edit_and_another_binary_start_neither_pyoxidizer_nor_cargo(
    repository: Repository,
) -> None:
    def code(text: str) -> str:
        return f"import click\ndef start(): click.echo('{text}')\n"

    write(repository, "edit", "", code("before"))
    binary, _ = package(repository, "edit")
    assert run_binary(binary).stdout == "before\n"

    # A text that no cache has seen.
    text = f"after {time.time_ns()}"
    write(repository, "edit", "", code(text))
    # A daemon keeps the level of log that it was started with.
    binary, log = package(repository, "edit", "--no-pantsd", "-ldebug")
    assert run_binary(binary).stdout == f"{text}\n"
    stages = r"Building .*(?:runtime|with PyOxidizer).*|Prepare .*\.whl|Embedding .*|Inspect .*"
    ran = re.findall(f"Completed: ({stages})", log)
    # Nothing of third parties is prepared or looked at again.
    assert sorted(ran) == ["Embedding edit:bin", "Inspect 1 wheel"]

    write(repository, "other", "", "def start(): print('another one')\n")
    binary, log = package(repository, "other")
    assert run_binary(binary).stdout == "another one\n"
    assert "runtime" not in log and "with PyOxidizer" not in log


def test_code_in_memory_has_all_that_code_has(repository: Repository) -> None:
    code = """\
        import importlib.metadata
        import inspect
        import pkgutil
        import sys

        import click

        def start():
            print(importlib.metadata.version("click"), importlib.metadata.version("memory-dist"))
            (plugin,) = [
                entry_point
                for distribution in importlib.metadata.distributions()
                for entry_point in distribution.entry_points
                if entry_point.group == "memory.plugins"
            ]
            print(plugin.load() is start)
            print([module.name for module in pkgutil.iter_modules(click.__path__)][:2])
            print(click.__file__ == f"{sys.argv[0]}/click/__init__.py")
            print(inspect.getmodule(start).__name__, sys.argv[1:], __spec__.name)
        """
    write(repository, "memory", 'resources="in-memory"', code)
    binary, log = package(repository, "memory")
    assert "Code: memory-dist, click in the executable.\n" in log
    # What is appended needs nothing beside it; the interpreter's own modules may.
    assert not [path for path in (binary.parent / "lib").iterdir() if path.suffix != ".so"]
    result = run_binary(binary, "a", "b")
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "8.1.7 0.0.1",
        "True",
        "['_compat', '_termui_impl']",
        "True",
        "memory.main ['a', 'b'] memory.main",
    ]


def test_what_no_program_needs_is_left_out(repository: Repository) -> None:
    names = ("ensurepip", "idlelib", "lib2to3", "pip", "setuptools", "test", "unittest.test")
    code = f"""\
        from importlib.util import find_spec

        def start():
            print([name for name in {names} if find_spec(name)], bool(find_spec("unittest")))
        """
    write(repository, "small", "", code)
    binary, _ = package(repository, "small")
    assert run_binary(binary).stdout == "[] True\n"


def test_code_is_read_as_that_of_the_python_that_goes_in(repository: Repository) -> None:
    """Whichever Python runs our programs: an older one does not know all the syntax."""
    if find_python(None).minor_version == "3.9":
        pytest.skip("it needs a Python that is newer than 3.9")
    code = """\
        import inspect

        def kind(value):
            match value:
                case int():
                    return "a number"

        def start():
            print(kind(1), inspect.getsource(kind).splitlines()[-1].strip())
        """
    write(repository, "reads", "", code)
    binary, _ = package(repository, "reads")
    assert run_binary(binary).stdout == 'a number return "a number"\n'


def test_code_on_the_filesystem_is_laid_out_as_by_pip(repository: Repository) -> None:
    code = """\
        import click
        from markupsafe import _speedups

        def start():
            print(__file__)
            print(click.__file__)
            print(_speedups.__file__)
        """
    write(repository, "files", 'resources="filesystem"', code)
    binary, log = package(repository, "files")
    assert "in the executable" not in log
    result = run_binary(binary)
    lib = binary.parent / "lib"
    first, second, third = result.stdout.splitlines()
    assert (first, second) == (f"{lib}/files/main.py", f"{lib}/click/__init__.py")
    assert third.startswith(f"{lib}/markupsafe/_speedups.")


def test_auto_lays_out_native_code_alone(repository: Repository) -> None:
    code = "import click\nimport markupsafe\ndef start(): print(markupsafe.escape('<'))\n"
    write(repository, "auto", "", code)
    binary, log = package(repository, "auto")
    assert "MarkupSafe (native code) in `lib`." in log
    assert run_binary(binary).stdout == "&lt;\n"
    assert (binary.parent / "lib/markupsafe").is_dir()
    assert not (binary.parent / "lib/click").exists()


def test_auto_goes_by_what_code_does(repository: Repository) -> None:
    code = """\
        import os

        import click

        def start():
            click.echo(sorted(os.listdir(os.path.dirname(__file__))))
        """
    write(repository, "uses", "", code)
    binary, log = package(repository, "uses", "--level=debug")
    assert "Code: click in the executable; uses-dist (`__file__`) in `lib`.\n" in log
    table = [" ".join(line.split()) for line in log.splitlines()]
    assert "uses-dist 0.0.1 lib `__file__` (uses/main.py:6)" in table
    assert "click 8.1.7 executable" in table
    assert run_binary(binary).stdout == "['__init__.py', '__pycache__', 'main.py']\n"


def test_auto_keeps_data_in_memory_that_is_only_read(repository: Repository) -> None:
    code = """\
        import os, pkgutil
        from importlib.resources import files

        import certifi
        import urllib3

        def start():
            folder = files(__package__) / "data"
            print((folder / "one.txt").read_text(), pkgutil.get_data("reads", "data/two.txt"))
            worker = files("urllib3") / "contrib/emscripten/emscripten_fetch_worker.js"
            print(len(worker.read_bytes()) > 100, os.path.isfile(certifi.where()), urllib3.__version__)
        """
    write(repository, "reads", "", code)
    build = repository.path / "reads/BUILD"
    sources = 'resources(name="data", sources=["data/*"])\npython_sources(name="lib"'
    build.write_text(
        build.read_text().replace('python_sources(name="lib"', f'{sources}, dependencies=[":data"]')
    )
    repository.write({"reads/data/one.txt": "1", "reads/data/two.txt": "2"})
    binary, log = package(repository, "reads")
    placed = "certifi (`importlib.resources.files`) in `lib`"
    assert f"Code: reads-dist, urllib3 in the executable; {placed}.\n" in log
    for name in ("reads", "urllib3"):
        assert not (binary.parent / "lib" / name).exists()
    assert run_binary(binary).stdout == "1 b'2'\nTrue True 2.2.3\n"


def test_auto_keeps_wheels_together_that_share_a_package(repository: Repository) -> None:
    write(repository, "shared", "", "from shared.inner import text\ndef start(): print(text())\n")
    repository.write(
        {
            "shared/BUILD": """\
                python_sources(name="lib")
                python_distribution(
                    name="dist",
                    dependencies=[":lib"],
                    provides=python_artifact(name="shared-dist", version="0.0.1"),
                )
                pyoxidizer_binary(
                    name="bin",
                    dependencies=[":dist", "shared/inner:dist"],
                    entry_point="shared.main:start",
                )
                """,
            "shared/inner/BUILD": """\
                resources(name="data", sources=["*.txt"])
                python_sources(name="lib", dependencies=[":data"])
                python_distribution(
                    name="dist",
                    dependencies=[":lib"],
                    provides=python_artifact(name="inner-dist", version="0.0.1"),
                )
                """,
            "shared/inner/__init__.py": """\
                import os

                def text():
                    with open(os.path.join(os.path.dirname(__file__), "text.txt")) as file:
                        return file.read()
                """,
            "shared/inner/text.txt": "from a file",
        }
    )
    binary, log = package(repository, "shared")
    inner, shared = "inner-dist (data files)", "shared-dist (shares a package with inner-dist)"
    assert (
        f"Code: {inner}, {shared} in `lib`." in log or f"Code: {shared}, {inner} in `lib`." in log
    )
    assert run_binary(binary).stdout == "from a file\n"


def test_pth_files_and_pkg_resources(repository: Repository) -> None:
    code = """\
        import sys

        # That of setuptools imports it.
        STARTED = "_distutils_hack" in sys.modules

        import click
        import pkg_resources

        def start():
            print(STARTED, pkg_resources.get_distribution("click").version, click.__name__)
        """
    write(repository, "old", "", code)
    binary, log = package(repository, "old")
    assert "click (old-dist looks for it with `pkg_resources`)" in log
    assert run_binary(binary).stdout == "True 8.1.7 click\n"


def test_native_code_cannot_be_in_memory(repository: Repository) -> None:
    code = "import markupsafe\ndef start(): pass\n"
    write(repository, "native", 'resources="in-memory"', code)
    message = repository.fail("package", "native:bin")
    assert (
        "The `resources` field in target native:bin is 'in-memory', but the native code of these "
        "wheels can only be loaded from files: * MarkupSafe-2.1.5-"
    ) in message
    assert "Embedding" not in message


def test_a_payload_beside_the_executable_survives_strip(repository: Repository) -> None:
    write(repository, "beside", 'payload="file"', "def start(): return 5\n")
    binary, _ = package(repository, "beside")
    subprocess.run(["strip", binary], check=True)
    assert run_binary(binary).returncode == 5

    binary.with_name("bin.payload").unlink()
    result = run_binary(binary)
    assert (result.stdout, result.returncode) == ("", 1)
    assert result.stderr.startswith("bin: the program is missing: nothing is appended to ")
    assert result.stderr.count("\n") == 1


def test_a_damaged_payload_is_one_line(repository: Repository) -> None:
    write(repository, "damaged", "", "def start(): return 5\n")
    binary, _ = package(repository, "damaged")
    whole = binary.read_bytes()
    copy = repository.path / "copy"
    for content in (whole[:-100_000], whole[:-300] + bytes(100) + whole[-200:]):
        shutil.copytree(binary.parent, copy, dirs_exist_ok=True)
        (copy / "bin").write_bytes(content)
        result = run_binary(copy / "bin")
        assert (result.stdout, result.returncode) == ("", 1)
        assert result.stderr.startswith("bin: ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("resources", ["in-memory", "filesystem"])
@pytest.mark.parametrize("has_sources", [True, False])
def test_tracebacks_name_files_and_show_lines(
    repository: Repository, resources: str, has_sources: bool
) -> None:
    code = "def start():\n    raise ValueError('on purpose')\n"
    fields = "" if has_sources else "include_sources=False, "
    write(repository, "lines", f'{fields}resources="{resources}"', code)
    binary, _ = package(repository, "lines")
    root = binary if resources == "in-memory" else binary.parent / "lib"
    result = run_binary(binary)
    assert (result.stderr, result.returncode) == (
        "Traceback (most recent call last):\n"
        f'  File "{root}/lines/main.py", line 2, in start\n'
        + ("    raise ValueError('on purpose')\n" if has_sources else "")
        + "ValueError: on purpose\n",
        1,
    )


def test_processes_of_multiprocessing(repository: Repository) -> None:
    code = """\
        import multiprocessing
        import sys

        def double(number):
            return 2 * number

        def start():
            for method in ("fork", "spawn", "forkserver"):
                context = multiprocessing.get_context(method)
                with context.Pool(2) as pool:
                    print(method, pool.map(double, range(3)))
        """
    write(repository, "mp", "", code)
    binary, _ = package(repository, "mp")
    result = run_binary(binary)
    assert result.stderr == ""
    assert result.stdout == "".join(
        f"{method} [0, 2, 4]\n" for method in ("fork", "spawn", "forkserver")
    )
