# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import pytest

from pants_pyoxidizer.wheels.metadata import FileUse, Wheel
from pants_pyoxidizer.wheels.placement import (
    Location,
    Placement,
    Resources,
    describe,
    impossible,
    place,
    table,
)
from unit.wheels import wheel

SIX = wheel("six", files=("six.py",))
NUMPY = wheel("numpy", files=("numpy/__init__.py", "numpy/core.abi3.so", "numpy/version.txt"))
PYTZ = wheel("pytz", files=("pytz/__init__.py", "pytz/zoneinfo/UTC"))
WHEELS = (NUMPY, PYTZ, SIX)
NAMED = "named in `filesystem_resources`"


@pytest.mark.parametrize(
    ("resources", "placements"),
    [
        (
            Resources.AUTO,
            (
                Placement(NUMPY, Location.LIB, "native code", "numpy/core.abi3.so"),
                Placement(PYTZ, Location.LIB, "data files", "pytz/zoneinfo/UTC"),
                Placement(SIX, Location.EXECUTABLE),
            ),
        ),
        (Resources.IN_MEMORY, tuple(Placement(it, Location.EXECUTABLE) for it in WHEELS)),
        (Resources.FILESYSTEM, tuple(Placement(it, Location.LIB) for it in WHEELS)),
    ],
)
def test_where_wheels_go(resources: Resources, placements: tuple[Placement, ...]) -> None:
    assert place(WHEELS, resources) == placements


@pytest.mark.parametrize("resources", Resources)
def test_named_wheels_lie_on_the_filesystem_either_way(resources: Resources) -> None:
    forced = {it.path for it in WHEELS}
    assert place(WHEELS, resources, forced) == tuple(
        Placement(it, Location.LIB, NAMED) for it in WHEELS
    )


def test_only_named_wheels_are_forced() -> None:
    assert place(WHEELS, Resources.IN_MEMORY, [PYTZ.path]) == (
        Placement(NUMPY, Location.EXECUTABLE),
        Placement(PYTZ, Location.LIB, NAMED),
        Placement(SIX, Location.EXECUTABLE),
    )


def user(name: str, kind: str, what: str, *modules: str) -> Wheel:
    files = modules or (f"{name}.py",)
    return wheel(name, files=files, file_uses=(FileUse(kind, what, f"{name}.py:7"),))


def auto(*wheels: Wheel) -> list[tuple[str, str]]:
    """Why the wheels lie on the filesystem, as (reason, detail), or ("", "") for in memory."""
    placements = place(wheels, Resources.AUTO)
    assert all(p.on_filesystem is bool(p.reason) for p in placements)
    return [(p.reason, p.detail) for p in placements]


IN_MEMORY = ("", "")


def test_auto_looks_for_files_first_and_for_uses_then() -> None:
    assert auto(
        wheel("one", files=("one.py", "one.pth")),
        user("two", "file", "`__file__`"),
        user("three", "file", "`__file__`", "three/x.py", "three/x.txt"),
        user("four", "any", "`co_filename`"),
    ) == [
        ("`.pth` file", "one.pth"),
        ("`__file__`", "two.py:7"),
        ("data files", "three/x.txt"),
        IN_MEMORY,
    ]


def test_files_of_a_module_in_another_wheel() -> None:
    assert auto(
        user("app", "module", "lib.core"),
        wheel("lib", files=("lib/__init__.py", "lib/core.py")),
        SIX,
        user("other", "module", "os"),
    ) == [IN_MEMORY, ("app uses its files", "app.py:7"), IN_MEMORY, IN_MEMORY]


DATA = ("app/__init__.py", "app/one.txt", "app/folder/two.txt")


def test_data_that_is_only_read_may_be_in_memory() -> None:
    reader = user("app", "resource", "`pkgutil.get_data`", *DATA)
    assert auto(reader, SIX) == [IN_MEMORY, IN_MEMORY]
    # A path of it is asked for, here or elsewhere.
    in_lib = ("data files", "app/folder/two.txt")
    path = "`importlib.resources.path`"
    both = (*reader.file_uses, FileUse("file", path, "app.py:8"))
    assert auto(wheel("app", files=DATA, file_uses=both)) == [(path, "app.py:8")]
    assert auto(reader, user("jinja", "any", "`__file__`")) == [in_lib, IN_MEMORY]
    assert auto(reader, user("other", "module", "app"))[0] == ("other uses its files", "other.py:7")
    # Nobody is seen to read it, or not in its own package.
    assert auto(wheel("app", files=DATA), user("other", "resource", "x")) == [in_lib, IN_MEMORY]
    outside = user("app", "resource", "`pkgutil.get_data`", *DATA, "etc/app.conf")
    assert auto(outside) == [in_lib]


def test_data_that_is_read_for_another_system_only() -> None:
    """As by urllib3, whose module for browsers cannot be imported elsewhere."""
    use = FileUse("resource", "`importlib.resources.files`", "app/browser.py:3", ("js",))
    reader = wheel("app", files=DATA, file_uses=(use,))
    for has_files in (True, False):
        (placement,) = place([reader], Resources.AUTO, has_files=has_files)
        assert not placement.on_filesystem


def test_other_reasons_come_before_data_that_is_only_read() -> None:
    uses = (FileUse("resource", "x", "app.py:1"), FileUse("file", "`__file__`", "app.py:2"))
    assert auto(wheel("app", files=DATA, file_uses=uses)) == [("`__file__`", "app.py:2")]


def test_what_reads_data_may_be_missing_in_a_python() -> None:
    reader = user("app", "resource", "`importlib.resources.files`", *DATA)
    for has_files in (True, False):
        (placement,) = place([reader], Resources.AUTO, has_files=has_files)
        assert placement.on_filesystem is not has_files


def test_modules_that_cannot_be_imported_do_not_count() -> None:
    lexers = wheel(
        "lexers",
        files=("lexers.py",),
        file_uses=(FileUse("file", "`__file__`", "lexers.py:3", ("docs", "tool")),),
    )
    assert auto(lexers) == [IN_MEMORY]
    docs, tool = wheel("docs", files=("docs/core.py",)), wheel("tool", files=("tool.py",))
    assert auto(lexers, docs)[0] == IN_MEMORY
    assert auto(lexers, docs, tool)[0] == ("`__file__`", "lexers.py:3")


def test_what_may_read_files_of_those_who_require_it() -> None:
    alembic = user("alembic", "packages", "`importlib.resources.files`")
    flask, app, other = (wheel(name, files=(f"{name}.py",)) for name in ("flask", "app", "other"))
    requires = {flask.path: [alembic.path], app.path: [flask.path, other.path]}
    placements = place((app, flask, alembic, other), Resources.AUTO, requires=requires)
    reason = ("alembic may read its files", "alembic.py:7")
    assert [(p.reason, p.detail) for p in placements] == [reason, reason, IN_MEMORY, IN_MEMORY]
    # Neither where it cannot be imported, nor where each requires the other.
    needy = FileUse("packages", "`__path__`", "alembic.py:7", ("mako",))
    alembic = wheel("alembic", files=("alembic.py",), file_uses=(needy,))
    circle = {**requires, alembic.path: [app.path]}
    placements = place((app, flask, alembic, other), Resources.AUTO, requires=circle)
    assert not any(p.on_filesystem for p in placements)


def test_distributions_that_are_looked_for_on_the_filesystem_alone() -> None:
    app = user("app", "distributions", "`pkg_resources`")
    setuptools = user("setuptools", "distributions", "`pkg_resources`", "pkg_resources/__init__.py")
    reason = ("app looks for it with `pkg_resources`", "app.py:7")
    assert auto(app, SIX, setuptools) == [reason, reason, reason]
    named = user("app", "distribution", "six")
    assert auto(named, SIX, PYTZ, setuptools)[:2] == [IN_MEMORY, reason]
    assert auto(user("app", "distribution", "numpy"), SIX, setuptools) == [IN_MEMORY] * 3
    # Nobody imports it, or it is not there.
    assert auto(SIX, setuptools) == [IN_MEMORY, IN_MEMORY]
    assert auto(app, SIX) == [IN_MEMORY, IN_MEMORY]


def test_wheels_that_share_a_package_lie_in_one_place() -> None:
    assert auto(
        wheel("core", files=("app/__init__.py", "app/core/__init__.py")),
        wheel("data", files=("app/__init__.py", "app/data/__init__.py", "app/data/x.txt")),
        wheel("more", files=("app/more/one.py",)),
        wheel("next", files=("app/more/two.py", "next/__init__.py")),
        wheel("last", files=("next/last.py",)),
        SIX,
    ) == [
        ("shares a package with data", "`app`"),
        ("data files", "app/data/x.txt"),
        ("shares a package with data", "`app`"),
        ("shares a package with data", "`app`"),
        ("shares a package with next", "`next`"),
        IN_MEMORY,
    ]


def test_namespace_packages_may_be_in_both_places() -> None:
    assert auto(
        wheel("one", files=("ns/one.py",)), wheel("two", files=("ns/two.py", "ns/x.txt"))
    ) == [IN_MEMORY, ("data files", "ns/x.txt")]


def test_the_table() -> None:
    assert table(place([NUMPY, SIX, PYTZ], Resources.AUTO, [SIX.path])) == (
        "numpy 1.0  lib  native code (numpy/core.abi3.so)\n"
        "six 1.0    lib  named in `filesystem_resources`\n"
        "pytz 1.0   lib  data files (pytz/zoneinfo/UTC)"
    )
    assert table(place([SIX], Resources.AUTO)) == "six 1.0  executable"


def test_wheels_that_cannot_be_in_memory() -> None:
    assert impossible(place(WHEELS, Resources.IN_MEMORY)) == (NUMPY.filename,)
    assert impossible(place(WHEELS, Resources.IN_MEMORY, [NUMPY.path])) == ()
    assert impossible(place(WHEELS, Resources.AUTO)) == ()


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        (
            Resources.AUTO,
            "Code: six in the executable; numpy (native code), pytz (data files) in `lib`.",
        ),
        (Resources.IN_MEMORY, "Code: numpy, pytz, six in the executable."),
        (Resources.FILESYSTEM, "Code: numpy, pytz, six in `lib`."),
    ],
)
def test_the_sentence_for_users(resources: Resources, sentence: str) -> None:
    assert describe(place(WHEELS, resources)) == sentence


def test_the_sentence_says_what_is_there_for_another_reason() -> None:
    placements = place(WHEELS, Resources.FILESYSTEM, [PYTZ.path])
    assert describe(placements) == (
        "Code: numpy, pytz (named in `filesystem_resources`), six in `lib`."
    )


def test_the_values_of_the_field() -> None:
    assert [it.value for it in Resources] == ["auto", "in-memory", "filesystem"]
