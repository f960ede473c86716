# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The adapters between PyOxidizer's `PyConfig` and that of newer CPythons, compiled and linked."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pants_pyoxidizer.programs.formats import elf
from pants_pyoxidizer.programs.pack import cpython, libpython
from pants_pyoxidizer.programs.pack.cpython import CPython, Refusal
from pants_pyoxidizer.programs.pack.forced_header import forced_header
from pants_pyoxidizer.programs.pack.libpython import Library
from pants_pyoxidizer.programs.pack.pyconfig_adapter import (
    LAYOUT,
    REAL_NAMES,
    adapted_object,
    adapters_c,
    pyconfig_fields,
)

PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
C_COMPILER = next((cc for cc in ("/usr/bin/cc", "/usr/bin/gcc") if os.path.exists(cc)), None)
pytestmark = pytest.mark.skipif(
    C_COMPILER is None or not sys.platform.startswith("linux"), reason="needs cc, on Linux"
)


def real_python(version: str) -> CPython:
    paths = sorted(PYENV.glob(f"versions/{version}.*/bin/python{version}"))
    if not paths:
        pytest.skip(f"pyenv has no Python {version}")
    return cpython.probe(str(paths[0]))


def compile_c(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(C_COMPILER), "-fPIC", "-Wall", "-Wextra", "-Werror=implicit", *args],
        cwd=folder,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
    )


# The structs and functions as PyOxidizer's Rust crates declare them.
CRATES_H = """
#include <wchar.h>
typedef struct { long length; wchar_t **items; } PyWideStringList;
typedef struct { int type; const char *func; const char *err_msg; int exitcode; } PyStatus;
typedef struct { DECLARATIONS } PyConfig;
int PyStatus_Exception(PyStatus);
void PyConfig_InitPythonConfig(PyConfig *);
void PyConfig_InitIsolatedConfig(PyConfig *);
PyStatus PyConfig_SetBytesString(PyConfig *, wchar_t **, const char *);
PyStatus PyConfig_SetBytesArgv(PyConfig *, long, char *const *);
PyStatus PyWideStringList_Append(PyWideStringList *, const wchar_t *);
PyStatus Py_InitializeFromConfig(const PyConfig *);
PyStatus _Py_InitializeMain(void);
int Py_RunMain(void);
extern const struct { const char *name; void *code; int size; int is_package; void *get_code; }
  *PyImport_FrozenModules;
"""
# What PyOxidizer's start-up code does.
MAIN_C = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(PyStatus status) {
  if (!PyStatus_Exception(status)) return;
  fprintf(stderr, "%s: %s\\n", status.func, status.err_msg);
  exit(70);
}

int main(int argc, char **argv) {
  struct { PyConfig config; char after[64]; } memory;
  PyConfig *config = &memory.config;
  memset(&memory, 0, sizeof memory);
  if (getenv("FROZEN"))
    for (int i = 0; PyImport_FrozenModules[i].name; i++) puts(PyImport_FrozenModules[i].name);
  if (getenv("ISOLATED")) PyConfig_InitIsolatedConfig(config);
  else PyConfig_InitPythonConfig(config);
  check(PyConfig_SetBytesArgv(config, argc, argv));
  SETTINGS
  config->_init_main = 0;
  check(Py_InitializeFromConfig(config));
  check(_Py_InitializeMain());
  for (int i = 0; i < 64; i++) if (memory.after[i]) exit(71);
  return Py_RunMain();
}
"""
# All that PyOxidizer's start-up code sets, and more. For each there is a kind of configuration in
# which the value is not the default, as `check_configured` finds. `warn_default_encoding` is not
# here, as CPython takes it back when it starts.
INTEGERS = dict(
    isolated=0,
    use_environment=1,
    dev_mode=1,
    install_signal_handlers=1,
    use_hash_seed=1,
    hash_seed=123,
    faulthandler=1,
    tracemalloc=3,
    import_time=1,
    code_debug_ranges=0,
    show_ref_count=1,
    dump_refs=1,
    malloc_stats=1,
    parse_argv=0,
    site_import=0,
    bytes_warning=2,
    inspect=1,
    interactive=1,
    optimization_level=1,
    parser_debug=1,
    write_bytecode=0,
    verbose=1,
    quiet=1,
    user_site_directory=1,
    configure_c_stdio=1,
    buffered_stdio=0,
    use_frozen_modules=0,
    safe_path=0,
    pathconfig_warnings=0,
    skip_source_first_line=1,
)
STRINGS = dict(
    filesystem_encoding="utf-8",
    filesystem_errors="strict",
    pycache_prefix="/tmp/pycache",
    stdio_encoding="iso8859-1",
    stdio_errors="replace",
    check_hash_pycs_mode="always",
    program_name="/opt/näme",
    pythonpath_env="/opt/path",
    executable="/opt/executable",
    base_executable="/opt/base_executable",
    prefix="/opt/prefix",
    base_prefix="/opt/base_prefix",
    exec_prefix="/opt/exec_prefix",
    base_exec_prefix="/opt/base_exec_prefix",
    home="/opt/home",
    # These are not run, as there is a command.
    run_module="no_module",
    run_filename="/opt/no_file",
)
LISTS = dict(xoptions=["one=1", "two"], warnoptions=["error::ImportWarning"])
# Prints what the interpreter was configured with, which only a test module of CPython tells. Up to
# 3.12.4, a CPython 3.12 with `malloc_stats` crashes at its end (python/cpython#111499).
TELL = (
    "import json, os, sys; sys.path[:] = PATHS;"
    "import _testinternalcapi as t; print(json.dumps(t.get_configs()['config']), flush=True);"
    "(3, 12) <= sys.version_info < (3, 12, 5) and os._exit(0)"
)


def settings(python: CPython) -> dict[str, Any]:
    dynload = f"{python.platstdlib}/lib-dynload"
    paths = [python.stdlib, dynload]
    return {
        **INTEGERS,
        **STRINGS,
        **LISTS,
        "module_search_paths_set": 1,
        "module_search_paths": paths,
        "run_command": TELL.replace("PATHS", repr(paths)),
    }


def only_what_it_takes_to_tell(values: dict[str, Any]) -> dict[str, Any]:
    # An interpreter that parses the `-V` does nothing but tell its version.
    needed = ("module_search_paths_set", "module_search_paths", "run_command", "parse_argv")
    return {name: values[name] for name in needed}


def c_statements(values: dict[str, Any]) -> str:
    lines = []
    for name, value in values.items():
        if isinstance(value, int):
            lines.append(f"config->{name} = {value};")
        elif isinstance(value, str):
            literal = json.dumps(value, ensure_ascii=False)
            # A home counts more than the prefixes, so these are told by an isolated one without it.
            condition = 'if (!getenv("ISOLATED")) ' if name == "home" else ""
            statement = f"check(PyConfig_SetBytesString(config, &config->{name}, {literal}));"
            lines.append(condition + statement)
        else:
            lines += [
                f"check(PyWideStringList_Append(&config->{name}, L{json.dumps(item)}));"
                for item in value
            ]
    return "\n  ".join(lines)


def link_shared(library: Library) -> list[str]:
    return [library.path, f"-Wl,-rpath,{os.path.dirname(library.path)}"]


def write_library(folder: Path, python: CPython, library: Library) -> list[str]:
    """Compiles the table of built-in modules as PyOxidizer does; arguments for the linker."""
    (folder / "forced.h").write_text(forced_header(python, library))
    config_c = next(path for path in python.config_dirs() if os.path.isfile(f"{path}/config.c"))
    compiled = compile_c(
        folder, "-include", "forced.h", f"-I{python.include}", "-c", f"{config_c}/config.c"
    )
    assert (compiled.stderr, compiled.returncode) == ("", 0)
    if library.link_mode == "shared":
        return ["config.o", *link_shared(library)]
    (folder / "core").mkdir()
    objects = [name for name, _ in library.objects if name != library.inittab]
    for name, data in library.objects:
        (folder / "core" / name).write_bytes(adapted_object(python, data))
    subprocess.run(
        ["ar", "qcS", "../libpython.a", "../config.o", *objects], cwd=folder / "core", check=True
    )
    subprocess.run(["ar", "s", "libpython.a"], cwd=folder, check=True)
    return ["libpython.a", *(f"-l{name}" for name in library.links), "-rdynamic", "-Wl,-s"]


def configured(folder: Path, declarations: str, link: list[str], values: dict[str, Any]) -> Path:
    """A program that configures CPython with these values."""
    main_c = declarations + MAIN_C.replace("SETTINGS", c_statements(values))
    (folder / "main.c").write_text(main_c)
    built = compile_c(folder, "main.c", "-o", "main", *link)
    assert built.returncode == 0, built.stderr
    return folder / "main"


def run(program: Path, **env: str) -> list[str]:
    result = subprocess.run(
        ["program", "-V", "ä"],
        executable=program,
        env={"LC_ALL": "C.UTF-8", **env},
        # What is interactive goes on with this, and is at its end.
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def check_configured(folder: Path, python: CPython, library: Library) -> None:
    """What arrives is what arrives without adapters, in a program that is made for this CPython."""
    (folder / "adapted").mkdir()
    (folder / "native").mkdir()
    (folder / "default").mkdir()
    values = settings(python)
    declarations = "".join(f"{kind} {name}; " for name, kind in LAYOUT.items())
    adapted = configured(
        folder / "adapted",
        CRATES_H.replace("DECLARATIONS", declarations),
        write_library(folder / "adapted", python, library),
        values,
    )
    shared = libpython.read_shared(libpython.shared_candidates(python)[0])
    native, default = (
        configured(
            folder / name,
            '#include "Python.h"\n',
            [f"-I{python.include}", *link_shared(shared)],
            chosen,
        )
        for name, chosen in [("native", values), ("default", only_what_it_takes_to_tell(values))]
    )
    # The test module wants the real functions, which modules do not get.
    stub_c = "".join(f"void {name}(void) {{}}\n" for name in REAL_NAMES)
    (folder / "stub.c").write_text(stub_c)
    assert compile_c(folder, "stub.c", "-shared", "-o", "stub.so").returncode == 0
    preload = {"LD_PRELOAD": f"{folder}/stub.so"} if library.link_mode == "static" else {}

    (line,) = run(native)
    config = json.loads(line)
    assert config["orig_argv"] == ["program", "-V", "ä"]
    # CPython adds to the filters of warnings, and takes the prefixes from the home.
    changed = {name for name, value in values.items() if config[name] != value}
    assert changed == {"warnoptions", "prefix", "exec_prefix"}
    assert config["warnoptions"][-1:] == values["warnoptions"]
    *frozen, line = run(adapted, FROZEN="1", **preload)
    assert frozen == ["_frozen_importlib", "_frozen_importlib_external", "zipimport"]
    assert json.loads(line) == config
    (isolated_line,) = run(native, ISOLATED="1")
    isolated = json.loads(isolated_line)
    changed = {name for name, value in values.items() if isolated[name] != value}
    # It leaves the locale alone, so it knows no `ä`.
    assert changed == {"warnoptions", "home", "program_name"}
    assert run(adapted, ISOLATED="1", **preload) == [isolated_line]
    # A value that does not arrive is noticed: it is another one than that of a field left alone.
    kinds = [(config, run(default)), (isolated, run(default, ISOLATED="1"))]
    told = {
        name
        for found, (untouched,) in kinds
        for name, value in json.loads(untouched).items()
        if found[name] != value
    }
    assert {*INTEGERS, *STRINGS, *LISTS} - told == {"parse_argv"}


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_each_setting_arrives(tmp_path: Path, version: str) -> None:
    python = real_python(version)
    library = libpython.find_library(python)
    assert library.link_mode == "static"
    check_configured(tmp_path, python, library)


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_each_setting_arrives_in_a_shared_libpython(tmp_path: Path, version: str) -> None:
    python = real_python(version)
    check_configured(
        tmp_path, python, libpython.read_shared(libpython.shared_candidates(python)[0])
    )


def test_the_layout_is_that_of_cpython_311() -> None:
    header = Path(real_python("3.11").include, "cpython/initconfig.h").read_text()
    assert list(pyconfig_fields(header).items()) == list(LAYOUT.items())


# --- CPythons that are not as expected


HEADER = "typedef struct PyConfig {{\n{}\n}} PyConfig;\n"
SAME = "".join(f"    {kind} {name};\n" for name, kind in LAYOUT.items())
STATIC = Library("static", "/libpython3.12.a", defined_symbols=frozenset(REAL_NAMES))


def python312(folder: Path, struct: str) -> CPython:
    """An interpreter with this content of `PyConfig`."""
    (folder / "cpython").mkdir()
    (folder / "cpython/initconfig.h").write_text(HEADER.format(struct))
    found = cpython.probe(sys.executable)
    return dataclasses.replace(
        found,
        executable="/py/bin/python3.12",
        version_info=(3, 12, 9, "final", 0),
        include=str(folder),
    )


def test_fields_of_a_header() -> None:
    header = HEADER.format(
        "    int a;   /* int b; */\n    wchar_t *c;  // int d;\n#ifdef MS_WINDOWS\n    int e;\n"
        "#  if X\n    int f;\n#  else\n    int g;\n#  endif\n    int h;\n#endif\n"
        "    unsigned long i;\n    PyWideStringList j;"
    )
    assert pyconfig_fields(f"typedef struct {{\n int x;\n}} PyPreConfig;\n{header}") == {
        "a": "int",
        "c": "wchar_t *",
        "i": "unsigned long",
        "j": "PyWideStringList",
    }


def test_older_cpythons_need_no_adapters() -> None:
    python = dataclasses.replace(cpython.probe(sys.executable), version_info=(3, 11, 0, "final", 0))
    assert adapters_c(python, STATIC) == ""
    assert adapted_object(python, b"no object") == b"no object"


def test_new_and_unused_fields(tmp_path: Path) -> None:
    struct = SAME.replace("    int _isolated_interpreter;\n", "    int first;\n    int second;\n")
    adapters = adapters_c(python312(tmp_path, struct), STATIC)
    assert "new fields keep their initial values: first, second. */" in adapters
    assert "  UNUSED(int, _isolated_interpreter) \\\n" in adapters
    assert adapters.count("  SAME(") == len(LAYOUT) - 1


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("    wchar_t * home;\n", "", "its `PyConfig` has no field `home`"),
        (
            "    wchar_t * home;\n",
            "#ifdef X\n    wchar_t * home;\n#endif\n",
            "its `PyConfig` has no field `home`",
        ),
        (
            "int verbose;",
            "unsigned char verbose;",
            "the field `verbose` of its `PyConfig` has type `unsigned char`, not `int`",
        ),
        ("} ", "}\n", "its `PyConfig` has no field `_config_init`"),
    ],
)
def test_another_pyconfig_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in HEADER.format(SAME)
    python = python312(tmp_path, "")
    header = tmp_path / "cpython/initconfig.h"
    header.write_text(HEADER.format(SAME).replace(old, new))
    with pytest.raises(Refusal) as caught:
        adapters_c(python, STATIC)
    assert str(caught.value) == (
        f"/py/bin/python3.12: Python 3.12.9 cannot be packed, because {problem}, which PyOxidizer"
        " relies on; use another release of Python"
    )


def test_a_library_without_a_function_is_refused(tmp_path: Path) -> None:
    library = dataclasses.replace(
        STATIC, defined_symbols=STATIC.defined_symbols - {"PyConfig_SetBytesArgv"}
    )
    with pytest.raises(Refusal, match=r"because /libpython3\.12\.a has no `PyConfig_SetBytesArgv`"):
        adapters_c(python312(tmp_path, SAME), library)


@pytest.mark.parametrize(
    ("version", "old", "new", "message"),
    [
        ("3.12", "    int isolated;\n", "", "has no member named 'isolated'"),
        (
            "3.12",
            "int tracemalloc;",
            "long tracemalloc;",
            "PyConfig.tracemalloc is not of the type",
        ),
        (
            "3.12",
            "int utf8_mode;",
            "int new, utf8_mode;",
            "PyPreConfig.utf8_mode is at a wrong offset",
        ),
        ("3.13", "int exitcode;", "int exitcode; void *new;", "PyStatus has a wrong size"),
        ("3.13", "", "", "struct _frozen has a wrong size"),
    ],
)
def test_the_compiler_notices_other_structs(
    tmp_path: Path, version: str, old: str, new: str, message: str
) -> None:
    """Headers that are changed after the adapters were made; the last case is those of 3.11."""
    python = real_python(version)
    library = dataclasses.replace(STATIC, anchors=())
    (tmp_path / "forced.h").write_text(forced_header(python, library))
    include = tmp_path / "include"
    shutil.copytree(python.include if old else real_python("3.11").include, include)
    header = include / "cpython/initconfig.h"
    text = header.read_text()
    assert old in text
    header.write_text(text.replace(old, new))
    (tmp_path / "empty.c").write_text("")
    compiled = compile_c(tmp_path, "-include", "forced.h", f"-I{include}", "-c", "empty.c")
    assert compiled.returncode != 0
    assert message in compiled.stderr


# --- Symbols


def test_symbols_that_share_strings_are_renamed_alone(tmp_path: Path) -> None:
    """Assemblers put `tail` at the end of `long_tail`."""
    source = """
    extern int other(void);
    int tail(void) { return 1; }
    int long_tail(void) { return tail() + other(); }
    """
    (tmp_path / "x.c").write_text(source)
    assert compile_c(tmp_path, "-c", "x.c").returncode == 0
    data = (tmp_path / "x.o").read_bytes()
    renamed = elf.with_renamed_symbols(data, {"tail": "a_longer_name", "other": "o", "no": "x"})
    assert elf.with_renamed_symbols(data, {"no": "x"}) == data

    def names(content: bytes) -> set[tuple[str, bool]]:
        symbols = elf.ElfFile(content).symbols(elf.SHT_SYMTAB)
        return {(s.name, s.is_defined) for s in symbols if not s.is_local}

    assert names(data) == {("tail", True), ("long_tail", True), ("other", False)}
    assert names(renamed) == {("a_longer_name", True), ("long_tail", True), ("o", False)}

    (tmp_path / "x.o").write_bytes(renamed)
    (tmp_path / "main.c").write_text(
        "int a_longer_name(void); int long_tail(void); int o(void) { return 40; }"
        " int tail(void) { return 7; } int main(void) { return a_longer_name() + long_tail(); }"
    )
    assert compile_c(tmp_path, "main.c", "x.o", "-o", "main").returncode == 0
    assert subprocess.run([str(tmp_path / "main")]).returncode == 42
