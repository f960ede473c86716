# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import dataclasses
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Sequence

import pytest

from pants_pyoxidizer.programs.formats import ar_archive, elf
from pants_pyoxidizer.programs.pack import (
    cpython,
    libpython,
    pack_cpython,
    packed_python_json,
    packed_tree,
)
from pants_pyoxidizer.programs.pack.cpython import CPython, Refusal
from pants_pyoxidizer.programs.pack.forced_header import forced_header
from pants_pyoxidizer.programs.pack.libpython import Image, Library
from pants_pyoxidizer.programs.pack.packed_tree import ExtensionModule, Tree

# --- Facts about interpreters ---


def interpreter(**changes: Any) -> CPython:
    facts: dict[str, Any] = dict(
        executable="/py/bin/python3.11",
        implementation="cpython",
        version_info=[3, 11, 7, "final", 0],
        hexversion=0x030B07F0,
        cache_tag="cpython-311",
        bits=64,
        platform="linux",
        machine="x86_64",
        in_venv=False,
        base_candidates=[],
        base_prefix="/py",
        platlibdir="lib",
        stdlib="/py/lib/python3.11",
        platstdlib="/py/lib/python3.11",
        include="/py/include/python3.11",
        config_h="/py/include/python3.11/pyconfig.h",
        abstract_paths={"stdlib": "{installed_base}/{platlibdir}/python{py_version_short}"},
        config_vars={
            "LIBPL": "/py/lib/python3.11/config-3.11-x86_64-linux-gnu",
            "LIBDIR": "/py/lib",
            "LIBRARY": "libpython3.11.a",
            "LDLIBRARY": "libpython3.11.so",
            "INSTSONAME": "libpython3.11.so.1.0",
            "LIBS": "-lcrypt -ldl -L/py/lib -lm",
            "MODLIBS": "-lz -lm",
            "SYSLIBS": "-lm",
            "SOABI": "cpython-311-x86_64-linux-gnu",
            "Py_DEBUG": 0,
        },
        suffixes={"source": [".py"], "extension": [".cpython-311-x86_64-linux-gnu.so", ".so"]},
        magic="a70d0d0a",
        importable=["json"],
        libc="/lib/libc.so.6",
    )
    config_vars = {**facts["config_vars"], **changes.pop("config_vars", {})}
    return CPython.from_probe({**facts, **changes, "config_vars": config_vars})


def test_versions() -> None:
    assert interpreter().version == "3.11.7"
    assert interpreter().minor_version == "3.11"
    assert interpreter(version_info=[3, 10, 0, "candidate", 2]).version == "3.10.0rc2"


@pytest.mark.parametrize(
    "platform, machine, triple",
    [
        ("linux", "x86_64", "x86_64-unknown-linux-gnu"),
        ("linux", "aarch64", "aarch64-unknown-linux-gnu"),
        ("darwin", "x86_64", "x86_64-apple-darwin"),
        ("darwin", "arm64", "aarch64-apple-darwin"),
    ],
)
def test_target_triple(platform: str, machine: str, triple: str) -> None:
    assert interpreter(platform=platform, machine=machine).target_triple == triple


@pytest.mark.parametrize("minor", [9, 10, 11, 12, 13])
def test_check_accepts(minor: int) -> None:
    cpython.check(interpreter(version_info=[3, minor, 1, "final", 0]))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"implementation": "pypy"}, "is pypy, but only CPython can be packed"),
        (
            {"version_info": [3, 8, 18, "final", 0]},
            "is Python 3.8.18, but only 3.9, 3.10, 3.11, 3.12, 3.13 can be packed",
        ),
        (
            {"version_info": [3, 14, 1, "final", 0]},
            "is Python 3.14.1, but only 3.9, 3.10, 3.11, 3.12, 3.13 can be packed",
        ),
        (
            {"version_info": [3, 13, 0, "final", 0], "config_vars": {"Py_GIL_DISABLED": 1}},
            "is a free-threaded build, which PyOxidizer cannot embed; use a build with the GIL",
        ),
        (
            {"config_vars": {"Py_DEBUG": 1}},
            "is a debug build, whose ABI is incompatible with release extension modules; use a release"
            " build",
        ),
        (
            {"config_vars": {"Py_TRACE_REFS": 1}},
            "is a debug build, whose ABI is incompatible with release extension modules; use a release"
            " build",
        ),
        ({"bits": 32}, "is a 32-bit build, but only 64-bit builds can be packed"),
        (
            {"config_vars": {"SOABI": "cpython-311-x86_64-linux-musl"}},
            "is linked with musl, but only builds with glibc can be packed",
        ),
        (
            {"machine": "riscv64"},
            "runs on linux riscv64, which PyOxidizer does not support",
        ),
        (
            {"version_info": [3, 12, 1, "final", 0], "platform": "darwin", "machine": "arm64"},
            "is Python 3.12.1 for darwin, where only 3.11 and older can be packed, because newer"
            " versions need adapters that work with ELF files only",
        ),
    ],
)
def test_check_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal) as caught:
        cpython.check(interpreter(**changes))
    assert str(caught.value) == f"/py/bin/python3.11: {message}"


def fake_python(path: Path, *lines: str) -> str:
    path.write_text("#!/bin/sh\n" + "".join(f"{line}\n" for line in lines))
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    "lines, message",
    [
        (["echo oh no >&2", "exit 3"], "is: oh no"),
        (["echo '{\"a\": 1}'"], "is: (empty)"),
        (["echo hello"], "is: (empty)"),
    ],
)
def test_probe_of_something_else(tmp_path: Path, lines: list[str], message: str) -> None:
    python = fake_python(tmp_path / "python", *lines)
    with pytest.raises(Refusal) as caught:
        cpython.probe(python)
    assert str(caught.value) == (
        f"{python}: is not a working Python 3.9 or newer; its last line on stderr {message}"
    )


def test_probe_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        cpython.probe(f"{tmp_path}/python")
    assert str(caught.value) == f"{tmp_path}/python: cannot be run (No such file or directory)"


def test_probe_of_virtual_environment_without_its_base(tmp_path: Path) -> None:
    facts = dataclasses.asdict(interpreter(in_venv=True, base_candidates=["", "/gone/python3.11"]))
    python = fake_python(tmp_path / "python", f"echo '{json.dumps(facts)}'")
    with pytest.raises(Refusal) as caught:
        cpython.probe(python)
    assert str(caught.value) == (
        f"{python}: belongs to a virtual environment whose base interpreter is gone;"
        " looked for /gone/python3.11"
    )


def test_probe_goes_from_virtual_environment_to_its_base(tmp_path: Path) -> None:
    base = fake_python(
        tmp_path / "base", f"echo noise; echo '{json.dumps(dataclasses.asdict(interpreter()))}'"
    )
    facts = dataclasses.asdict(interpreter(in_venv=True, base_candidates=["", base]))
    python = fake_python(tmp_path / "python", f"echo '{json.dumps(facts)}'")
    assert cpython.probe(python) == interpreter()


def test_probe_of_this_python() -> None:
    found = cpython.probe(sys.executable)
    assert found.version_info == tuple(sys.version_info)
    assert not found.in_venv
    assert os.path.isfile(f"{found.stdlib}/os.py")
    assert "json" in found.importable


def test_main_refuses_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--python", f"{tmp_path}/no", "--output", f"{tmp_path}/a", "--report", f"{tmp_path}/b"]
    assert pack_cpython.main(argv) == 1
    assert capsys.readouterr() == (
        "",
        f"{tmp_path}/no: cannot be run (No such file or directory)\n",
    )
    assert list(tmp_path.iterdir()) == []


# --- Static libraries ---


def ar_member(name: bytes, data: bytes) -> bytes:
    header = name.ljust(16) + b"0".ljust(32) + str(len(data)).encode().ljust(10) + b"`\n"
    return header + data + b"\n" * (len(data) % 2)


def test_ar_gnu_names() -> None:
    data = b"!<arch>\n" + b"".join(
        [
            ar_member(b"/", b"index"),
            ar_member(b"//", b"a_name_that_is_too_long.o/\nanother_long_name.o/\n"),
            ar_member(b"short.o/", b"1"),
            ar_member(b"/0", b"22"),
            ar_member(b"/27", b""),
            ar_member(b"short.o/", b"333"),
        ]
    )
    assert list(ar_archive.members(data)) == [
        ("short.o", b"1"),
        ("a_name_that_is_too_long.o", b"22"),
        ("another_long_name.o", b""),
        ("short.o", b"333"),
    ]


def test_ar_bsd_names() -> None:
    data = b"!<arch>\n" + b"".join(
        [
            ar_member(b"#1/12", b"__.SYMDEF\0\0\0index"),
            ar_member(b"#1/20", b"a name with spaces.o" + b"12"),
            ar_member(b"#1/8", b"a.o\0\0\0\0\0" + b"345"),
            ar_member(b"b.o", b"6"),
        ]
    )
    assert list(ar_archive.members(data)) == [
        ("a name with spaces.o", b"12"),
        ("a.o", b"345"),
        ("b.o", b"6"),
    ]


@pytest.mark.parametrize(
    "data, message",
    [
        (b"\x7fELF", "is not a static library"),
        (b"!<thin>\n", "is a thin archive, which does not contain its object files"),
        (b"!<arch>\nrubbish", "has a malformed member header at offset 8"),
        (
            b"!<arch>\n" + ar_member(b"a.o/", b"12345678")[:-2],
            "is truncated in the member at offset 8",
        ),
    ],
)
def test_ar_errors(data: bytes, message: str) -> None:
    with pytest.raises(ar_archive.ArError) as caught:
        list(ar_archive.members(data))
    assert str(caught.value) == message


def test_unique_names() -> None:
    names = ["a.o", "dir/b.o", "a.o", "a-2.o", "b.o", "a.o", "none", "none"]
    assert ar_archive.unique_names(names) == [
        "a.o",
        "b.o",
        "a-3.o",
        "a-2.o",
        "b-2.o",
        "a-4.o",
        "none",
        "none-2",
    ]


# --- Object files ---


def elf_file(sections: list[tuple[str, int, int, bytes, int, int]], machine: int = 62) -> bytes:
    """An ELF file of sections (name, type, flags, content, link, info), after a null section."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name, *_ in sections) + b".shstrtab\0"
    sections = [("", 0, 0, b"", 0, 0), *sections, (".shstrtab", 3, 0, names, 0, 0)]
    body, headers = b"", b""
    for name, kind, flags, content, link, info in sections:
        at = names.index(name.encode() + b"\0") if name else 0
        entry = (at, kind, flags, 0, 64 + len(body), len(content), link, info, 1, 0)
        headers += struct.pack("<IIQQQQIIQQ", *entry)
        body += content
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    fields = (
        1,
        machine,
        1,
        0,
        0,
        64 + len(body),
        0,
        64,
        0,
        0,
        64,
        len(sections),
        len(sections) - 1,
    )
    return ident + struct.pack("<HHIQQQIHHHHHH", *fields) + body + headers


def object_file(
    defined: Sequence[str] = (),
    wanted: Sequence[str] = (),
    weak: Sequence[str] = (),
    relocation: int | None = None,
    debug_relocation: int | None = None,
    extra: Sequence[str] = (),
) -> bytes:
    strings, symbols = b"\0", struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
    for names, binding, section in ((defined, 1, 1), (wanted, 1, 0), (weak, 2, 0)):
        for name in names:
            symbols += struct.pack("<IBBHQQ", len(strings), binding << 4, 0, section, 0, 0)
            strings += name.encode() + b"\0"
    sections = [
        (".text", 1, 2, b"\x90", 0, 0),
        (".symtab", 2, 0, symbols, 3, 0),
        (".strtab", 3, 0, strings, 0, 0),
        (".debug_info", 1, 0, b"\0", 0, 0),
    ]
    for type_, target in ((relocation, 1), (debug_relocation, 4)):
        if type_ is not None:
            sections.append((".rela", 4, 0, struct.pack("<QQQ", 0, 1 << 32 | type_, 0), 2, target))
    return elf_file([*sections, *((name, 1, 0, b"", 0, 0) for name in extra)])


CONFIG_O = object_file(defined=["_PyImport_Inittab"], wanted=["PyInit_a"])


def static_library(path: Path, *objects: bytes) -> str:
    members = (ar_member(b"o.o/", data) for data in objects)
    path.write_bytes(b"!<arch>\n" + b"".join(members))
    return str(path)


def read_static(tmp_path: Path, *objects: bytes) -> Library:
    path = static_library(tmp_path / "libpython3.11.a", *objects)
    return libpython.read_static(path, [Image(imported=frozenset(["malloc"]))])


def test_read_static(tmp_path: Path) -> None:
    core = object_file(
        defined=["PyInit_a"],
        wanted=["malloc", "stat", "__popcountdi2"],
        weak=["gettid"],
        relocation=2,
        debug_relocation=10,
    )
    library = read_static(tmp_path, core, CONFIG_O)
    assert library.link_mode == "static"
    assert library.objects == (("o.o", core), ("o-2.o", CONFIG_O))
    assert library.inittab == "o-2.o"
    assert library.undefined_symbols == {"malloc", "stat", "__popcountdi2", "gettid"}
    assert library.defined_symbols == {"PyInit_a", "_PyImport_Inittab"}
    assert library.anchors == ("PyInit_a",)


def test_anchors() -> None:
    def anchor(*symbols: tuple[str, str], defined: Sequence[str] = ()) -> str | None:
        kinds = ("local", "weak", "defined", "thread local")
        return libpython.find_anchor(
            [elf.Symbol(name, *(kind in what for kind in kinds)) for name, what in symbols], defined
        )

    assert anchor(("a", "local, defined"), ("b", "weak, defined"), ("c", "")) is None
    assert anchor(("a", "defined, thread local"), ("b", "defined"), ("c", "defined")) == "b"
    assert anchor(("a", "defined"), ("b", "defined"), defined=["b"]) is None
    assert anchor(("a", "defined"), ("b", "weak, defined"), defined=["b"]) == "a"


def test_fat_lto_objects_are_ordinary_ones(tmp_path: Path) -> None:
    fat = object_file(defined=["PyInit_a"], extra=[".gnu.lto_.symtab.1"])
    library = read_static(tmp_path, fat, CONFIG_O)
    assert b".gnu.lto_" not in library.objects[0][1]
    assert b".gnu_lto_.symtab.1" in library.objects[0][1]
    assert len(elf.ElfFile(library.objects[0][1]).sections) == 7


@pytest.mark.parametrize(
    "objects, message",
    [
        (
            [b"BC\xc0\xde1234", CONFIG_O],
            "contains LLVM bitcode for LTO instead of machine code (o.o)",
        ),
        (
            [object_file(defined=["PyInit_a", "__gnu_lto_slim"]), CONFIG_O],
            "contains GCC bytecode for LTO instead of machine code (o.o)",
        ),
        (
            [object_file(defined=["PyInit_a"], relocation=10), CONFIG_O],
            "was not compiled with -fPIC or -fPIE (o.o)",
        ),
        ([object_file(defined=["PyInit_a"])], "does not define _PyImport_Inittab"),
        (
            [object_file(defined=["PyInit_a"], wanted=["SSL_new", "deflate", "malloc"]), CONFIG_O],
            "has undefined symbols that the interpreter does not import (SSL_new, deflate)",
        ),
        ([CONFIG_O[:100]], "contains o.o, which has no section headers"),
    ],
)
def test_unusable_static_libraries(tmp_path: Path, objects: list[bytes], message: str) -> None:
    with pytest.raises(libpython.Unusable) as caught:
        read_static(tmp_path, *objects)
    assert str(caught.value) == message


def test_no_static_library_at_all(tmp_path: Path) -> None:
    path = tmp_path / "libpython3.11.a"
    path.write_text("GROUP ( libpython3.11.so )")
    with pytest.raises(libpython.Unusable, match="^is not a static library$"):
        libpython.read_static(str(path), [])


def test_candidates() -> None:
    python = interpreter()
    assert libpython.static_candidates(python) == [
        "/py/lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11-pic.a",
        "/py/lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11.a",
        "/py/lib/libpython3.11-pic.a",
        "/py/lib/libpython3.11.a",
    ]
    assert libpython.shared_candidates(python) == [
        "/py/lib/libpython3.11.so.1.0",
        "/py/lib/libpython3.11.so",
    ]


def test_config_dirs_of_a_moved_python(tmp_path: Path) -> None:
    moved = tmp_path / "lib/python3.11/config-3.11-x86_64-linux-gnu"
    moved.mkdir(parents=True)
    python = interpreter(stdlib=str(moved.parent), config_vars={"LIBPL": "/install/lib/config"})
    assert python.config_dirs() == ["/install/lib/config", str(moved)]


def installed(tmp_path: Path) -> CPython:
    """An interpreter whose paths are below `tmp_path`; nothing is there but the executable."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "python3.11").write_bytes(b"#!")
    config_vars = {"LIBPL": f"{tmp_path}/config", "LIBDIR": f"{tmp_path}/lib"}
    return interpreter(
        executable=f"{tmp_path}/python3.11",
        base_prefix=str(tmp_path),
        stdlib=f"{tmp_path}/lib/python3.11",
        config_vars=config_vars,
    )


CURE = (
    " To fix, install it (Debian and Ubuntu: `apt-get install libpython3.11-dev`), or use an"
    " interpreter that has one (pyenv: `pyenv install 3.11`, also with"
    " `PYTHON_CONFIGURE_OPTS=--enable-shared`)."
)


def test_no_library(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        libpython.find_library(installed(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path}/python3.11: has no libpython that can be linked into a binary (looked for"
        f" {tmp_path}/config/libpython3.11.a and {tmp_path}/lib/libpython3.11.so.1.0).{CURE}"
    )


def test_no_usable_library(tmp_path: Path) -> None:
    python = installed(tmp_path)
    static = static_library(tmp_path / "lib/libpython3.11.a", b"BC\xc0\xde")
    (tmp_path / "lib/libpython3.11.so").write_bytes(b"INPUT(x)")
    with pytest.raises(Refusal) as caught:
        libpython.find_library(python)
    assert str(caught.value) == (
        f"{tmp_path}/python3.11: has no libpython that can be linked into a binary"
        f" ({static} contains LLVM bitcode for LTO instead of machine code (o.o);"
        f" {tmp_path}/lib/libpython3.11.so is not an ELF file).{CURE}"
    )


def test_links_are_those_that_the_interpreter_needs() -> None:
    python = interpreter()
    assert libpython.links(python, ("libz.so.1", "libc.so.6", "libcryptsetup.so.12")) == (
        "dl",
        "m",
        "z",
    )
    # macOS: nothing is known.
    assert libpython.links(python, ()) == ("crypt", "dl", "m", "z")


def test_frameworks() -> None:
    python = interpreter(config_vars={"LIBS": "-ldl -framework CoreFoundation -framework AppKit"})
    assert libpython.frameworks(python) == ("CoreFoundation", "AppKit")


# --- What is linked ---

C_COMPILER = next((cc for cc in ("/usr/bin/cc", "/usr/bin/gcc") if os.path.exists(cc)), None)
needs_elf_compiler = pytest.mark.skipif(
    C_COMPILER is None or not sys.platform.startswith("linux"), reason="needs cc, on Linux"
)


def compile_c(tmp_path: Path, source: str, output: str, *args: str) -> str:
    assert C_COMPILER is not None
    (tmp_path / "x.c").write_text(source)
    subprocess.run(
        [C_COMPILER, "x.c", "-o", output, *args], cwd=tmp_path, check=True, env={"PATH": os.defpath}
    )
    return str(tmp_path / output)


@needs_elf_compiler
def test_soname_for_the_linker(tmp_path: Path) -> None:
    source = 'extern int puts(const char *); int f(void) { puts(""); return 42; }'
    path = Path(compile_c(tmp_path, source, "libf.so", "-shared", "-fPIC", "-Wl,-soname,libf.so"))
    data = path.read_bytes()
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "libf.so").write_bytes(elf.with_soname(data, "$ORIGIN/lib/libg.so"))

    binary = compile_c(tmp_path, "int f(void); int main() { return f(); }", "x", "-Lstub", "-lf")
    image = libpython.read_image(binary)
    assert image.needed[0] == "$ORIGIN/lib/libg.so"
    assert "f" in image.imported
    (tmp_path / "lib").mkdir()
    path.rename(tmp_path / "lib/libg.so")
    assert subprocess.run(["/usr/bin/env", "-i", binary], cwd="/").returncode == 42


@needs_elf_compiler
def test_lto_and_position_dependent_objects_of_a_compiler(tmp_path: Path) -> None:
    source = "int a; int *f(void) { return &a; }"
    slim = Path(compile_c(tmp_path, source, "slim.o", "-c", "-flto", "-fno-fat-lto-objects"))
    with pytest.raises(libpython.Unusable, match="contains GCC bytecode for LTO"):
        libpython.check_objects("", (("slim.o", slim.read_bytes()),), [])
    if os.uname().machine == "x86_64":
        static = Path(compile_c(tmp_path, source, "static.o", "-c", "-fno-pie", "-g"))
        assert elf.ElfFile(static.read_bytes()).is_position_dependent()
    pic = Path(compile_c(tmp_path, source, "pic.o", "-c", "-fPIC", "-g"))
    assert not elf.ElfFile(pic.read_bytes()).is_position_dependent()


@needs_elf_compiler
def test_versions_of_symbols(tmp_path: Path) -> None:
    (tmp_path / "map").write_text("GLIBC_2.1 { local: *; };\nGLIBC_9.5 { global: f; } GLIBC_2.1;\n")
    library = compile_c(
        tmp_path,
        "int f(void) { return 1; }",
        "libc.so.6",
        "-shared",
        "-fPIC",
        "-Wl,--version-script,map",
    )
    assert elf.ElfFile(Path(library).read_bytes()).default_versions()["f"] == "GLIBC_9.5"

    wants_f = Library("static", "", undefined_symbols=frozenset(["f", "g"]))
    assert libpython.lowest_glibc(wants_f, [], library) == "9.5"
    module = Image(versions=frozenset(["GLIBC_2.9", "GLIBC_2.17", "GLIBC_PRIVATE", "ZLIB_3"]))
    assert libpython.lowest_glibc(Library("shared", ""), [module], library) == "2.17"
    assert libpython.lowest_glibc(Library("static", ""), [], None) is None

    binary = compile_c(tmp_path, "int f(void); int main() { return f(); }", "x", library)
    assert "GLIBC_9.5" in libpython.read_image(binary).versions


def test_own_libraries_are_no_system_libraries() -> None:
    needed = "libssl.so.3 libc.so.6 ld-linux-x86-64.so.2 libm.so.6 libgcc_s.so.1 libcrypt.so.1"
    python = "$ORIGIN/../lib/libpython3.11.so.1.0"
    assert Image(needed=(*needed.split(), python)).libraries == ["libssl.so.3", "libcrypt.so.1"]


# --- The tree ---


@pytest.mark.parametrize(
    "path, packed",
    [
        ("os.py", True),
        ("encodings/utf_8.py", True),
        ("unittest/mock.py", True),
        ("unittest/test/test_case.py", False),
        ("test/support/__init__.py", False),
        ("idlelib/idle_test/x.py", False),
        ("lib2to3/Grammar.txt", True),
        ("lib2to3/tests/data/bom.py", False),
        ("testing.py", True),
        ("__pycache__/os.cpython-311.pyc", False),
        ("json/__pycache__/decoder.cpython-311.pyc", False),
        ("site-packages/pip/__init__.py", False),
        ("dist-packages/x.py", False),
        ("config-3.11-x86_64-linux-gnu/Makefile", False),
        ("lib-dynload/_ssl.so", False),
        ("sitecustomize.py", False),
        ("usercustomize.py", False),
        ("EXTERNALLY-MANAGED", False),
        ("package/sitecustomize.py", True),
        ("ensurepip/_bundled/pip-23.2.1-py3-none-any.whl", False),
        ("libpython3.11.a", False),
    ],
)
def test_is_packed(path: str, packed: bool) -> None:
    assert packed_tree.is_packed(path) is packed


def test_test_modules() -> None:
    tests = "_testcapi _testbuffer _ctypes_test _xxtestfuzz xxlimited xxlimited_35".split()
    assert all(packed_tree.TEST_MODULE.fullmatch(name) for name in tests)
    for name in ("_xxsubinterpreters", "_ssl", "_ctypes", "array"):
        assert not packed_tree.TEST_MODULE.fullmatch(name)


def test_files_below_follows_links_and_skips_what_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.py").write_text("")
    root = tmp_path / "root"
    (root / "json").mkdir(parents=True)
    (root / "json/x.py").write_text("")
    (root / "site-packages").mkdir()
    (root / "site-packages/y.py").write_text("")
    (root / "linked").symlink_to("../real")
    (root / "dangling.py").symlink_to("/nowhere")
    assert sorted(packed_tree.files_below(str(root))) == ["json/x.py", "linked/a.py"]


def write(path: Path, content: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def files(root: Path) -> dict[str, str]:
    paths = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_text() for path in paths}


def tree_for(tmp_path: Path, **changes: Any) -> Tree:
    """A tree at `tree` for an interpreter whose files are in `py`."""
    facts = dict(
        executable=f"{tmp_path}/py/bin/python3.11",
        base_prefix=f"{tmp_path}/py",
        stdlib=f"{tmp_path}/py/lib/python3.11",
        platstdlib=f"{tmp_path}/py/lib/python3.11",
        include=f"{tmp_path}/py/include/python3.11",
        config_h=f"{tmp_path}/py/include/python3.11/pyconfig.h",
        config_vars={"LIBPL": f"{tmp_path}/py/config", "MULTIARCH": "x86_64-linux-gnu"},
    )
    return Tree(f"{tmp_path}/tree", interpreter(**{**facts, **changes}))


def test_write_stdlib(tmp_path: Path) -> None:
    tree = tree_for(tmp_path)
    stdlib = tmp_path / "py/lib/python3.11"
    write(stdlib / "os.py", "os")
    write(stdlib / "test/x.py")
    write(stdlib / "distutils/__init__.py", "debian")
    write(stdlib / "lib-dynload/array.cpython-311-x86_64-linux-gnu.so", "array")
    write(stdlib / "lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so")
    modules = packed_tree.extension_modules(tree.cpython)
    assert [module.name for module in modules] == ["array"]

    packed_tree.write_stdlib(tree, modules)
    assert files(tmp_path / "tree/install/lib/python3.11") == {
        "os.py": "os",
        "distutils/__init__.py": "debian",
        "distutils/command/__init__.py": "",
        "lib-dynload/array.cpython-311-x86_64-linux-gnu.so": "array",
    }


def test_distutils_that_is_not_there(tmp_path: Path) -> None:
    tree = tree_for(tmp_path)
    packed_tree.write_stdlib(tree, [])
    written = files(tmp_path / "tree/install/lib/python3.11/distutils")
    assert sorted(written) == ["__init__.py", "command/__init__.py"]
    with pytest.raises(ModuleNotFoundError, match="^No module named 'distutils'$"):
        exec(written["__init__.py"])


def test_write_headers_with_debians_pyconfig(tmp_path: Path) -> None:
    tree = tree_for(tmp_path)
    include = tmp_path / "py/include"
    write(include / "python3.11/Python.h", "Python")
    write(include / "python3.11/cpython/code.h", "code")
    write(include / "python3.11/pyconfig.h", "#include <x86_64-linux-gnu/python3.11/pyconfig.h>")
    write(include / "x86_64-linux-gnu/python3.11/pyconfig.h", "#define SIZEOF_LONG 8")
    library = Library("static", "")
    packed_tree.write_headers(tree, library)
    written = files(tmp_path / "tree/install/include/python3.11")
    assert written.pop("pants_pyoxidizer.h") == forced_header(tree.cpython, library)
    assert written == {
        "Python.h": "Python",
        "cpython/code.h": "code",
        "pyconfig.h": "#define SIZEOF_LONG 8",
    }


def test_development_files_that_are_not_there(tmp_path: Path) -> None:
    tree = tree_for(tmp_path)
    cure = (
        " To fix, install its development files (Debian and Ubuntu: `apt-get install"
        " libpython3.11-dev`)."
    )
    with pytest.raises(Refusal) as caught:
        packed_tree.write_tree(tree, Library("static", ""), [])
    assert str(caught.value) == (
        f"{tmp_path}/py/bin/python3.11: has no config.c, the list of its built-in modules; looked"
        f" for {tmp_path}/py/config/config.c.{cure}"
    )
    write(tmp_path / "py/config/config.c")
    with pytest.raises(Refusal) as caught:
        packed_tree.write_tree(tree, Library("static", ""), [])
    assert str(caught.value) == (
        f"{tmp_path}/py/bin/python3.11: has no headers; looked for"
        f" {tmp_path}/py/include/python3.11/Python.h.{cure}"
    )


def test_license(tmp_path: Path) -> None:
    tree = tree_for(tmp_path)
    packed_tree.write_license(tree)
    assert files(tmp_path / "tree") == {packed_tree.LICENSE_FILE: packed_tree.LICENSE_TEXT}
    write(tmp_path / "py/lib/python3.11/LICENSE.txt", "PSF")
    packed_tree.write_license(tree)
    assert files(tmp_path / "tree") == {packed_tree.LICENSE_FILE: "PSF"}


def test_executables_run_from_anywhere(tmp_path: Path) -> None:
    tree = tree_for(tmp_path)
    python = tmp_path / "py/bin/python3.11"
    write(python, '#!/bin/sh\necho "$0|$LD_LIBRARY_PATH|$PYTHONNOUSERSITE|$*"\n')
    packed_tree.write_executables(tree)
    moved = tmp_path / "moved to"
    (tmp_path / "tree").rename(moved)
    bin_dir = moved / "install/bin"
    expected = f"{bin_dir}/python3.11|{bin_dir}/../lib|1|"

    def run(name: str, *args: str, cwd: str = "/") -> str:
        env = {"CDPATH": "/usr"}
        return subprocess.run([name, *args], cwd=cwd, env=env, stdout=-1, text=True).stdout

    assert run(f"{bin_dir}/python3", "-c", "a b") == f"{expected}-c a b\n"
    assert run(f"{bin_dir}/pip3", "list") == f"{expected}-m pip list\n"
    assert run("install/bin/python3", cwd=str(moved)) == f"{expected}\n"


@pytest.mark.parametrize(
    "minor, lines",
    [
        (11, [""]),
        (12, ["import os; os.environ.pop('SETUPTOOLS_USE_DISTUTILS', None)", ""]),
    ],
)
def test_pip_lies_outside_of_the_standard_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minor: int, lines: list[str]
) -> None:
    write(tmp_path / "tools/pip/__init__.py", "pip")
    write(tmp_path / "tools/pip-23.0.dist-info/METADATA", "Name: pip\nVersion: 23.0\n")
    monkeypatch.syspath_prepend(str(tmp_path / "tools"))
    monkeypatch.delitem(sys.modules, "pip", raising=False)
    site_packages = f"install/lib/python3.{minor}/site-packages"
    write(tmp_path / "py/bin/python", f"#!/bin/sh\necho '[\"{tmp_path}/tree/{site_packages}\"]'\n")
    tree = tree_for(
        tmp_path, executable=f"{tmp_path}/py/bin/python", version_info=[3, minor, 1, "final", 0]
    )
    packed_tree.write_executables(tree)
    packed_tree.write_pip(tree)
    written = files(tmp_path / "tree")
    assert written["build/pip/pip/__init__.py"] == "pip"
    assert written[f"{site_packages}/pip.pth"].split("\n") == ["../../../../build/pip", *lines]


@pytest.mark.parametrize(
    "script, message",
    [
        ("echo one >&2; echo two >&2; exit 1", "its copy does not work: one / two"),
        ("exit 127", "its copy does not work: exit status 127"),
        ("echo '[\"/usr/lib\"]'", "its copy still uses /usr/lib, so it cannot be packed"),
    ],
)
def test_copies_that_do_not_work(tmp_path: Path, script: str, message: str) -> None:
    tree = tree_for(tmp_path)
    write(tmp_path / "py/bin/python3.11", f"#!/bin/sh\n{script}\n")
    packed_tree.write_executables(tree)
    with pytest.raises(Refusal) as caught:
        packed_tree.try_copy(tree)
    assert str(caught.value) == f"{tmp_path}/py/bin/python3.11: {message}"


def test_forced_header() -> None:
    python310 = interpreter(version_info=[3, 10, 1, "final", 0])
    assert forced_header(python310, Library("shared", "")) == ""
    static = forced_header(interpreter(), Library("static", "", anchors=("one", "two")))
    assert static.startswith(
        '#include "Python.h"\nextern const struct _frozen *_PyImport_FrozenBootstrap;\n'
    )
    assert "{\n  if (!PyImport_FrozenModules) PyImport_FrozenModules =" in static
    assert 'extern char pants_pyoxidizer_anchor_1 __asm__("two");\n' in static
    assert "PyConfig" not in static
    assert "\nconst struct _frozen *PyImport_FrozenModules = 0;\n" in forced_header(
        interpreter(), Library("shared", "")
    )


# --- PYTHON.json ---

CONFIG_C = """\
extern PyObject* PyInit_posix(void);
struct _inittab _PyImport_Inittab[] = {

    {"posix", PyInit_posix},
  {"faulthandler",PyInit_faulthandler},
/* -- ADDMODULE MARKER 2 -- */
    /* This module lives in marshal.c */
    {"marshal", PyMarshal_Init},
    {"builtins", NULL},
    /* Sentinel */
    {0, 0}
};
"""


def test_builtin_modules() -> None:
    assert packed_python_json.builtin_modules(CONFIG_C) == {
        "posix": "PyInit_posix",
        "faulthandler": "PyInit_faulthandler",
        "marshal": "PyMarshal_Init",
        "builtins": "NULL",
    }


def extension(name: str, *needed: str) -> ExtensionModule:
    file = f"/py/lib/python3.11/lib-dynload/{name}.cpython-311-x86_64-linux-gnu.so"
    return ExtensionModule(name, file, Image(needed=needed))


def python_json(
    tmp_path: Path, library: Library, *extensions: ExtensionModule, **changes: Any
) -> dict[str, Any]:
    tree = Tree(str(tmp_path), interpreter(**changes))
    tree.write("build/config.c", CONFIG_C.encode())
    return packed_python_json.python_json(tree, library, extensions, "2.34")


def test_python_json_static(tmp_path: Path) -> None:
    objects = (("a.o", b""), ("config.o", b""))
    facts = python_json(tmp_path, Library("static", "", objects, "config.o", links=("dl", "m")))
    build_info = facts.pop("build_info")
    assert facts == {
        "version": "7",
        "target_triple": "x86_64-unknown-linux-gnu",
        "optimizations": "noopt",
        "python_tag": "cp311",
        "python_abi_tag": "cp311",
        "python_platform_tag": "linux-x86_64",
        "python_version": "3.11.7",
        "python_major_minor_version": "3.11",
        "python_implementation_name": "cpython",
        "python_implementation_cache_tag": "cpython-311",
        "python_implementation_hex_version": 0x030B07F0,
        "python_implementation_version": ["3", "11", "7", "final", "0"],
        "python_config_vars": {"Py_DEBUG": "0"},
        "python_paths": {
            "data": "install",
            "scripts": "install/bin",
            "include": "install/include/python3.11",
            "platinclude": "install/include/python3.11",
            "stdlib": "install/lib/python3.11",
            "platstdlib": "install/lib/python3.11",
            "purelib": "install/lib/python3.11/site-packages",
            "platlib": "install/lib/python3.11/site-packages",
        },
        "python_paths_abstract": {
            "stdlib": "{installed_base}/{platlibdir}/python{py_version_short}"
        },
        "python_exe": "install/bin/python3",
        "python_stdlib_test_packages": list(packed_tree.TEST_PACKAGES),
        "python_suffixes": {
            "source": [".py"],
            "extension": [".cpython-311-x86_64-linux-gnu.so", ".so"],
        },
        "python_bytecode_magic_number": "a70d0d0a",
        "python_symbol_visibility": "global-default",
        "python_extension_module_loading": ["builtin", "shared-library"],
        "libpython_link_mode": "static",
        "crt_features": ["glibc-dynamic", "glibc-max-symbol-version:2.34"],
        "run_tests": "build/run_tests.py",
        "licenses": ["Python-2.0"],
        "license_path": "licenses/LICENSE.cpython.txt",
    }
    assert "/py/" not in json.dumps(facts)
    extensions = build_info.pop("extensions")
    assert build_info == {
        "core": {
            "objs": ["build/core/a.o", "build/core/config.o"],
            "links": [{"name": "dl", "system": True}, {"name": "m", "system": True}],
            "shared_lib": None,
            "static_lib": None,
        },
        "inittab_object": "build/core/config.o",
        "inittab_source": "build/config.c",
        "inittab_cflags": ["-DNDEBUG", "-fPIC", "-include", "pants_pyoxidizer.h"],
        "object_file_format": "elf",
    }
    assert list(extensions) == ["posix", "faulthandler", "marshal", "builtins"]
    assert extensions["posix"] == [
        {
            "in_core": True,
            "init_fn": "PyInit_posix",
            "licenses": None,
            "license_paths": None,
            "license_public_domain": None,
            "links": [],
            "objs": [],
            "required": True,
            "static_lib": None,
            "shared_lib": None,
            "variant": "default",
        }
    ]


def test_python_json_extension_modules(tmp_path: Path) -> None:
    facts = python_json(
        tmp_path,
        Library("static", ""),
        extension("_ssl", "libssl.so.3", "libc.so.6"),
        extension("readline", "libreadline.so.8", "libc.so.6"),
        extension("_dbm", "libdb-5.3.so"),
        extension("array", "libc.so.6"),
    )
    extensions = facts["build_info"]["extensions"]
    chosen = ("in_core", "init_fn", "licenses", "links", "required", "shared_lib")
    folder = "install/lib/python3.11/lib-dynload"
    suffix = "cpython-311-x86_64-linux-gnu.so"
    assert {key: extensions["_ssl"][0][key] for key in chosen} == {
        "in_core": False,
        "init_fn": "PyInit__ssl",
        "licenses": None,
        "links": [{"name": "ssl", "system": True}],
        "required": False,
        "shared_lib": f"{folder}/_ssl.{suffix}",
    }
    assert extensions["readline"][0]["licenses"] == ["GPL-3.0-or-later"]
    assert extensions["_dbm"][0]["licenses"] == ["Sleepycat"]
    assert extensions["_dbm"][0]["links"] == [{"name": "db-5.3", "system": True}]
    assert extensions["array"][0]["links"] == []


def test_python_json_shared(tmp_path: Path) -> None:
    image = Image(exported=frozenset(["PyInit_posix", "PyMarshal_Init"]))
    facts = python_json(tmp_path, Library("shared", "/py/lib/libpython3.11.so.1.0", image=image))
    assert facts["libpython_link_mode"] == "shared"
    assert facts["build_info"]["core"] == {
        "objs": [],
        "links": [
            {
                "name": "python3.11",
                "system": True,
                "path_static": "build/link/libpython3.11.so",
            }
        ],
        "shared_lib": "install/lib/libpython3.11.so",
        "static_lib": None,
    }
    extensions = facts["build_info"]["extensions"]
    assert list(extensions) == ["posix", "marshal", "builtins", "libpython3_11"]
    assert extensions["libpython3_11"][0]["shared_lib"] == "install/lib/libpython3.11.so"
    assert extensions["libpython3_11"][0]["required"] is True


def test_python_json_macos(tmp_path: Path) -> None:
    facts = python_json(
        tmp_path,
        Library("static", "", links=("dl",)),
        platform="darwin",
        machine="arm64",
        config_vars={"MACOSX_DEPLOYMENT_TARGET": "13.0", "LIBS": "-framework CoreFoundation"},
    )
    assert facts["apple_sdk_canonical_name"] == "macosx13.0"
    assert facts["apple_sdk_platform"] == "macosx"
    assert facts["apple_sdk_version"] == facts["apple_sdk_deployment_target"] == "13.0"
    assert facts["build_info"]["object_file_format"] == "mach-o"
    assert facts["build_info"]["core"]["links"] == [
        {"name": "dl", "system": True},
        {"name": "CoreFoundation", "framework": True},
    ]
