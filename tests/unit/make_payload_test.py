# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import ast
import importlib.util
import json
import marshal
import os
import py_compile
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pants_pyoxidizer import package_data
from pants_pyoxidizer.programs.wheels.make_payload import main
from pants_pyoxidizer.startup.payload import Payload, PayloadError, Writer, open_file
from unit.payloads import everything, make, pythons, run, run_program, write_launcher
from unit.wheels import write_wheel

RECORD = "app/__init__.py,sha256=x,13\n"
DIST_INFO = {"app-1.dist-info/METADATA": "Name: app\n", "app-1.dist-info/RECORD": RECORD}
FILES: dict[str, str | bytes] = {
    "app/__init__.py": "'''An app.'''\n",
    "app/main.py": "VALUE = 'größe'\n",
    "app/table.txt": "table",
    "app/py.typed": "",
    "single.py": "VALUE = 1\n",
    "ns/tool.py": "VALUE = 2\n",
    **DIST_INFO,
}


DATA = ["app-1.dist-info/METADATA", "app-1.dist-info/RECORD", "app/py.typed", "app/table.txt"]
SOURCES = ["app/__init__.py", "app/main.py", "ns/tool.py", "single.py"]


def open_payload(path: Path) -> Payload:
    payload = open_file(str(path))
    assert payload is not None
    return payload


# --- In memory


def part(folder: Path, files: dict[str, str | bytes], *flags: str) -> dict[str, Any]:
    """The payload made of a wheel, with constants of its code in place of the bytes."""
    wheel, output = write_wheel(folder / "app.whl", files), folder / "part"
    assert main(["wheel", *flags, "--output", str(output), str(wheel)]) == 0
    it = everything(open_payload(output))
    for name, (path, is_package, code) in it["modules"].items():
        it["modules"][name] = (path, is_package, code and marshal.loads(code).co_consts[0])
    it["files"] = {path: content.decode() for path, content in it["files"].items()}
    return it


MODULES = {
    "app": ("app/__init__.py", True, "An app."),
    "app/main": ("app/main.py", False, "größe"),
    "single": ("single.py", False, 1),
    "ns/tool": ("ns/tool.py", False, 2),
}


def test_modules_become_bytecode_and_the_rest_files(tmp_path: Path) -> None:
    assert part(tmp_path, FILES) == {
        "modules": MODULES,
        "files": {"app/table.txt": "table", "app/py.typed": "", **DIST_INFO},
        "namespaces": ("ns",),
        "start": (None, None),
    }


def test_sources_go_along_when_asked_for(tmp_path: Path) -> None:
    it = part(tmp_path, FILES, "--sources")
    assert (it["modules"], it["files"]) == (MODULES, FILES)


def test_sources_are_compressed_and_follow_the_code(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a.py": "VALUE = 1\n" * 1000,
        "b.py": "VALUE = 2\n",
        "c.txt": "c" * 1000,
    }
    part(tmp_path, files, "--sources")
    payload = open_payload(tmp_path / "part")
    code_end = max(code[0] + code[1] for _, _, code in payload.modules.values() if code)
    assert min(offset for offset, *_ in payload.files.values()) == code_end
    compressed = {path: is_compressed for path, (_, _, _, is_compressed) in payload.files.items()}
    assert compressed == {"a.py": True, "b.py": True, "c.txt": False}
    assert payload.files["a.py"][1] < 200


def test_code_names_no_path_of_this_machine(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "app.whl", {"app/main.py": "def f(): pass\n"})
    main(["wheel", "--output", str(tmp_path / "part"), str(wheel)])
    _, _, code = everything(open_payload(tmp_path / "part"))["modules"]["app/main"]
    assert marshal.loads(code).co_filename == "app/main.py"
    assert str(tmp_path).encode() not in code


def test_schemes_of_data(tmp_path: Path) -> None:
    it = part(
        tmp_path,
        {
            "app-1.data/purelib/pure.py": "1",
            "app-1.data/platlib/plat.py": "1",
            "app-1.data/data/share/app/table.txt": "table",
            "app-1.data/scripts/tool": "#!python\n",
            "app-1.data/headers/app.h": "header",
        },
    )
    assert sorted(it["modules"]) == ["plat", "pure"]
    assert it["files"] == {"share/app/table.txt": "table"}


@pytest.mark.parametrize(
    "path",
    [
        "app-1-py3.9-nspkg.pth",
        "app/__pycache__/main.cpython-39.pyc",
        "app-1.data/scripts/tool.py",
    ],
)
def test_what_no_program_needs_is_dropped(tmp_path: Path, path: str) -> None:
    assert part(tmp_path, {path: ""}) == {
        "modules": {},
        "files": {},
        "namespaces": (),
        "start": (None, None),
    }


def test_a_package_may_be_called_as_the_folder_of_scripts(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"bin/__init__.py": "'one'", "bin/tool.py": "#!python\n'two'"}
    assert part(tmp_path, files)["modules"] == {
        "bin": ("bin/__init__.py", True, "one"),
        "bin/tool": ("bin/tool.py", False, "two"),
    }
    assert tree(installed(tmp_path, files)) == ["bin/__init__.pyc", "bin/tool.pyc"]


@pytest.mark.parametrize("source", ["def f(:\n", "print 'Python 2'\n", "x = '\0'\n", "\xff\n"])
@pytest.mark.parametrize("flags", [(), ("--sources",)])
def test_a_module_that_does_not_compile_stays_source(
    tmp_path: Path, source: str, flags: tuple[str, ...]
) -> None:
    content = source.encode("latin-1")
    wheel = write_wheel(tmp_path / "app.whl", {"app/odd.py": content})
    main(["wheel", *flags, "--output", str(tmp_path / "part"), str(wheel)])
    it = everything(open_payload(tmp_path / "part"))
    assert it["modules"] == {"app/odd": ("app/odd.py", False, None)}
    assert it["files"] == {"app/odd.py": content}


@pytest.mark.parametrize("python", pythons(), ids=str)
@pytest.mark.parametrize("source", ["x = " + "-" * 100_000 + "1\n", "x" + "()" * 20_000 + "\n"])
def test_a_module_that_is_nested_too_deeply_stays_source(
    tmp_path: Path, python: str, source: str
) -> None:
    """Pythons say so with a MemoryError, a RecursionError or a SyntaxError."""
    wheel = write_wheel(tmp_path / "app.whl", {"deep.py": source, "fine.py": "x = 1\n"})
    make(python, "wheel", "--output", str(tmp_path / "part"), str(wheel))
    it = everything(open_payload(tmp_path / "part"))
    assert it["modules"]["deep"] == ("deep.py", False, None)
    assert it["modules"]["fine"][2] is not None
    assert it["files"] == {"deep.py": source.encode()}


def test_warnings_of_the_compiler_are_not_shown(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    part(tmp_path, {"single.py": "1\nx = '\\d'\nassert (x, 1)\n"})
    assert len(recwarn) == 0


def compiled(folder: Path, source: str) -> bytes:
    (folder / "source.py").write_text(source)
    py_compile.compile(str(folder / "source.py"), str(folder / "source.pyc"))
    return (folder / "source.pyc").read_bytes()


def test_wheels_of_bytecode_alone(tmp_path: Path) -> None:
    bytecode = compiled(tmp_path, "VALUE = 'x'\n")
    it = part(tmp_path, {"app/__init__.pyc": bytecode, "app/main.pyc": bytecode})
    assert it["modules"] == {
        "app": ("app/__init__.py", True, "x"),
        "app/main": ("app/main.py", False, "x"),
    }
    assert it["files"] == {}


def test_bytecode_of_another_python_is_no_module(tmp_path: Path) -> None:
    it = part(tmp_path, {"app/main.pyc": "another"})
    assert (it["modules"], it["files"]) == ({}, {"app/main.pyc": "another"})


def test_a_source_comes_before_bytecode_beside_it(tmp_path: Path) -> None:
    bytecode = compiled(tmp_path, "VALUE = 'bytecode'\n")
    it = part(tmp_path, {"main.py": "VALUE = 'source'\n", "main.pyc": bytecode})
    assert (it["modules"], it["files"]) == ({"main": ("main.py", False, "source")}, {})


@pytest.mark.parametrize(
    ("path", "keeps"),
    [
        ("app/main.py", False),
        ("app/sub/__init__.py", False),
        ("ns/app/main.py", False),
        ("app/my-script.py", False),
        ("my-app/main.py", False),
        ("app/größe.py", False),
        # These may be data, such as templates of projects.
        ("app/{{name}}.py", True),
        ("app/{{name}}/__init__.py", True),
        ("app/my script.py", True),
        ("app/templates/setup.py", True),
        ("app/project-template/main.py", True),
    ],
)
def test_modules_that_may_be_data_are_both(tmp_path: Path, path: str, keeps: bool) -> None:
    files: dict[str, str | bytes] = {"app/__init__.py": "", "ns/app/__init__.py": "", path: "1\n"}
    it = part(tmp_path, files)
    stem = path[: -len(".py")]
    module = stem[: -len("/__init__")] if stem.endswith("/__init__") else stem
    assert set(it["modules"]) == {"app", "ns/app", module}
    assert it["files"] == ({path: "1\n"} if keeps else {})


# --- Modules in a folder


def write_tree(folder: Path, files: dict[str, str | bytes]) -> Path:
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def modules(folder: Path, files: dict[str, str | bytes]) -> Payload:
    """The payload made of a folder with these files."""
    output = folder / "part"
    rarely_used = write_tree(folder / "rarely_used", files)
    assert main(["modules", "--output", str(output), str(rarely_used)]) == 0
    return open_payload(output)


def test_modules_in_a_folder_become_bytecode_alone(tmp_path: Path) -> None:
    it = everything(modules(tmp_path, {path: FILES[path] for path in SOURCES}))
    for name, (path, is_package, code) in it["modules"].items():
        it["modules"][name] = (path, is_package, marshal.loads(code).co_consts[0])
    assert it == {
        "modules": MODULES,
        "files": {},
        "namespaces": ("ns",),
        "start": (None, None),
    }


def test_they_are_compressed(tmp_path: Path) -> None:
    payload = modules(tmp_path, {"single.py": f"VALUE = {'x' * 10_000!r}\n"})
    assert payload.modules.keys() == {"single"}
    assert (tmp_path / "part").stat().st_size < 1_000


def test_their_code_names_no_path_of_this_machine(tmp_path: Path) -> None:
    payload = modules(tmp_path, {"app/main.py": "def f(): pass\n"})
    _, _, code = everything(payload)["modules"]["app/main"]
    assert marshal.loads(code).co_filename == "app/main.py"


@pytest.mark.parametrize(
    "files",
    [{}, {"app/table.txt": "table"}, {"bad.py": "def f(:\n"}, {"lib2to3/tests/my.data.py": "1\n"}],
)
def test_what_cannot_be_imported_is_left_out(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    (tmp_path / "rarely_used").mkdir()
    assert everything(modules(tmp_path, files)) == {
        "modules": {},
        "files": {},
        "namespaces": (),
        "start": (None, None),
    }


# --- As files


def installed(folder: Path, files: dict[str, str | bytes], *flags: str, **options: Any) -> Path:
    wheel, output = write_wheel(folder / "app.whl", files, **options), folder / "lib"
    assert main(["wheel", "--files", *flags, "--output", str(output), str(wheel)]) == 0
    return output


def tree(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if not path.is_dir())
    return sorted(str(path.relative_to(folder)) for path in files)


def run_in(folder: Path, code: str) -> str:
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-I", "-c", code], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def test_files_without_sources(tmp_path: Path) -> None:
    lib = installed(tmp_path, FILES)
    assert tree(lib) == sorted([*DATA, *(f"{path}c" for path in SOURCES)])
    code = "import app.main, ns.tool, single; print(app.__doc__, app.main.VALUE, app.main.__file__)"
    assert run_in(lib, code) == f"An app. größe {lib}/app/main.pyc\n"


def test_files_with_sources(tmp_path: Path) -> None:
    lib = installed(tmp_path, FILES, "--sources")
    cached = [importlib.util.cache_from_source(path) for path in SOURCES]
    assert tree(lib) == sorted([*DATA, *SOURCES, *cached])
    cached_init = f"{importlib.util.cache_from_source('app/__init__.py')},,\n"
    files: dict[str, str | bytes] = {**FILES, "app-1.dist-info/RECORD": RECORD + cached_init}
    assert {path: (lib / path).read_text() for path in [*DATA, *SOURCES]} == files
    code = "import app.main; print(app.main.VALUE, app.main.__file__, app.main.__cached__)"
    assert run_in(lib, code) == f"größe {lib}/app/main.py {lib}/{cached[1]}\n"


def test_the_bytecode_is_used_whatever_the_times_of_files(tmp_path: Path) -> None:
    lib = installed(tmp_path, {"single.py": "VALUE = 'compiled'"}, "--sources")
    (lib / "single.py").write_text("VALUE = 'changed'")
    os.utime(lib / "single.py", (0, 0))
    assert run_in(lib, "import single; print(single.VALUE)") == "compiled\n"


def test_files_of_the_schemes_of_data_and_their_modes(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "app-1.data/purelib/pure.py": "1",
        "app-1.data/platlib/plat.so": "so",
        "app-1.data/data/etc/app.conf": "conf",
        "app-1.data/scripts/script": "#!python\n",
        "app-1.data/scripts/program": "\x7fELF",
        "app-1.data/headers/app.h": "header",
        "app/tool": "\x7fELF",
        "app-1-py3.9-nspkg.pth": "import sys",
    }
    executable = ("app-1.data/scripts/script", "app-1.data/scripts/program", "app/tool")
    lib = installed(tmp_path, files, executable=executable)
    assert {path: oct(stat.S_IMODE((lib / path).stat().st_mode)) for path in tree(lib)} == {
        "app/tool": "0o755",
        # A script's Python is not there, so that it could not run.
        "bin/program": "0o755",
        "etc/app.conf": "0o644",
        "plat.so": "0o644",
        "pure.pyc": "0o644",
    }


@pytest.mark.parametrize(
    "name",
    [
        "app-1.data/data/{}/evil.py",
        "{}/evil.py",
        "app-1.data/data/../evil.py",
        "app-1.data/scripts/../../evil.py",
    ],
)
def test_nothing_is_written_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(PayloadError, match="app.whl would write to '.*evil.py'$"):
        installed(tmp_path, {name.format(outside): "evil"})
    assert tree(outside) == [] and tree(tmp_path) == ["app.whl"]
    with pytest.raises(PayloadError):
        part(tmp_path, {name.format(outside): "evil"})


RECORDED: dict[str, str | bytes] = {
    "dep/__init__.py": "VALUE = 1\n",
    "dep/odd.py": "def f(:\n",
    "dep/a,b.txt": "text",
    "dep-1.data/purelib/pure.py": "",
    "dep-1.data/data/share/table.txt": "table",
    "dep-1.data/scripts/script": "#!python\n",
    "dep-1.data/headers/dep.h": "header",
    "dep-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: dep\nVersion: 1\n",
    "dep-1.dist-info/RECORD": """\
dep/__init__.py,sha256=x,10
dep/odd.py,sha256=y,8
"dep/a,b.txt",sha256=z,4
dep-1.data/purelib/pure.py,,
dep-1.data/data/share/table.txt,,
dep-1.data/scripts/script,,
dep-1.data/headers/dep.h,,
dep-1.dist-info/METADATA,,
dep-1.dist-info/RECORD,,
""",
}


@pytest.mark.parametrize("python", pythons(), ids=str)
def test_the_record_names_what_is_installed(tmp_path: Path, python: str) -> None:
    wheel, lib = write_wheel(tmp_path / "dep.whl", RECORDED), tmp_path / "lib"
    make(python, "wheel", "--files", "--output", str(lib), str(wheel))
    code = f"""
        import importlib.metadata as m
        sys.path.insert(0, {str(lib)!r})
        files = m.files("dep")
        if sys.version_info < (3, 12):
            names = [str(f) for f in files if not f.locate().exists()]
            assert names == ["dep/__init__.py", "pure.py"], names
            files = [f for f in files if f.locate().exists()]
        if sys.version_info >= (3, 11):
            found = m.packages_distributions()
            assert found["dep"] == found["pure"] == ["dep"], found
        for f in files:
            print(f, f.hash and f.hash.value, f.size)
    """
    result = run(python, code)
    assert (result.stdout.splitlines(), result.stderr) == (
        [
            "dep/__init__.pyc None None",
            "dep/odd.py y 8",
            "dep/a,b.txt z 4",
            "pure.pyc None None",
            "share/table.txt None None",
            "dep-1.dist-info/METADATA None None",
            "dep-1.dist-info/RECORD None None",
        ],
        "",
    )
    assert len(tree(lib)) == len(result.stdout.splitlines())


@pytest.mark.parametrize("flags", [(), ("--sources",)])
def test_files_that_do_not_compile_stay_as_they_are(tmp_path: Path, flags: tuple[str, ...]) -> None:
    files: dict[str, str | bytes] = {"app/odd.py": "def f(:\n", "app/my.tool.py": "def f(:\n"}
    lib = installed(tmp_path, files, *flags)
    assert {path: (lib / path).read_text() for path in tree(lib)} == files


def test_bytecode_in_a_wheel_stays_where_it_is(tmp_path: Path) -> None:
    lib = installed(tmp_path, {"app/main.pyc": compiled(tmp_path, "VALUE = 'x'\n")})
    assert tree(lib) == ["app/main.pyc"]
    assert run_in(lib, "import app.main; print(app.main.VALUE)") == "x\n"


def test_a_wheel_may_be_empty(tmp_path: Path) -> None:
    assert tree(installed(tmp_path, {})) == []


# --- The program


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the program is a copy of."""
    path = tmp_path / "runtime"
    path.write_bytes(b"the runtime")
    path.chmod(0o500)
    monkeypatch.setattr(sys, "executable", str(path))
    return path


def write_parts(folder: Path) -> list[str]:
    arguments = []
    for name in ("a", "b"):
        with open(folder / name, "wb") as file:
            writer = Writer(file)
            writer.add_file("both.txt", name.encode())
            writer.add_file(f"{name}.txt", name.encode())
            writer.finish()
        arguments.append(f"--part={folder / name}")
    return arguments


BOTH = {"a.txt": b"a", "b.txt": b"b", "both.txt": b"a"}


@pytest.mark.parametrize(
    ("flags", "start"),
    [
        ((), (None, None)),
        (("--module", "app.main"), ("app.main", None)),
        (("--module", "app", "--function", "App.run"), ("app", "App.run")),
    ],
)
def test_a_program_is_a_copy_of_the_runtime_with_all_parts(
    tmp_path: Path, runtime: Path, flags: tuple[str, ...], start: tuple[str | None, str | None]
) -> None:
    output = tmp_path / "my-app"
    assert main(["program", *flags, "--output", str(output), *write_parts(tmp_path)]) == 0
    payload = open_payload(output)
    assert (everything(payload)["files"], payload.start) == (BOTH, start)
    assert output.read_bytes().startswith(b"the runtime")
    assert stat.S_IMODE(output.stat().st_mode) == 0o755
    assert runtime.read_bytes() == b"the runtime"


def test_a_program_beside_the_copy_of_the_runtime(tmp_path: Path, runtime: Path) -> None:
    output = tmp_path / "my-app"
    main(["program", "--sidecar", "--output", str(output), *write_parts(tmp_path)])
    assert output.read_bytes() == b"the runtime"
    assert everything(open_payload(tmp_path / "my-app.payload"))["files"] == BOTH


@pytest.mark.parametrize("flags", [(), ("--sources",)])
def test_a_wheel_is_prepared_on_the_way(
    tmp_path: Path, runtime: Path, flags: tuple[str, ...]
) -> None:
    files = {"app/main.py": "x = 1\n", "both.txt": "of the wheel"}
    wheel = str(write_wheel(tmp_path / "app.whl", files))
    early = str(tmp_path / "early")
    assert main(["wheel", *flags, "--output", early, "--", wheel]) == 0
    programs = []
    for name, given in (("one", f"--part={early}"), ("two", f"--wheel={wheel}")):
        inputs = [*write_parts(tmp_path), given]
        main(["program", *flags, "--output", str(tmp_path / name), *inputs])
        programs.append(everything(open_payload(tmp_path / name)))
    assert programs[0] == programs[1]
    assert programs[0]["files"]["both.txt"] == b"a"


def test_a_program_without_code(tmp_path: Path, runtime: Path) -> None:
    main(["program", "--output", str(tmp_path / "my-app")])
    assert everything(open_payload(tmp_path / "my-app"))["files"] == {}


def test_what_is_no_part_is_refused(tmp_path: Path, runtime: Path) -> None:
    (tmp_path / "part").write_text("none")
    with pytest.raises(PayloadError) as e:
        main(["program", "--output", str(tmp_path / "my-app"), f"--part={tmp_path}/part"])
    assert str(e.value) == f"{tmp_path}/part is not part of a payload"


# --- All of it, in processes


@pytest.mark.parametrize("python", pythons(), ids=str)
@pytest.mark.parametrize("flags", [(), ("--sources",)])
def test_a_program_that_was_made_of_a_wheel_runs(
    tmp_path: Path, python: str, flags: tuple[str, ...]
) -> None:
    source = (
        "from importlib.metadata import version\ndef run():\n    1 / 0\nprint(version('app'))\n"
    )
    files = {"app/main.py": source, "app-1.dist-info/METADATA": "Name: app\nVersion: 1.5\n"}
    wheel, part, beside = write_wheel(tmp_path / "w.whl", files), tmp_path / "p", tmp_path / "x"
    make(python, "wheel", *flags, "--output", str(part), str(wheel))
    start = ("--module", "app.main", "--function", "run")
    make(python, "program", "--sidecar", *start, "--output", str(beside), "--part", str(part))
    program = write_launcher(tmp_path / "my-app", python)
    (tmp_path / "x.payload").rename(tmp_path / "my-app.payload")
    result = run_program(program)
    lines = [line for line in result.stderr.splitlines() if set(line) - set(" ~^")]
    assert (result.returncode, result.stdout, lines) == (
        1,
        "1.5\n",
        [
            "Traceback (most recent call last):",
            f'  File "{program}.payload/app/main.py", line 3, in run',
            *(["    1 / 0"] if flags else []),
            "ZeroDivisionError: division by zero",
        ],
    )


def in_template(name: str) -> set[str]:
    """A list in the configuration of the runtime."""
    text = package_data.read("templates/runtime.bzlt").decode()
    (found,) = re.findall(rf"^{name} = (\[[^]]*\])", text, re.MULTILINE)
    return {*ast.literal_eval(found)}


@pytest.mark.parametrize("python", pythons(), ids=str)
@pytest.mark.parametrize("command", ["wheel", "modules"])
def test_what_makes_payloads_needs_nothing_that_the_runtime_lacks(
    tmp_path: Path, python: str, command: str
) -> None:
    """In the runtime, it runs without the part of payloads that has those modules."""
    wheel = write_wheel(tmp_path / "app.whl", FILES)
    source = wheel if command == "wheel" else write_tree(tmp_path / "rarely_used", FILES)
    code = f"""
        import json
        from pants_pyoxidizer.programs.wheels.make_payload import main
        main([{command!r}, "--output", {str(tmp_path / "part")!r}, {str(source)!r}])
        print(json.dumps([name.split(".")[0] for name in sys.modules]))
    """
    imported = {*json.loads(run(python, code).stdout)}
    assert "zipfile" in imported
    assert imported & (in_template("LEFT_OUT") | in_template("RARELY_USED")) == set()


@pytest.mark.parametrize("python", pythons(), ids=str)
@pytest.mark.parametrize("mode", ["part", "files", "modules"])
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, python: str, mode: str) -> None:
    source = "def f(x):\n    return x in {'a', 'b', 'c', 'd', 'e'}, 'f', 'g', f'{x}'\n"
    files: dict[str, str | bytes] = {f"app/m{i}.py": source for i in range(5)}
    wheel = write_wheel(tmp_path / "app.whl", {**files, **DIST_INFO})
    command, *arguments = {
        "part": ("wheel", str(wheel)),
        "files": ("wheel", "--files", str(wheel)),
        "modules": ("modules", str(write_tree(tmp_path / "rarely_used", files))),
    }[mode]
    contents = []
    for seed in ("1", "2", "3"):
        output = tmp_path / seed
        make(python, command, "--output", str(output), *arguments, PYTHONHASHSEED=seed)
        paths = [output / path for path in tree(output)] if mode == "files" else [output]
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1] == contents[2]


WITH_SETS = """\
class C:
    A = 1.5, 2j, -(1 << 80), b'x', 'gö', '\\udc80', None, True, ..., (1, ('a',)), ''

    def f(self, a, /, b=0, *args, c, **more):
        'Doc.'
        def g():
            nonlocal b
            return b, a, c in {1, 2.0, 'c', b'd', (3, None)}, c not in {'e', 'f'}
        return [y for y in g() if (lambda: y in {'g', 'h'})()]
"""


@pytest.mark.parametrize("python", pythons(), ids=str)
def test_code_with_sets_is_written_as_it_is(python: str) -> None:
    code = f"""
        import marshal, types, warnings
        from pants_pyoxidizer.programs.wheels.make_payload import bytecode

        warnings.simplefilter("ignore")  # `co_lnotab` is old.

        def parts(value):
            if isinstance(value, types.CodeType):
                names = [name for name in dir(value) if name.startswith("co_")]
                values = {{name: getattr(value, name) for name in names}}
                return {{name: parts(it) for name, it in values.items() if not callable(it)}}
            return [*map(parts, value)] if isinstance(value, tuple) else (type(value), value)

        source = {WITH_SETS!r}
        expected = compile(source, "app/main.py", "exec", dont_inherit=True)
        written = marshal.loads(bytecode("app/main.py", source.encode()))
        assert written == expected
        assert parts(written) == parts(expected)
    """
    result = run(python, code)
    assert (result.returncode, result.stderr) == (0, "")
