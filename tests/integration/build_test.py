# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Real builds: Pants, PyOxidizer, cargo and wheels, and the binary is run."""

from __future__ import annotations

import platform
import signal
import subprocess
import time
from pathlib import Path

from integration.projects import TEMPLATE, project
from integration.repository import Repository, run_binary
from pants_pyoxidizer.programs.formats.elf import SHT_SYMTAB, ElfFile

TRIPLE = f"{platform.machine()}-unknown-linux-gnu"

# The manual's example of distributions that depend on each other without saying so.
TWO_DISTRIBUTIONS = {
    "hello/BUILD": """\
        python_sources(name="lib")

        # `hello.greeting.words` is code of `hello/greeting:dist`, which is not named here.
        python_distribution(
            name="dist",
            dependencies=[":lib"],
            provides=python_artifact(name="main-dist", version="0.0.1"),
        )

        pyoxidizer_binary(
            name="bin",
            entry_point="hello.main",
            dependencies=[":dist", "hello/greeting:dist"],
        )
        """,
    "hello/__init__.py": "",
    "hello/main.py": """\
        import argparse, json, sys
        from hello.greeting.words import GREETING

        parser = argparse.ArgumentParser()
        parser.add_argument("--exit", type=int, default=0)
        parser.add_argument("--echo", action="store_true")
        options = parser.parse_args()

        print(f"Launching {__package__} from {__name__}")
        print(GREETING, flush=True)
        if options.echo:
            print(json.dumps(sys.stdin.read()))
        sys.exit(options.exit)
        """,
    "hello/greeting/BUILD": """\
        python_sources(name="lib")

        python_distribution(
            name="dist",
            dependencies=[":lib"],
            provides=python_artifact(name="greeting-dist", version="0.0.1"),
        )
        """,
    "hello/greeting/__init__.py": "",
    "hello/greeting/words.py": "GREETING = 'Hällo, world!'\n",
}


def built(repository: Repository, path: str) -> Path:
    binary = repository.path / "dist" / path
    assert binary.is_file(), sorted(map(str, (repository.path / "dist").rglob("*")))
    return binary


def test_distributions_that_depend_on_each_other(repository: Repository) -> None:
    repository.write(TWO_DISTRIBUTIONS)
    result = repository.succeed("package", "hello:bin")
    assert f"Wrote dist/hello/bin/{TRIPLE}/debug/install\nContains Python 3." in result.stderr
    binary = built(repository, f"hello/bin/{TRIPLE}/debug/install/bin")

    result = run_binary(binary, "--echo", stdin="some input")
    assert result.stdout == 'Launching hello from __main__\nHällo, world!\n"some input"\n'
    assert (result.stderr, result.returncode) == ("", 0)
    assert run_binary(binary, "--exit=42").returncode == 42

    result = run_binary(binary, "--wrong")
    assert result.returncode == 2
    assert result.stderr.startswith("usage: bin [-h]")


def test_run_passes_everything_through(repository: Repository) -> None:
    repository.write(TWO_DISTRIBUTIONS)
    result = repository.pants("run", "hello:bin", "--", "--exit=42", "--echo", stdin="a\nb")
    assert result.stdout == 'Launching hello from __main__\nHällo, world!\n"a\\nb"\n'
    assert result.returncode == 42


def test_nothing_is_built_for_a_second_name_of_the_output(repository: Repository) -> None:
    """A field that does not matter to PyOxidizer does not start it."""
    repository.write(TWO_DISTRIBUTIONS)
    repository.succeed("package", "hello:bin")
    build = repository.path / "hello/BUILD"
    build.write_text(
        build.read_text().replace('name="bin",', 'name="bin", output_path="x/y", tags=["t"],')
    )
    result = repository.succeed("package", "hello:bin")
    assert "Embedding" not in result.stderr and "runtime" not in result.stderr
    assert run_binary(built(repository, f"x/y/{TRIPLE}/debug/install/bin")).returncode == 0


def test_release_for_a_named_triple(repository: Repository) -> None:
    repository.write(TWO_DISTRIBUTIONS)
    repository.succeed(
        f"--pyoxidizer-args=--release --target-triple={TRIPLE}", "package", "hello:bin"
    )
    binary = built(repository, f"hello/bin/{TRIPLE}/release/install/bin")
    assert run_binary(binary).stdout == "Launching hello from __main__\nHällo, world!\n"
    for path in (binary, *binary.parent.glob("lib/**/*.so")):
        assert not list(ElfFile(path.read_bytes()).symbols(SHT_SYMTAB)), path
    # Nor is there what no program needs.
    assert not list(binary.parent.glob("lib/**/*test*"))


def test_a_triple_that_the_python_is_not_for(repository: Repository) -> None:
    repository.write(TWO_DISTRIBUTIONS)
    message = repository.fail(
        "--pyoxidizer-args=--target-triple=aarch64-apple-darwin", "package", "hello:bin"
    )
    assert "`--target-triple` in `[pyoxidizer].args` is aarch64-apple-darwin" in message
    assert "Starting: Building the Python" not in message


def test_a_binary_without_entry_point_is_a_repl(repository: Repository) -> None:
    repository.write(project("repl", "def answer(): return 42\n", {"bin": ""}))
    repository.succeed("package", "repl:bin")
    binary = built(repository, f"repl/bin/{TRIPLE}/debug/install/bin")
    result = run_binary(binary, stdin="from repl import main\nprint(main.answer())\n")
    assert (result.stdout, result.returncode) == ("42\n", 0)


def test_a_function_gives_the_exit_status(repository: Repository) -> None:
    module = """\
        import signal, sys, time

        def start():
            if sys.argv[1:] == ["wait"]:
                try:
                    print("waiting", flush=True)
                    time.sleep(60)
                except KeyboardInterrupt:
                    return 7
            if sys.argv[1:] == ["fail"]:
                raise ValueError("on purpose")
            print(len(sys.argv), sys.executable == "/proc/self/root" + sys.argv[0])
            return 42
        """
    repository.write(
        project("func", module, {"bin": 'entry_point="func.main:start", binary_name="my-app"'})
    )
    result = repository.pants("run", "func:bin", "--", "a", "b c")
    assert (result.stdout, result.returncode) == ("3 True\n", 42)

    repository.succeed("package", "func:bin")
    binary = built(repository, f"func/bin/{TRIPLE}/debug/install/my-app")
    result = run_binary(binary, "fail")
    assert result.returncode == 1
    assert result.stderr == (
        "Traceback (most recent call last):\n"
        f'  File "{binary}/func/main.py", line 11, in start\n'
        '    raise ValueError("on purpose")\n'
        "ValueError: on purpose\n"
    )

    empty: dict[str, str] = {}
    process = subprocess.Popen([str(binary), "wait"], env=empty, cwd="/", stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"waiting\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 7


def test_a_signal_reaches_the_binary_through_run(repository: Repository) -> None:
    module = """\
        import pathlib, sys, time

        def start():
            try:
                print("waiting", flush=True)
                time.sleep(60)
            except KeyboardInterrupt:
                pathlib.Path(sys.argv[1]).write_text("interrupted")
                return 7
        """
    repository.write(project("sig", module, {"bin": 'entry_point="sig.main:start"'}))
    noted = repository.path / "noted"
    process = repository.start("run", "sig:bin", "--", str(noted))
    assert process.stdout is not None and process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode != 0
    # The daemon passes the signal on while its client ends.
    deadline = time.monotonic() + 60
    while not noted.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert noted.read_text() == "interrupted"


# As Pants' own backend's manual has it, and nothing of ours in it.
PANTS_TEMPLATE = """\
    def make_exe():
        dist = default_python_distribution()
        policy = dist.make_python_packaging_policy()
        policy.extension_module_filter = "no-copyleft"
        policy.resources_location_fallback = "filesystem-relative:lib"
        python_config = dist.make_python_interpreter_config()

        $RUN_MODULE

        exe = dist.to_python_executable(
            name="${NAME}",
            packaging_policy=policy,
            config=python_config,
        )

        exe.add_python_resources(exe.pip_install($WHEELS))
        $UNCLASSIFIED_RESOURCE_INSTALLATION

        return exe

    def make_install(exe):
        files = FileManifest()
        files.add_python_resource("nested", exe)
        return files

    register_target("exe", make_exe)
    register_target("install", make_install, depends=["exe"], default=True)
    resolve_targets()
    """


def test_a_template_for_pants_own_backend(repository: Repository) -> None:
    files = project(
        "tmpl",
        "import six; print(six.__version__, sorted(six.moves.__name__.split('.')))\n",
        {"bin": 'entry_point="tmpl.main", template="own.bzlt"'},
        requirements=("six==1.16.0",),
    )
    repository.write({**files, "tmpl/own.bzlt": PANTS_TEMPLATE})
    result = repository.succeed("run", "tmpl:bin")
    assert result.stdout == "1.16.0 ['moves', 'six']\n"
    repository.succeed("package", "tmpl:bin")
    binary = built(repository, f"tmpl/bin/{TRIPLE}/debug/install/nested/bin")
    assert run_binary(binary).stdout == result.stdout


def test_a_sandbox_with_a_space_in_its_path(repository: Repository) -> None:
    files = project(
        "spaced",
        "import toml; print(toml.__version__)\n",
        {"bin": 'entry_point="spaced.main", template="own.bzlt"'},
        requirements=("toml==0.10.2",),
    )
    # pip has to look for them in folders of the sandbox.
    by_name = TEMPLATE.replace("$WHEELS", '["spaced-dist"]')
    repository.write({**files, "spaced/own.bzlt": by_name})
    folder = repository.path.with_name("a folder of sandboxes")
    folder.mkdir()
    option = f"--local-execution-root-dir={folder}"
    assert repository.succeed("--no-pantsd", option, "run", "spaced:bin").stdout == "0.10.2\n"


def test_filesystem_resources_are_plain_files(repository: Repository) -> None:
    files = project(
        "fsr",
        "import idna\n"
        "import numpy\n"
        "print(int(numpy.ones(3) @ numpy.ones(3)), type(idna.__loader__).__name__)\n",
        {"bin": 'entry_point="fsr.main", filesystem_resources=["numpy==1.26.4"]'},
        requirements=("numpy==1.26.4", "idna==3.7"),
    )
    repository.write(files)
    result = repository.succeed("run", "fsr:bin")
    assert result.stdout == "3 PayloadLoader\n"


def test_all_code_may_lie_on_the_filesystem(repository: Repository) -> None:
    repository.write(
        project(
            "alone",
            "import sys\nprint(sys.modules['alone'].__file__)\nsys.exit(3)\n",
            {"bin": 'entry_point="alone.main", filesystem_resources=["alone-dist"]'},
        )
    )
    repository.succeed("package", "alone:bin")
    binary = built(repository, f"alone/bin/{TRIPLE}/debug/install/bin")
    result = run_binary(binary)
    assert result.stdout == f"{binary.parent}/lib/alone/__init__.py\n"
    assert result.returncode == 3


def test_each_supported_python_of_the_host(repository: Repository) -> None:
    for version in ("3.9", "3.10"):
        name = f"py{version.replace('.', '')}"
        files = project(
            name,
            "import sys; print(sys.version_info[:2])\n",
            {"bin": f'entry_point="{name}.main"'},
        )
        files[f"{name}/BUILD"] = files[f"{name}/BUILD"].replace(
            'python_sources(name="lib"',
            f'python_sources(name="lib", interpreter_constraints=["CPython=={version}.*"]',
        )
        repository.write(files)
        result = repository.succeed("run", f"{name}:bin")
        assert result.stdout == f"({version.replace('.', ', ')})\n"
