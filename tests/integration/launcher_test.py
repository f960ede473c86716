# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The launcher `pants`, run for real: Pants is set up from the package index."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import pytest

VERSION = "2.17.1"
TIMEOUT_SECONDS = 600


def find_launcher() -> Path:
    here = Path(__file__).resolve()
    cwd = Path.cwd()
    for folder in (*here.parents, cwd, *cwd.parents):
        if (folder / "pants").is_file() and (folder / "3rdparty/pants").is_dir():
            return folder / "pants"
    raise AssertionError(f"There is no `pants` beside a `3rdparty/pants` above {here} or {cwd}.")


LAUNCHER = find_launcher()


def environment(cache: Path, **changes: str) -> dict[str, str]:
    """What a user's shell has, but for the settings of the Pants and the Pex that run this test.

    The Python that runs this test runs Pants too, so it is the one to be found.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PANTS_", "PEX", "PYTHON"))}
    pythons = os.path.dirname(os.path.realpath(sys.executable))
    env["PATH"] = f"{pythons}:{env.get('PATH', '/usr/bin:/bin')}"
    env["XDG_CACHE_HOME"] = str(cache)
    return {**env, **changes}


def start(
    cwd: Path, env: dict[str, str], *args: str, prefix: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, str(LAUNCHER), *args],
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # To interrupt it with all that it started, as Ctrl-C does; an ignored signal cannot be trapped.
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process: subprocess.Popen[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    try:
        stdout, stderr = process.communicate(stdin, timeout=TIMEOUT_SECONDS)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def run(
    cwd: Path, env: dict[str, str], *args: str, prefix: tuple[str, ...] = (), stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return finish(start(cwd, env, *args, prefix=prefix), stdin)


def set_ups(cache: Path) -> list[Path]:
    """The folders, finished or not, and the symlinks that make them count."""
    return sorted((cache / "pants-pyoxidizer").glob("*"))


def half_made(cache: Path, process: subprocess.Popen[str]) -> Path:
    """Wait until pip is at work."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for pip in (cache / "pants-pyoxidizer").glob("*/venv/bin/pip"):
            return pip.parent.parent.parent
        time.sleep(0.05)
    raise AssertionError(f"The set-up ended or stood still: {finish(process)}")


@dataclass(frozen=True)
class SetUp:
    """One set-up that most tests share, and how it came to be."""

    cache: Path
    env: dict[str, str]
    repository: Path
    leftovers: tuple[Path, ...]
    first_starts: tuple[subprocess.CompletedProcess[str], ...]

    @property
    def symlink(self) -> Path:
        (symlink,) = (path for path in set_ups(self.cache) if path.is_symlink())
        return symlink

    @property
    def folder(self) -> Path:
        return self.symlink.resolve().parent


def create_repository(path: Path) -> Path:
    """A repository that is not this project's, with a program that has a requirement."""
    path.mkdir()
    (path / "pants.toml").write_text(
        f"""
[GLOBAL]
pants_version = "{VERSION}"
backend_packages = ["pants.backend.python"]

[anonymous-telemetry]
enabled = false

[python]
interpreter_constraints = ["CPython=={sys.version_info.major}.{sys.version_info.minor}.*"]

[python-bootstrap]
search_path = ["{os.path.realpath(sys.executable)}"]

[python-infer]
use_rust_parser = true
"""
    )
    (path / "BUILD").write_text(
        """
python_requirement(name="colors", requirements=["ansicolors==1.1.8"])
pex_binary(name="hello", entry_point="colors", dependencies=[":colors"])
"""
    )
    (path / "folder").mkdir()
    return path


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    """A set-up is killed, one has lost its Python; then two start at once, among traps."""
    folder = tmp_path_factory.mktemp("launcher")
    # None of these characters survives in a URL, a shebang or an unquoted shell word.
    cache = folder / 'it\'s a "cache" for 100% {é}'
    trap = folder / "trap"
    trap.mkdir()
    for module in ("attr", "ensurepip", "pants", "pex", "pip", "setuptools", "venv"):
        (trap / f"{module}.py").write_text(
            "raise Exception('This module is not to be imported.')\n"
        )
    (trap / "constraints.txt").write_text("setuptools==1.0\n")
    (trap / "sitecustomize.py").write_text(
        "raise Exception('This module is not to be imported.')\n"
    )
    plain = environment(
        cache,
        PIP_CACHE_DIR=str(folder / "pip"),
        # The two share the daemon: one waits until the other has started it.
        PANTS_PANTSD_TIMEOUT_WHEN_MULTIPLE_INVOCATIONS=str(TIMEOUT_SECONDS),
    )
    env = {
        **plain,
        "PEX_ROOT": str(trap),
        "PEX_SCRIPT": "nonsense",
        "PIP_CONSTRAINT": str(trap / "constraints.txt"),
        "PIP_NO_BINARY": ":all:",
        "PIP_NO_COMPILE": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_TARGET": str(trap / "target"),
        "PIP_USER": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHOME": str(trap),
        "PYTHONPATH": str(trap),
        "VIRTUAL_ENV": str(trap),
    }
    repository = create_repository(folder / "repository")

    killed = start(repository, plain, "--version")
    leftover = half_made(cache, killed)
    os.killpg(killed.pid, signal.SIGKILL)
    finish(killed)
    key = leftover.name.rpartition(".")[0]
    broken = leftover.with_name(f"{key}.broken")
    shutil.copytree(leftover / "venv", broken / "venv", symlinks=True)
    (broken / "venv/bin/python").unlink()
    (broken / "maker").write_text((leftover / "maker").read_text())
    (broken / "ready").write_text(f"{broken.name} 1 2 3\n")
    leftover.with_name(key).symlink_to(broken / "ready")

    # From the repository itself, whose modules are no better than those on PYTHONPATH.
    shutil.copy(trap / "pip.py", repository)
    processes = [start(repository, env, "--version") for _ in range(2)]
    first_starts = tuple(finish(process) for process in processes)
    yield SetUp(cache, plain, repository, (leftover, broken), first_starts)
    for pid in repository.glob(".pids/*/pantsd/pid"):
        with contextlib.suppress(ValueError, ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGTERM)


def test_two_first_starts_at_once(set_up: SetUp) -> None:
    for first_start in set_up.first_starts:
        assert (first_start.returncode, first_start.stdout) == (0, f"{VERSION}\n"), first_start
        assert first_start.stderr.startswith(
            f"Setting up Pants {VERSION} (once) in {set_up.cache}/pants-pyoxidizer ...\n"
        )


def test_killed_and_broken_set_ups_are_redone_and_cleaned_away(set_up: SetUp) -> None:
    assert not any(leftover.exists() for leftover in set_up.leftovers)
    assert set_ups(set_up.cache) == [set_up.symlink, set_up.folder]
    assert sorted(path.name for path in set_up.folder.iterdir()) == [
        "log",
        "maker",
        "pex",
        "ready",
        "venv",
    ]


def test_bytecode_is_there(set_up: SetUp) -> None:
    (pants,) = set_up.folder.glob("venv/lib/python3*/site-packages/pants")
    assert len(list(pants.glob("bin/__pycache__/*.pyc"))) == len(list(pants.glob("bin/*.py")))


@pytest.mark.parametrize("folder", [".", "folder"])
def test_second_start(set_up: SetUp, folder: str) -> None:
    result = run(set_up.repository / folder, set_up.env, "--version")
    assert (result.returncode, result.stdout) == (0, f"{VERSION}\n")
    assert "Setting up" not in result.stderr


def no_network() -> tuple[str, ...]:
    """The prefix of a command that is to have no network; empty where there is no such thing."""
    for prefix in (("unshare", "--net"), ("unshare", "--net", "--map-root-user")):
        if (
            shutil.which("unshare")
            and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
        ):
            return prefix
    return ()


def test_second_start_needs_no_network(set_up: SetUp, tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    env = {**set_up.env, "HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "ALL_PROXY": nowhere}
    # The daemon could not be reached, and would have the network. Without backends Pants is quick.
    (tmp_path / "pants.toml").touch()
    result = run(tmp_path, env, "--no-pantsd", "--version", prefix=no_network())
    assert "Setting up" not in result.stderr
    assert (result.returncode, result.stdout) == (0, f"{VERSION}\n"), result.stderr


def test_pants_resolves_requirements_with_our_pex_cli(set_up: SetUp) -> None:
    result = run(set_up.repository, set_up.env, "package", "//:hello")
    assert result.returncode == 0, result.stderr
    pex = set_up.repository / "dist/hello.pex"
    code = "import colors; print(colors.strip_color(colors.red('hello')))"
    hello = subprocess.run(
        [sys.executable, str(pex), "-c", code],
        env={
            "PATH": "/usr/bin:/bin",
            "PEX_INTERPRETER": "1",
            "PEX_ROOT": str(set_up.cache / "pex_root"),
        },
        capture_output=True,
        text=True,
    )
    assert (hello.stdout, hello.stderr) == ("hello\n", "")


def test_interrupt(tmp_path: Path) -> None:
    process = start(tmp_path, environment(tmp_path), "--version")
    half_made(tmp_path, process)
    os.killpg(process.pid, signal.SIGINT)
    result = finish(process)
    assert (result.returncode, result.stdout) == (130, "")
    assert set_ups(tmp_path) == []


def test_pip_fails(tmp_path: Path) -> None:
    env = environment(
        tmp_path,
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_RETRIES="0",
        PIP_FIND_LINKS=str(tmp_path),
    )
    result = run(tmp_path, env, "--version")
    assert (result.returncode, result.stdout) == (1, "")
    first, *from_pip, last = result.stderr.splitlines()
    assert first == f"Setting up Pants {VERSION} (once) in {tmp_path}/pants-pyoxidizer ..."
    assert any("No matching distribution found" in line for line in from_pip)
    assert last == (
        f"pants: Pants {VERSION} could not be set up (the reason is above): make sure that the package"
        " index can be reached (what you set for pip holds: PIP_INDEX_URL, PIP_CERT, HTTPS_PROXY,"
        " pip.conf) and that the disk has room, then start again."
    )
    assert set_ups(tmp_path) == []


def test_no_python(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in ("/bin", "/usr/bin"):
        for tool in Path(folder).iterdir():
            if not tool.name.startswith("py") and not (tools / tool.name).exists():
                (tools / tool.name).symlink_to(tool)
    for name, script in {
        "python3.9": "echo 'pyenv: python3.9: command not found' >&2; exit 127",
        "python3": "echo '3.12.1||/opt/python/bin/python3.12'",
        "python": "echo '3.8.18|, without the modules venv and ensurepip|/opt/python/bin/python3.8'",
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    env = environment(
        tmp_path / "cache", PATH=str(tools), HOME=str(tmp_path), PYENV_ROOT=str(tmp_path / "pyenv")
    )
    result = run(tmp_path, env, "--version")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"pants: Pants {VERSION} needs CPython 3.9 (3.8 and 3.7 may do) with venv and ensurepip;"
        " looked for python3.9, python3.8, python3.7, python3 and python on PATH"
        f" ({tools}) and for 3.9, 3.8 and 3.7 in {tmp_path}/pyenv/versions; found"
        " /opt/python/bin/python3.12 (3.12.1),"
        " /opt/python/bin/python3.8 (3.8.18, without the modules venv and ensurepip),"
        f" {tools}/python3.9 (does not run);"
        " to get one: `pyenv install 3.9`, or your system's package of python3.9"
        " (on Debian and Ubuntu python3.9-venv too).\n"
    )
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("version", ["2.99.0", "2.16.1-test", "../pants/2.17.1"])
def test_unknown_version(tmp_path: Path, version: str) -> None:
    result = run(tmp_path, environment(tmp_path, PANTS_VERSION=version), "--version")
    assert (result.returncode, result.stdout, result.stderr) == (
        1,
        "",
        f'pants: there is no Pants "{version}" here;'
        f" PANTS_VERSION can be one of: 2.16.1 2.17.1 (the default is {VERSION}).\n",
    )


def test_no_home(tmp_path: Path) -> None:
    env = environment(tmp_path)
    env.pop("HOME", None)
    result = run(tmp_path, {**env, "XDG_CACHE_HOME": "relative"}, "--version")
    assert (result.returncode, result.stderr) == (
        1,
        "pants: there is no folder to set Pants up in:"
        " set HOME, or XDG_CACHE_HOME to an absolute path.\n",
    )


# ---- What Pants is started with: a set-up that counts, but whose Pants only tells how it was started.

REPORT = """
import json, os, sys
json.dump({"args": sys.argv[1:], "env": dict(os.environ), "stdin": sys.stdin.read()}, sys.stdout)
sys.exit(42)
"""


Report = Callable[..., Dict[str, Any]]


@pytest.fixture
def report(set_up: SetUp, tmp_path: Path) -> Report:
    folder = tmp_path / "pants-pyoxidizer" / set_up.folder.name
    binaries = folder / "venv/bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(os.path.realpath(sys.executable))
    (binaries / "pants").write_text(REPORT)
    (folder / "pex").touch()
    (folder / "ready").write_text(f"{folder.name} 2.20.4 abc 123\n")
    (folder.parent / set_up.symlink.name).symlink_to(folder / "ready")

    def report(*args: str, stdin: str = "", **changes: str) -> dict[str, Any]:
        env = environment(tmp_path, **changes)
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"):
            if name not in changes:
                env.pop(name, None)
        result = run(tmp_path, env, *args, stdin=stdin)
        assert (result.returncode, result.stderr) == (42, "")
        return dict(json.loads(result.stdout))

    return report


def test_arguments_input_and_status_pass_through(report: Report) -> None:
    args = ["run", "a:b", "--", "", "a b", "*", "'\"$HOME\\"]
    result = report(*args, stdin="typed\n")
    assert (result["args"], result["stdin"]) == (args, "typed\n")


def test_environment_of_pants(report: Report, tmp_path: Path) -> None:
    env = report(PYTHONPATH="/x", PANTS_VERSION="", MINE="kept", PIP_INDEX_URL="kept")["env"]
    assert not {"PYTHONPATH", "PANTS_VERSION", "PANTS_CA_CERTS_PATH"} & set(env)
    assert (env["MINE"], env["PIP_INDEX_URL"], env["PANTS_BIN_NAME"]) == (
        "kept",
        "kept",
        str(LAUNCHER),
    )
    assert json.loads(env["PANTS_PEX_CLI_KNOWN_VERSIONS"]) == [
        f"v2.20.4|{platform}|abc|123"
        for platform in ("linux_x86_64", "linux_arm64", "macos_x86_64", "macos_arm64")
    ]
    assert env["PANTS_PEX_CLI_VERSION"] == "v2.20.4"
    (pex,) = tmp_path.glob("pants-pyoxidizer/*/pex")
    assert env["PANTS_PEX_CLI_URL_TEMPLATE"] == f"file://{pex}"


def test_what_the_user_set_is_kept(report: Report) -> None:
    mine = {
        "PANTS_BIN_NAME": "mine",
        "PANTS_CA_CERTS_PATH": "mine",
        "PANTS_PEX_CLI_URL_TEMPLATE": "mine",
        "PANTS_VERSION": VERSION,
    }
    env = report(**mine, SSL_CERT_FILE=__file__)["env"]
    assert {name: env[name] for name in mine} == mine
    # They would not fit.
    assert not {"PANTS_PEX_CLI_VERSION", "PANTS_PEX_CLI_KNOWN_VERSIONS"} & set(env)


def test_certificates(report: Report, tmp_path: Path) -> None:
    certificates = tmp_path / "ca certificates.pem"
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")
    missing = {name: f"{certificates}.missing" for name in names}
    assert "PANTS_CA_CERTS_PATH" not in report(**missing)["env"]

    certificates.touch()
    for name in names:
        env = report(**{**missing, name: str(certificates)})["env"]
        assert env["PANTS_CA_CERTS_PATH"] == str(certificates)

    # The one that pip takes.
    mine = tmp_path / "mine.pem"
    mine.touch()
    env = report(**{**dict.fromkeys(names, str(certificates)), "PIP_CERT": str(mine)})["env"]
    assert env["PANTS_CA_CERTS_PATH"] == str(mine)


def make_set_up(cache: Path, name: str, *, python: str, age: int) -> Path:
    folder = cache / "pants-pyoxidizer" / name
    (folder / "venv/bin").mkdir(parents=True)
    (folder / "venv/bin/python").symlink_to(python)
    (folder / "ready").touch()
    made = time.time() - age
    os.utime(folder / "ready", (made, made))
    return folder


def test_of_several_set_ups_ci_takes_the_newest_that_works(tmp_path: Path) -> None:
    cache = tmp_path / "a cache"
    script = LAUNCHER.parent / "3rdparty/pants/set_up_python.sh"

    def find() -> subprocess.CompletedProcess[str]:
        env = environment(cache)
        return subprocess.run([str(script), "2.16.1"], env=env, capture_output=True, text=True)

    assert find().returncode == 1
    assert f"Pants 2.16.1 is not set up in {cache}/pants-pyoxidizer; run" in find().stderr
    (cache / "pants-pyoxidizer/pants-2.16.1-2-0-0-Linux-x86_64.killed").mkdir(parents=True)
    key = "pants-2.16.1-2-{}-0-Linux-x86_64.XXXXXX"
    old = make_set_up(cache, key.format(2), python=sys.executable, age=2000)
    assert find().stdout == f"{old}/venv/bin/python\n"
    new = make_set_up(cache, key.format(1), python=sys.executable, age=1000)
    make_set_up(cache, key.format(3), python="/nowhere/python", age=10)
    make_set_up(cache, key.format(4).replace("16", "17"), python=sys.executable, age=10)
    assert find().stdout == f"{new}/venv/bin/python\n"
