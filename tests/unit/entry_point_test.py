# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pants_pyoxidizer.wheels.entry_point import (
    MAX_NEAREST,
    EntryPoint,
    find_module,
    module_problem,
    parse_entry_point,
    run_command,
)
from unit.wheels import wheel


# --- Spelling


@pytest.mark.parametrize(
    ("value", "module", "function"),
    [
        ("mod", "mod", None),
        ("pkg.mod", "pkg.mod", None),
        ("pkg.__main__", "pkg.__main__", None),
        ("pkg.mod:main", "pkg.mod", "main"),
        ("pkg:App.run", "pkg", "App.run"),
        ("_p.m1:_f", "_p.m1", "_f"),
        ("größe.日本:función", "größe.日本", "función"),
        ("pkg:\ufb01n", "pkg", "fin"),
    ],
)
def test_valid(value: str, module: str, function: str | None) -> None:
    assert parse_entry_point(value) == EntryPoint(module, function)


def test_str_is_the_spelling() -> None:
    for value in ("pkg.mod", "pkg.mod:App.main"):
        assert str(parse_entry_point(value)) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "it is empty."),
        (" \t", "it is empty."),
        ("pkg.mod ", "it contains the whitespace character ' '."),
        ("pkg mod", "it contains the whitespace character ' '."),
        ("pkg.mod : main", "it contains the whitespace character ' '."),
        ("pkg\nimport os", r"it contains the whitespace character '\n'."),
        ("pkg\u00a0mod", r"it contains the whitespace character '\xa0'."),
        ("pkg\0mod", r"it contains the character '\x00'."),
        ("pkg\u200bmod", r"it contains the character '\u200b'."),
        ("pkg'mod", """it contains the character "'"."""),
        ('pkg"mod', """it contains the character '"'."""),
        ("$NAME", "it contains the character '$'."),
        ("a:b:c", "it has more than one colon."),
        ("pkg.mod:", "it has no function after the colon."),
        (":func", "it has no module before the colon."),
        (":", "it has no module before the colon."),
        (".pkg", "`.pkg` starts with a dot."),
        ("pkg.", "`pkg.` ends with a dot."),
        ("pkg.:main", "`pkg.` ends with a dot."),
        ("pkg:.main", "`.main` starts with a dot."),
        ("pkg:main.", "`main.` ends with a dot."),
        (".", "`.` starts with a dot."),
        ("pkg..mod", "`pkg..mod` has two dots in a row."),
        ("pkg.class", "`class` is a Python keyword."),
        ("pkg:None", "`None` is a Python keyword."),
        ("my-pkg.mod", "`my-pkg` is not a Python identifier: did you mean `my_pkg`?"),
        ("pkg:run-it", "`run-it` is not a Python identifier: did you mean `run_it`?"),
        ("pkg.1st", "`1st` is not a Python identifier."),
        ("pkg:main()", "`main()` is not a Python identifier."),
        ("pkg:main[extra]", "`main[extra]` is not a Python identifier."),
        ("__main__", "`__main__` is the name of the running program, not of one of its modules."),
        ("pkg/mod.py", "it looks like a file path: did you mean `pkg.mod`?"),
        ("pkg/mod.py:main", "it looks like a file path: did you mean `pkg.mod:main`?"),
        ("./pkg/mod", "it looks like a file path: did you mean `pkg.mod`?"),
        ("../pkg/mod.py", "it looks like a file path: did you mean `pkg.mod`?"),
        ("/pkg/mod.py", "it looks like a file path: did you mean `pkg.mod`?"),
        ("pkg/__main__.py", "it looks like a file path: did you mean `pkg`?"),
        ("pkg/__init__.py:main", "it looks like a file path: did you mean `pkg:main`?"),
        ("pkg\\mod.py", "it looks like a file path: did you mean `pkg.mod`?"),
        ("my-pkg/mod.py", "it looks like a file path; write modules with dots."),
        ("/", "it looks like a file path; write modules with dots."),
        ("a:b/c", "it looks like a file path; write modules with dots."),
        ("pkg/mod.py:a\\b", "it looks like a file path; write modules with dots."),
    ],
)
def test_invalid(value: str, message: str) -> None:
    with pytest.raises(ValueError, match="^") as error:
        parse_entry_point(value)
    assert str(error.value) == message


# --- Looking it up


APP = wheel(
    "app",
    files=(
        "app/__init__.py",
        "app/__main__.py",
        "app/main.py",
        "app/lib/__init__.py",
        "app/lib/server.py",
        "script.py",
        "ns/tool/__main__.py",
    ),
)


def look_up(value: str) -> tuple[str, ...] | None:
    return find_module(parse_entry_point(value), (APP,))


@pytest.mark.parametrize(
    "value",
    [
        "app",
        "app.__main__",
        "app.main",
        "script",
        "ns.tool",
        "app:main",
        "app.lib:serve",
        "app.main:main",
        "script:main",
    ],
)
def test_found(value: str) -> None:
    assert look_up(value) is None
    assert module_problem(parse_entry_point(value), (APP,)) is None


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        ("app.mian", ("app.main", "app")),
        ("App.Main", ("app.main",)),
        ("src.py.app.main", ("app.main",)),
        ("server", ("app.lib.server",)),
        ("app.main.run", ("app.main", "app")),
        ("script.py", ("script",)),
        ("ap", ("app",)),
        ("nothing.like.it", ()),
        ("app.lib", ("app.lib.server", "app.main", "app")),
        ("app.lb:serve", ("app.lib", "app", "app.lib.server")),
        ("ns", ("ns.tool",)),
        ("ns.tool:run", ("ns.tool.__main__",)),
    ],
)
def test_nearest(value: str, nearest: tuple[str, ...]) -> None:
    assert look_up(value) == nearest


def test_first_party_modules_come_first() -> None:
    ours = wheel("ours", files=("a/server_x.py",))
    theirs = wheel("theirs", files=tuple(f"a/server{i}.py" for i in range(9)))
    entry_point = EntryPoint("a.server")
    nearest = find_module(entry_point, (theirs, ours), first_party=(ours.filename,))
    assert nearest == ("a.server_x", "a.server0", "a.server1", "a.server2", "a.server3")
    assert len(nearest) == MAX_NEAREST
    nearest = find_module(entry_point, (theirs, ours))
    assert nearest == tuple(f"a.server{i}" for i in range(5))


def test_packages_can_be_shared_by_wheels() -> None:
    a = wheel("a", files=("pkg/__init__.py", "pkg/a.py"))
    b = wheel("b", files=("pkg/__main__.py",))
    assert find_module(EntryPoint("pkg"), (a,)) == ("pkg.a",)
    assert find_module(EntryPoint("pkg"), (a, b)) is None
    assert find_module(EntryPoint("pkg", "main"), (b, a)) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (
            "app.mian",
            "The module `app.mian` is in none of the wheels. Similar names: `app.main`, `app`.",
        ),
        ("nothing.like.it", "The module `nothing.like.it` is in none of the wheels."),
        (
            "app.lib",
            "`app.lib` is a package without a `__main__` module, so it cannot be run. "
            "Similar names: `app.lib.server`, `app.main`, `app`.",
        ),
        (
            "ns",
            "`ns` is a package without a `__main__` module, so it cannot be run. "
            "Similar names: `ns.tool`.",
        ),
        (
            "ns.tool:run",
            "`ns.tool` is a namespace package, which has no functions. "
            "Similar names: `ns.tool.__main__`.",
        ),
    ],
)
def test_problem_in_words(value: str, problem: str) -> None:
    assert module_problem(parse_entry_point(value), (APP,)) == problem


def test_without_wheels() -> None:
    assert find_module(EntryPoint("app"), ()) == ()


# --- Running it


def test_command_of_a_module() -> None:
    assert run_command(EntryPoint("pkg.mod")) == (
        "__import__('sys').argv[:1] = [__import__('sys').executable]; "
        "__import__('runpy')._run_module_as_main('pkg.mod', alter_argv=False)"
    )


def test_command_of_a_function() -> None:
    assert run_command(EntryPoint("pkg.größe", "App.main")) == (
        "__import__('sys').argv[:1] = [__import__('sys').executable]; "
        "__import__('sys').exit(getattr(getattr("
        r"__import__('pkg.gr\xf6\xdfe', fromlist=['App']), 'App'), 'main')())"
    )


def run(
    folder: Path, value: str, source: str, *arguments: str, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command as an embedded interpreter would, with `source` as `pkg/mod.py`.

    `before` is put first, to bring `sys.argv` in the state that it has there.
    """
    package = folder / "pkg"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "mod.py").write_text(source, encoding="utf-8")
    command = run_command(parse_entry_point(value))
    assert command.isascii()
    assert command.isprintable()
    return subprocess.run(
        [sys.executable, "-B", "-c", before + command, *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("result", "status", "stderr"),
    [("None", 0, ""), ("0", 0, ""), ("42", 42, ""), ("'text'", 1, "text\n"), ("True", 1, "")],
)
@pytest.mark.parametrize("called", [True, False])
def test_exit_status(tmp_path: Path, called: bool, result: str, status: int, stderr: str) -> None:
    source = f"import sys\ndef main():\n    return {result}\n"
    source += "if __name__ == '__main__':\n    sys.exit(main())\n"
    finished = run(tmp_path, "pkg.mod:main" if called else "pkg.mod", source)
    assert (finished.returncode, finished.stdout, finished.stderr) == (status, "", stderr)


@pytest.mark.parametrize("value", ["pkg.mod", "pkg.mod:main"])
@pytest.mark.parametrize(
    "before", ["", "__import__('sys').argv[0] = None; ", "__import__('sys').argv.clear(); "]
)
def test_argparse_names_the_executable(tmp_path: Path, value: str, before: str) -> None:
    source = (
        "import argparse\ndef main():\n    parser = argparse.ArgumentParser()\n"
        "    parser.add_argument('word')\n    print(parser.prog, parser.parse_args().word)\n"
        "if __name__ == '__main__':\n    main()\n"
    )
    arguments = ["hello"] if "clear" not in before else ["--help"]
    finished = run(tmp_path, value, source, *arguments, before=before)
    if "clear" in before:
        # Without arguments, since the list was emptied.
        assert finished.returncode == 2
        assert "the following arguments are required: word" in finished.stderr
        assert finished.stderr.startswith(f"usage: {Path(sys.executable).name} ")
    else:
        assert finished.stdout == f"{Path(sys.executable).name} hello\n"
        assert finished.returncode == 0


def test_names_in_main_are_those_of_python_m(tmp_path: Path) -> None:
    source = "print(sorted(globals()), __name__, __spec__.name, __package__)"
    finished = run(tmp_path, "pkg.mod", source)
    expected = subprocess.run(
        [sys.executable, "-B", "-m", "pkg.mod"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    assert finished.stdout == expected.stdout
    assert finished.stdout.endswith(" __main__ pkg.mod pkg\n")


def test_a_called_function_leaves_main_empty(tmp_path: Path) -> None:
    source = (
        "import sys\ndef main():\n"
        "    print([n for n in vars(sys.modules['__main__']) if not n.startswith('__')])\n"
        "    print(__name__, sys.argv[0] == sys.executable)\n"
    )
    assert run(tmp_path, "pkg.mod:main", source).stdout == "[]\npkg.mod True\n"


def test_classes_in_main_can_be_pickled(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\nimport dataclasses, pickle, typing\n"
        "@dataclasses.dataclass\nclass Point:\n"
        "    x: int\n    all: typing.ClassVar[int] = 3\n"
        "print(pickle.loads(pickle.dumps(Point(1))), Point.__module__)\n"
    )
    assert run(tmp_path, "pkg.mod", source).stdout == "Point(x=1) __main__\n"


def test_packages_run_their_main(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "__main__.py").write_text("print(__name__, __package__)")
    assert run(tmp_path, "other", "").stdout == "__main__ other\n"


@pytest.mark.parametrize("value", ["pkg.mod", "pkg.mod:main"])
def test_a_failing_import_shows_the_users_traceback(tmp_path: Path, value: str) -> None:
    finished = run(tmp_path, value, "import not_there_at_all\n")
    assert finished.returncode == 1
    assert f'File "{tmp_path}/pkg/mod.py", line 1, in <module>' in finished.stderr
    assert "import not_there_at_all" in finished.stderr
    assert finished.stderr.endswith("No module named 'not_there_at_all'\n")


def test_attributes_are_followed(tmp_path: Path) -> None:
    source = "class App:\n    @staticmethod\n    def größe():\n        return 7\n"
    assert run(tmp_path, "pkg.mod:App.größe", source).returncode == 7


def test_the_first_attribute_may_be_a_submodule(tmp_path: Path) -> None:
    assert run(tmp_path, "pkg:mod.main", "def main():\n    return 7\n").returncode == 7


def test_a_missing_function(tmp_path: Path) -> None:
    finished = run(tmp_path, "pkg.mod:main", "")
    assert finished.returncode == 1
    assert finished.stderr.endswith("module 'pkg.mod' has no attribute 'main'\n")
