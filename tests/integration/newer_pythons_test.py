# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""CPythons whose configuration PyOxidizer does not know, in real binaries."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path
from typing import Any, Mapping, Sequence

import pytest

from integration.pex_cli import PexCli
from integration.repository import Repository, host_pythons, run_binary
from unit import full_archives
from unit.full_archives import published

TRIPLE = f"{platform.machine()}-unknown-linux-gnu"

# The default template of Pants' own backend, with settings of the interpreter. Those that would get
# into this program's way are in `MODES`. The two set all that there is, but for
# - `legacy_windows_fs_encoding` and `legacy_windows_stdio`, which are for Windows;
# - `verbose`, as PyOxidizer 0.24 takes it for `configure_locale` (`python_interpreter_config.rs`):
#   it reaches no interpreter, of whatever version, but by `PYTHONVERBOSE`.
# Values that are not tried are `static:...` of `terminfo_resolution`, for which PyOxidizer writes
# Rust code that lacks a bracket, and the backends of allocators that need more crates.
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
        python_config.multiprocessing_auto_dispatch = False
        python_config.show_ref_count = True
        python_config.sys_frozen = True
        python_config.sys_meipass = True
        python_config.terminfo_resolution = "none"
        python_config.write_modules_directory_env = "MODULES"

        # The program's command goes before these.
        python_config.run_filename = "/opt/no_file"
        python_config.run_module = "no_module"

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

# Two executables: one goes on as a shell, the other has all modules, and its program, in files.
MODES = """\
    def make_shell():
        dist = default_python_distribution()
        policy = dist.make_python_packaging_policy()
        policy.resources_location_fallback = "filesystem-relative:lib"
        python_config = dist.make_python_interpreter_config()
        python_config.config_profile = "python"
        python_config.allocator = "py-malloc"
        python_config.allocator_backend = "rust"
        python_config.allocator_debug = True
        python_config.allocator_pymalloc_arena = True
        python_config.allocator_raw = False
        python_config.coerce_c_locale = "C"
        python_config.coerce_c_locale_warn = True
        python_config.import_time = True
        python_config.inspect = True
        python_config.interactive = True
        python_config.malloc_stats = True
        python_config.run_module = "newer.tell"
        python_config.terminfo_resolution = "dynamic"
        python_config.use_environment = False
        python_config.user_site_directory = False
        exe = dist.to_python_executable(
            name="$NAME",
            packaging_policy=policy,
            config=python_config,
        )
        exe.add_python_resources(exe.pip_install($WHEELS))
        return exe

    def make_on_filesystem():
        dist = default_python_distribution()
        policy = dist.make_python_packaging_policy()
        policy.resources_location = "filesystem-relative:lib"
        python_config = dist.make_python_interpreter_config()
        python_config.config_profile = "python"
        python_config.allocator_backend = "rust"
        python_config.allocator_mem = True
        python_config.allocator_obj = True
        python_config.allocator_raw = False
        python_config.configure_c_stdio = False
        python_config.configure_locale = False
        python_config.install_signal_handlers = False
        python_config.isolated = True
        python_config.module_search_paths = ["$ORIGIN/lib"]
        python_config.optimization_level = 2
        python_config.oxidized_importer = False
        python_config.pathconfig_warnings = False
        python_config.run_filename = "/dev/stdin"
        python_config.site_import = False
        python_config.skip_first_source_line = True
        python_config.sys_frozen = False
        python_config.write_bytecode = False
        exe = dist.to_python_executable(
            name="$NAME-on-filesystem",
            packaging_policy=policy,
            config=python_config,
        )
        exe.add_python_resources(exe.pip_install($WHEELS))
        return exe

    def make_install(shell, on_filesystem):
        files = FileManifest()
        files.add_python_resource(".", shell)
        files.add_python_resource(".", on_filesystem)
        return files

    register_target("shell", make_shell)
    register_target("on_filesystem", make_on_filesystem)
    register_target("install", make_install, depends=["shell", "on_filesystem"], default=True)
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
        if sys.argv[-1:] == ["settings"]:
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
    import ctypes
    import faulthandler
    import locale
    import multiprocessing
    import os
    import signal
    import sys
    import tracemalloc


    def configurations():
        # What CPython's own tests ask. There is no other way to some of it: in a release build,
        # nothing comes of `dump_refs` and `show_ref_count`, for example.
        tell = ctypes.pythonapi._Py_GetConfigsAsDict
        tell.restype = ctypes.py_object
        return tell()


    def program_name():
        tell = ctypes.pythonapi.Py_GetProgramName
        tell.restype = ctypes.c_wchar_p
        return tell()


    class Allocator(ctypes.Structure):
        _fields_ = [(name, ctypes.c_void_p) for name in "ctx malloc calloc realloc free".split()]


    def allocators():
        found, domains = Allocator(), {}
        for number, name in enumerate(["raw", "mem", "obj"]):
            ctypes.pythonapi.PyMem_GetAllocator(number, ctypes.byref(found))
            # CPython's own allocators have no context, except with hooks for debugging.
            domains[name] = bool(found.ctx)
        ctypes.pythonapi.PyObject_GetArenaAllocator(ctypes.byref(found))
        return {**domains, "arena": bool(found.ctx)}


    def is_filled(domain):
        # With hooks for debugging, fresh memory is.
        malloc = getattr(ctypes.pythonapi, domain + "Malloc")
        free = getattr(ctypes.pythonapi, domain + "Free")
        malloc.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        memory = malloc(8)
        content = ctypes.string_at(memory, 8)
        free(memory)
        return content == 8 * bytes([0xCD])


    def settings():
        flags = (
            "bytes_warning debug dev_mode dont_write_bytecode hash_randomization"
            " ignore_environment inspect interactive isolated no_site no_user_site optimize quiet"
            " utf8_mode"
        )
        exe = os.readlink("/proc/self/exe")
        on = {name: int(getattr(sys.flags, name)) for name in flags.split()}
        return {
            "flags": {name: flag for name, flag in on.items() if flag},
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
                sys.exec_prefix,
                sys.base_prefix,
                sys.base_exec_prefix,
                sys.executable,
                sys._base_executable,
                sys.pycache_prefix,
                program_name(),
            ],
            "path": [path.rpartition("/")[2] for path in sys.path],
            "argv": sys.argv[1:],
            "argvb": [arg.decode() for arg in getattr(sys, "argvb", [])[1:]],
            "frozen": getattr(sys, "frozen", None),
            "meipass": getattr(sys, "_MEIPASS", None) == exe.rpartition("/")[0],
            "importers": [getattr(i, "__name__", type(i).__name__) for i in sys.meta_path],
            "faulthandler": faulthandler.is_enabled(),
            "tracemalloc": tracemalloc.is_tracing(),
            "check_hash_pycs": _imp.check_hash_based_pycs,
            # Of SIGPIPE, Rust takes care before, and of SIGINT the module itself.
            "signals": signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN,
            "start_method": multiprocessing.get_start_method(),
            "locale": [locale.setlocale(locale.LC_CTYPE), os.environ.get("LC_CTYPE")],
            "terminfo": "TERMINFO_DIRS" in os.environ,
            "allocators": allocators(),
            "filled": [is_filled(domain) for domain in ("PyMem_Raw", "PyMem_", "PyObject_")],
            "blocks_of_pymalloc": sys.getallocatedblocks() > 0,
            **configurations(),
        }
    """

# What each executable finds. Where a setting has no effect, as others go before it or CPython is a
# release build, CPython's configuration tells that it is there.
EXPECTED_SETTINGS = {
    "flags": {
        "bytes_warning": 1,
        "debug": 1,
        "dev_mode": 1,
        "hash_randomization": 1,
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
        # That `home` counts more than `prefix` and `exec_prefix` is CPython's doing, and there is
        # always one: PyOxidizer has the executable's folder be it. `pyconfig_adapter_test.py` has
        # these two arrive without a home.
        "/opt/home",
        "/opt/home",
        "/opt/base_prefix",
        "/opt/base_exec_prefix",
        "/opt/executable",
        "/opt/base_executable",
        "/opt/pycache",
        "/opt/program",
    ],
    "path": ["install", "lib"],
    # Neither did Python take these arguments for its own, nor PyOxidizer.
    "argv": ["--multiprocessing-fork", "-V", "settings"],
    "argvb": ["--multiprocessing-fork", "-V", "settings"],
    "frozen": True,
    "meipass": True,
    "importers": ["OxidizedFinder", "PathFinder"],
    "faulthandler": True,
    "tracemalloc": True,
    "check_hash_pycs": "always",
    "signals": True,
    "start_method": "spawn",
    "terminfo": False,
    "blocks_of_pymalloc": False,
    "pre_config": {
        "_config_init": 2,
        "allocator": 3,
        "coerce_c_locale_warn": 0,
        "configure_locale": 1,
        "dev_mode": 1,
        "isolated": 0,
        "parse_argv": 0,
        "use_environment": 1,
        "utf8_mode": 1,
    },
    "config": {
        # That of the profile "python".
        "_config_init": 2,
        "buffered_stdio": 0,
        "configure_c_stdio": 1,
        "dump_refs": 1,
        "hash_seed": 123,
        "home": "/opt/home",
        "install_signal_handlers": 1,
        "parse_argv": 0,
        "pathconfig_warnings": 1,
        "program_name": "/opt/program",
        "pythonpath_env": "/opt/path",
        "run_filename": "/opt/no_file",
        "run_module": "no_module",
        "show_ref_count": 1,
        "site_import": 1,
        "skip_source_first_line": 1,
        "user_site_directory": 1,
        "write_bytecode": 1,
    },
}
EXPECTED_OF_SHELL = {
    "flags": {
        "hash_randomization": 1,
        "ignore_environment": 1,
        "inspect": 1,
        "interactive": 1,
        "no_user_site": 1,
    },
    "frozen": True,
    "meipass": False,
    "importers": ["OxidizedFinder"],
    "start_method": "fork",
    # PyOxidizer has set a variable, as the system is one that it knows or as it looked for folders.
    "terminfo": True,
    # The hooks for debugging count here, but not for the arenas.
    "allocators": {"raw": True, "mem": True, "obj": True, "arena": True},
    "filled": [True, True, True],
    "blocks_of_pymalloc": True,
    "pre_config": {
        "allocator": 5,
        # That of "C". CPython makes no difference between "LC_CTYPE" and its own default.
        "coerce_c_locale": 2,
        "coerce_c_locale_warn": 1,
        "use_environment": 0,
    },
    "config": {"import_time": 1, "inspect": 1, "interactive": 1, "malloc_stats": 1},
}
EXPECTED_ON_FILESYSTEM = {
    "flags": {
        "dont_write_bytecode": 1,
        "hash_randomization": 1,
        "ignore_environment": 1,
        "isolated": 1,
        "no_site": 1,
        "no_user_site": 1,
        "optimize": 2,
        # CPython's choice for the locale.
        "utf8_mode": 1,
    },
    "path": ["lib"],
    "frozen": None,
    "meipass": False,
    "importers": ["BuiltinImporter", "FrozenImporter", "PathFinder"],
    "signals": False,
    "locale": ["C", None],
    "allocators": {"raw": False, "mem": True, "obj": True, "arena": False},
    "filled": [False, False, False],
    "blocks_of_pymalloc": False,
    "pre_config": {"configure_locale": 0, "isolated": 1},
    "config": {
        "configure_c_stdio": 0,
        "install_signal_handlers": 0,
        "pathconfig_warnings": 0,
        "run_filename": "/dev/stdin",
        "skip_source_first_line": 1,
    },
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
        pyoxidizer_binary(name="modes", dependencies=[":dist"], template="modes.bzlt")
        """,
    "newer/__init__.py": "",
    "newer/main.py": PROGRAM,
    "newer/settings.py": SETTINGS,
    "newer/settings.bzlt": TEMPLATE,
    "newer/tell.py": "import json, newer.settings\nprint(json.dumps(newer.settings.settings()))\n",
    "newer/modes.bzlt": MODES,
}


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
    assert result.stderr.count(f"\nContains Python {version}.") == len(names), result.stderr
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


def check_told(stdout: str, expected: Mapping[str, Any]) -> None:
    told = json.loads(stdout)
    # Of each configuration, a part is expected.
    parts = {
        name: {field: told[name][field] for field in value}
        if name.endswith("config")
        else told[name]
        for name, value in expected.items()
    }
    assert parts == expected


def check_settings(binary: Path, tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    result = run_binary(
        binary, "--multiprocessing-fork", "-V", "settings", env={"MODULES": str(modules)}
    )
    assert (result.stderr, result.returncode) == ("", 0)
    check_told(result.stdout, EXPECTED_SETTINGS)
    # PyOxidizer 0.24 makes the folder, but writes nothing into it, as CPython has ended by then.
    assert list(modules.iterdir()) == []


# What the shell gets to do. With `malloc_stats`, some CPythons crash at their end
# (python/cpython#111499), so they are not let get there.
SHELL_INPUT = """\
import os, sys
print("a shell")
_ = (3, 12) <= sys.version_info < (3, 12, 5) and os._exit(7)
"""


def check_modes(shell: Path) -> None:
    # It takes this locale for one that it should coerce, as it is told to, and says so.
    result = run_binary(shell, stdin=SHELL_INPUT, env={"LC_CTYPE": "C.UTF-8"})
    told, *more = result.stdout.splitlines()
    check_told(told, EXPECTED_OF_SHELL)
    assert "a shell" in more
    assert "LC_CTYPE coerced to C.UTF-8" in result.stderr
    assert re.search(r"^import time: .*\| +newer\.settings$", result.stderr, re.MULTILINE)
    wrote_stats = "Small block threshold = " in result.stderr
    assert (result.returncode, wrote_stats) in [(0, True), (7, False)]

    result = run_binary(
        shell.with_name(f"{shell.name}-on-filesystem"),
        stdin="this is no Python\nimport newer.tell\n",
        env={"LC_ALL": "C.UTF-8"},
    )
    assert (result.stderr, result.returncode) == ("", 0)
    check_told(result.stdout, EXPECTED_ON_FILESYSTEM)


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_programs(repository: Repository, tmp_path: Path, version: str) -> None:
    binary, templated, shell = package(repository, version, "bin", "templated", "modes")
    assert list(binary.parent.glob("lib/markupsafe/_speedups.*.so"))
    check_program(binary, version)
    check_program(templated, version)
    check_settings(templated, tmp_path)
    check_modes(shell)


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


def test_settings_in_a_python_that_pyoxidizer_knows(repository: Repository, tmp_path: Path) -> None:
    templated, shell = package(repository, "3.11", "templated", "modes")
    check_settings(templated, tmp_path)
    check_modes(shell)


def test_pex_of_pants(repository: Repository, pex_of_pants: PexCli) -> None:
    (binary,) = package(repository, "3.11", "bin", options=pex_of_pants.options)
    check_program(binary, "3.11")
    # It does not find the newer ones.
    all_pythons = "--python-interpreter-constraints=['CPython>=3.9,<3.14']"
    result = repository.succeed(*pex_of_pants.options, all_pythons, "package", "newer:bin")
    assert "\nContains Python 3.11." in result.stderr


def search_path(*versions: str) -> str:
    """An option for Pants to find these Pythons alone, in this order."""
    folders = []
    for version in versions:
        pythons = host_pythons(version)
        if not pythons:
            pytest.skip(f"there is no Python {version}")
        folders.append(str(pythons[0].parent))
    return f"--python-bootstrap-search-path={folders}"


def test_pants_as_it_comes_where_newer_pythons_are_first(
    repository: Repository, pex_of_pants: PexCli
) -> None:
    repository.write(FILES)
    options = [
        *pex_of_pants.options,
        search_path("3.13", "3.12", "3.9"),
        # By default, Pants 2.17 allows these. No tool of this plugin runs on 3.7.
        "--python-interpreter-constraints=['CPython>=3.7,<4']",
    ]
    only_another = "--pyoxidizer-interpreter-constraints=['CPython==3.10.*']"
    message = repository.fail(*options, only_another, "package", "newer:bin")
    assert "UnusableToolError: pyoxidizer.pex cannot be installed." in message
    assert "There is no Python that it can run on. To fix, install one" in message

    result = repository.succeed(*options, "package", "newer:bin")
    assert "\nContains Python 3.9." in result.stderr
    check_program(repository.path / f"dist/newer/bin/{TRIPLE}/debug/install/bin", "3.9")


def test_code_for_newer_pythons_alone(repository: Repository) -> None:
    repository.write(FILES)
    only_newer = "--python-interpreter-constraints=['CPython==3.12.*']"
    options = [search_path("3.12", "3.9"), only_newer]
    message = repository.fail(*options, "package", "newer:bin")
    assert "UnbuildableWheelsError: The wheels of these distributions cannot be built" in message
    assert (
        'set `[setuptools].version` to "setuptools==69.5.1" and `[setuptools].lockfile` to "<none>"'
        in message
    )
    cure = ["--setuptools-version=setuptools==69.5.1", "--setuptools-lockfile=<none>"]
    result = repository.succeed(*options, *cure, "package", "newer:bin")
    assert "\nContains Python 3.12." in result.stderr
    check_program(repository.path / f"dist/newer/bin/{TRIPLE}/debug/install/bin", "3.12")
