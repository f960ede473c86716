# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""CPythons whose configuration PyOxidizer does not know, in real binaries."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Sequence

import pytest

from integration.repository import Repository, host_pythons, run_binary
from unit import full_archives
from unit.full_archives import published

# The Pex of Pants 2.17, which knows Python up to 3.11. That of the launcher is newer.
PEX = "2.1.137"
PEX_REQUIREMENT = (
    f"pex=={PEX}"
    " --hash=sha256:5031c3b283d63470faeaf82d0fc1344e6f71b3ad4ac4ca34572a42bae6dfc4b8"
    " --hash=sha256:cb0ce6cf64757dd5ba4f34c4607ab485f7909e6c24cd479ca28ce52205f0edeb\n"
)
TRIPLE = f"{platform.machine()}-unknown-linux-gnu"

# The default template of Pants' own backend, with each setting of the interpreter that shows.
TEMPLATE = """\
    def make_exe():
        dist = default_python_distribution()
        policy = dist.make_python_packaging_policy()
        policy.extension_module_filter = "no-copyleft"
        policy.resources_location_fallback = "filesystem-relative:lib"
        policy.bytecode_optimize_level_one = True

        python_config = dist.make_python_interpreter_config()
        python_config.config_profile = "python"
        python_config.allocator_backend = "default"
        python_config.allocator = "malloc"
        python_config.configure_locale = True
        python_config.coerce_c_locale = "LC_CTYPE"
        python_config.coerce_c_locale_warn = False
        python_config.development_mode = True
        python_config.isolated = False
        python_config.parse_argv = False
        python_config.use_environment = True
        python_config.utf8_mode = True
        python_config.base_exec_prefix = "/opt/base_exec_prefix"
        python_config.base_executable = "/opt/base_executable"
        python_config.base_prefix = "/opt/base_prefix"
        python_config.buffered_stdio = False
        python_config.bytes_warning = "warn"
        python_config.check_hash_pycs_mode = "always"
        python_config.configure_c_stdio = True
        python_config.dump_refs = True
        python_config.exec_prefix = "/opt/exec_prefix"
        python_config.executable = "/opt/executable"
        python_config.fault_handler = True
        python_config.filesystem_encoding = "utf-8"
        python_config.filesystem_errors = "strict"
        python_config.hash_seed = 123
        python_config.home = "/opt/home"
        python_config.install_signal_handlers = True
        python_config.optimization_level = 1
        python_config.parser_debug = True
        python_config.pathconfig_warnings = True
        python_config.prefix = "/opt/prefix"
        python_config.program_name = "/opt/program"
        python_config.pycache_prefix = "/opt/pycache"
        python_config.python_path_env = "/opt/path"
        python_config.quiet = True
        python_config.site_import = True
        python_config.skip_first_source_line = True
        python_config.stdio_encoding = "iso8859-1"
        python_config.stdio_errors = "replace"
        python_config.tracemalloc = True
        python_config.user_site_directory = True
        python_config.warn_options = ["ignore::ImportWarning"]
        python_config.write_bytecode = True
        python_config.x_options = ["one=1", "two"]
        python_config.argvb = True
        python_config.filesystem_importer = True
        python_config.module_search_paths = ["$ORIGIN/lib"]
        python_config.multiprocessing_start_method = "spawn"
        python_config.sys_frozen = True
        python_config.sys_meipass = True

        $RUN_MODULE

        exe = dist.to_python_executable(
            name="$NAME",
            packaging_policy=policy,
            config=python_config,
        )

        exe.add_python_resources(exe.pip_install($WHEELS))
        $UNCLASSIFIED_RESOURCE_INSTALLATION

        return exe

    def make_install(exe):
        files = FileManifest()
        files.add_python_resource(".", exe)
        return files

    register_target("exe", make_exe)
    register_target("install", make_install, depends=["exe"], default=True)
    resolve_targets()
    """

PROGRAM = """\
    import asyncio
    import contextlib
    import ctypes
    import importlib
    import json
    import sqlite3
    import ssl
    import sys
    import zoneinfo

    import idna
    import markupsafe


    def sum_in_sqlite(*numbers):
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            return connection.execute("select ? + ?", numbers).fetchone()[0]


    def main():
        if sys.argv[1:] == ["settings"]:
            from newer.settings import settings

            print(json.dumps(settings()))
            return 0
        if sys.argv[1:] == ["fail"]:
            raise ValueError("on purpose")
        interpreters = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
        found = {
            "version": sys.version_info[:2],
            "asyncio": asyncio.run(asyncio.sleep(0, 7)),
            "ctypes": ctypes.CDLL(None).abs(-3),
            "sqlite3": sum_in_sqlite(1, 2),
            "ssl": ssl.create_default_context().check_hostname,
            "zoneinfo": str(zoneinfo.ZoneInfo.no_cache("UTC")),
            "idna": idna.encode("ä.de").decode(),
            "markupsafe": [markupsafe.escape("<"), markupsafe._speedups.__name__],
            "interpreters": importlib.import_module(interpreters).__name__ == interpreters,
        }
        print(json.dumps(found))
        return 3
    """
EXPECTED = {
    "asyncio": 7,
    "ctypes": 3,
    "sqlite3": 3,
    "ssl": True,
    "zoneinfo": "UTC",
    "idna": "xn--4ca.de",
    "markupsafe": ["&lt;", "markupsafe._speedups"],
    "interpreters": True,
}

SETTINGS = """\
    import _imp
    import faulthandler
    import signal
    import sys
    import tracemalloc


    def settings():
        flags = (
            "bytes_warning debug dev_mode dont_write_bytecode hash_randomization"
            " ignore_environment isolated no_site no_user_site optimize quiet utf8_mode"
        )
        return {
            "flags": {name: int(getattr(sys.flags, name)) for name in flags.split()},
            "warnings": sys.warnoptions,
            "x": sys._xoptions,
            "hash": hash("pants"),
            "encodings": [
                sys.getfilesystemencoding(),
                sys.getfilesystemencodeerrors(),
                sys.stdout.encoding,
                sys.stdout.errors,
                sys.stdout.write_through,
            ],
            "paths": [
                sys.prefix,
                sys.base_prefix,
                sys.base_exec_prefix,
                sys.executable,
                sys._base_executable,
                sys.pycache_prefix,
            ],
            "path": [path.rpartition("/")[2] for path in sys.path],
            "argv": [arg.decode() for arg in sys.argvb[1:]],
            "frozen": sys.frozen,
            "meipass": sys._MEIPASS == sys.argvb[0].decode().rpartition("/")[0],
            "faulthandler": faulthandler.is_enabled(),
            "tracemalloc": tracemalloc.is_tracing(),
            "check_hash_pycs": _imp.check_hash_based_pycs,
            "signals": signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN,
        }
    """
EXPECTED_SETTINGS = {
    "flags": {
        "bytes_warning": 1,
        "debug": 1,
        "dev_mode": 1,
        "dont_write_bytecode": 0,
        "hash_randomization": 1,
        "ignore_environment": 0,
        "isolated": 0,
        "no_site": 0,
        "no_user_site": 0,
        "optimize": 1,
        "quiet": 1,
        "utf8_mode": 1,
    },
    "warnings": ["default", "default::BytesWarning", "ignore::ImportWarning"],
    "x": {"one": "1", "two": True},
    # That of `PYTHONHASHSEED=123 python -c 'print(hash("pants"))'`.
    "hash": 3956332505236728176,
    "encodings": ["utf-8", "strict", "iso8859-1", "replace", True],
    "paths": [
        # That `home` counts more than `prefix` is CPython's doing.
        "/opt/home",
        "/opt/base_prefix",
        "/opt/base_exec_prefix",
        "/opt/executable",
        "/opt/base_executable",
        "/opt/pycache",
    ],
    "path": ["install", "lib"],
    "argv": ["settings"],
    "frozen": True,
    "meipass": True,
    "faulthandler": True,
    "tracemalloc": True,
    "check_hash_pycs": "always",
    "signals": True,
}


FILES = {
    "BUILD": """\
        python_requirement(name="idna", requirements=["idna==3.7"])
        python_requirement(name="markupsafe", requirements=["markupsafe==3.0.2"])
        """,
    "newer/BUILD": """\
        python_sources(name="lib", dependencies=["//:idna", "//:markupsafe"])
        python_distribution(
            name="dist",
            dependencies=[":lib"],
            provides=python_artifact(name="newer-dist", version="0.0.1"),
        )
        pyoxidizer_binary(name="bin", dependencies=[":dist"], entry_point="newer.main:main")
        pyoxidizer_binary(
            name="templated",
            dependencies=[":dist"],
            entry_point="newer.main:main",
            filesystem_resources=["markupsafe"],
            template="settings.bzlt",
        )
        """,
    "newer/__init__.py": "",
    "newer/main.py": PROGRAM,
    "newer/settings.py": SETTINGS,
    "newer/settings.bzlt": TEMPLATE,
}


@pytest.fixture(scope="module")
def pex_of_pants(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options for Pants to use the Pex that it uses by default."""
    folder = tmp_path_factory.mktemp("pex")
    (folder / "requirements.txt").write_text(PEX_REQUIREMENT)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PEX")}
    subprocess.run(
        [sys.executable, "-m", "pex", "-r", "requirements.txt", "-c", "pex", "-o", "pex"],
        cwd=folder,
        env=env,
        check=True,
    )
    content = (folder / "pex").read_bytes()
    known = (
        f"v{PEX}|linux_{platform.machine()}|{hashlib.sha256(content).hexdigest()}|{len(content)}"
    )
    return [
        f"--pex-cli-version=v{PEX}",
        f"--pex-cli-url-template=file://{folder}/pex",
        f"--pex-cli-known-versions=['{known.replace('aarch64', 'arm64')}']",
    ]


def package(
    repository: Repository,
    version: str,
    *names: str,
    python: str = "host",
    options: Sequence[str] = (),
) -> list[Path]:
    if not host_pythons(version):
        pytest.skip(f"there is no Python {version}")
    repository.write(FILES)
    # Any Python can build the wheel; the newest one goes in.
    constraints = f"CPython>=3.9,<3.{int(version.partition('.')[2]) + 1}"
    result = repository.succeed(
        *options,
        f"--python-interpreter-constraints=['{constraints}']",
        f"--pyoxidizer-python={python}",
        "package",
        *(f"newer:{name}" for name in names),
    )
    assert result.stderr.count(f"\nPython {version}.") == len(names), result.stderr
    return [repository.path / f"dist/newer/{name}/{TRIPLE}/debug/install/{name}" for name in names]


def check_program(binary: Path, version: str) -> None:
    result = run_binary(binary)
    assert (result.stderr, result.returncode) == ("", 3)
    found = json.loads(result.stdout)
    assert found.pop("version") == [3, int(version.partition(".")[2])]
    assert found == EXPECTED
    result = run_binary(binary, "fail")
    assert (result.stdout, result.returncode) == ("", 1)
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    # From 3.13 on, Python itself looks for source lines, which are there with a template.
    assert re.search(r", in main\n(    raise .*\n)?ValueError: on purpose\n\Z", result.stderr)


def check_settings(binary: Path) -> None:
    result = run_binary(binary, "settings")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == EXPECTED_SETTINGS


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_programs(repository: Repository, version: str) -> None:
    binary, templated = package(repository, version, "bin", "templated")
    assert list(binary.parent.glob("lib/markupsafe/_speedups.*.so"))
    check_program(binary, version)
    check_program(templated, version)
    check_settings(templated)


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_archives(repository: Repository, tmp_path: Path, version: str) -> None:
    pythons = host_pythons(version)
    if not pythons:
        pytest.skip(f"there is no Python {version}")
    files, links = published(full_archives.unadapted(str(pythons[0]), tmp_path), "8")
    repository.write({"py/BUILD": 'standalone_python(name="newer", source="newer.tar.zst")\n'})
    full_archives.write(repository.path / "py/newer.tar.zst", files, links)
    (binary,) = package(repository, version, "bin", python="py:newer")
    check_program(binary, version)


def test_settings_in_a_python_that_pyoxidizer_knows(repository: Repository) -> None:
    (templated,) = package(repository, "3.11", "templated")
    check_settings(templated)


def test_pex_of_pants(repository: Repository, pex_of_pants: list[str]) -> None:
    (binary,) = package(repository, "3.11", "bin", options=pex_of_pants)
    check_program(binary, "3.11")
    # It does not find the newer ones.
    all_pythons = "--python-interpreter-constraints=['CPython>=3.9,<3.14']"
    result = repository.succeed(*pex_of_pants, all_pythons, "package", "newer:bin")
    assert "\nPython 3.11." in result.stderr
