# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import pytest
from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException

from pants_pyoxidizer.util_rules.contents import (
    Contents,
    ContentsRequest,
    UnusableWheelsError,
    determine_contents,
)
from pants_pyoxidizer.wheels.entry_point import EntryPoint, parse_entry_point
from pants_pyoxidizer.wheels.metadata import FileUse, Wheel
from pants_pyoxidizer.wheels.placement import Location, Placement, Resources
from rules.mocks import run_rule
from unit.wheels import wheel

TRIPLE = "x86_64-unknown-linux-gnu"


def contents(
    *first_party: Wheel,
    third_party: tuple[Wheel, ...] = (),
    entry_point: str | None = None,
    resources: Resources | None = Resources.AUTO,
    filesystem_resources: tuple[str, ...] = (),
) -> Contents:
    request = ContentsRequest(
        address=Address("project", target_name="bin"),
        entry_point=entry_point,
        resources=resources,
        filesystem_resources=filesystem_resources,
        first_party=first_party,
        third_party=third_party,
        python_version="3.11.7",
        target_triple=TRIPLE,
    )
    determined: Contents = run_rule(determine_contents, request)
    return determined


APP = wheel(
    "app",
    requires=("lib", "six>=1.16", "old; python_version < '3'"),
    files=("app/__init__.py", "app/main.py", "app/cli/__init__.py", "app/cli/__main__.py"),
)
LIB = wheel("lib", files=("lib/__init__.py",))
SIX = wheel("six", "1.16.0", tags=("py2.py3-none-any",), files=("six.py",))
NUMPY = wheel("numpy", "1.26.4", files=("numpy/__init__.py", "numpy/core.abi3.so"))
PYTZ = wheel("pytz", files=("pytz/__init__.py", "pytz/zoneinfo/UTC"))


def test_first_party_wheels_come_first_and_nothing_runs_without_an_entry_point() -> None:
    assert contents(APP, LIB, third_party=(SIX,)) == Contents(
        entry_point=None,
        placements=(
            Placement(APP, Location.EXECUTABLE),
            Placement(LIB, Location.EXECUTABLE),
            Placement(SIX, Location.EXECUTABLE),
        ),
        first_party=(APP.path, LIB.path),
    )


def test_who_requires_what_may_read_its_files_lies_on_the_filesystem() -> None:
    use = FileUse("packages", "`__path__`", "tool.py:1")
    tool = wheel("tool", files=("tool.py",), file_uses=(use,))
    app, other = wheel("app", requires=("tool",)), wheel("other")
    assert contents(app, third_party=(other, tool)).placements == (
        Placement(app, Location.LIB, "tool may read its files", "tool.py:1"),
        Placement(other, Location.EXECUTABLE),
        Placement(tool, Location.EXECUTABLE),
    )


@pytest.mark.parametrize("entry_point", ["app.main", "app.cli", "app.cli.__main__", "app:main"])
def test_entry_points_in_the_wheels_run(entry_point: str) -> None:
    found = contents(APP, LIB, SIX, entry_point=entry_point)
    assert found.entry_point == parse_entry_point(entry_point)


def test_entry_points_may_be_third_party() -> None:
    found = contents(APP, LIB, third_party=(SIX,), entry_point="six")
    assert found.entry_point == EntryPoint("six")


CORRECT_THE_FIELD = (
    "To fix, correct the field, or add the `python_distribution` that contains the module to "
    "`dependencies`."
)


def test_an_entry_point_in_no_wheel() -> None:
    with pytest.raises(InvalidFieldException) as e:
        contents(APP, LIB, SIX, entry_point="project.main:run")
    assert str(e.value) == (
        "The `entry_point` field in target project:bin is 'project.main:run', which cannot be run. "
        "The module `project.main` is in none of the wheels. Similar names: `app.main`.\n\n"
        + CORRECT_THE_FIELD
    )


def test_a_package_without_main() -> None:
    with pytest.raises(InvalidFieldException) as e:
        contents(APP, LIB, SIX, entry_point="app")
    assert str(e.value) == (
        "The `entry_point` field in target project:bin is 'app', which cannot be run. `app` is a "
        "package without a `__main__` module, so it cannot be run. Similar names: `app.cli`, "
        "`app.main`.\n\n" + CORRECT_THE_FIELD
    )


def test_requirements_that_do_not_come_with_the_wheels() -> None:
    old_six = wheel("six", "1.15.0", requires=("typing",))
    with pytest.raises(UnusableWheelsError) as e:
        contents(APP, third_party=(old_six,))
    assert str(e.value) == (
        "Wheels of the target project:bin have unsatisfied requirements:\n\n"
        "  * app-1.0-py3-none-any.whl requires `lib`, which is missing\n"
        "  * app-1.0-py3-none-any.whl requires `six>=1.16`, but the version is 1.15.0\n"
        "  * six-1.15.0-py3-none-any.whl requires `typing`, which is missing\n\n"
        "To fix, if this repository has the distribution, add its `python_distribution` to "
        "`dependencies`. Otherwise, make the code depend on a `python_requirement` for it, and "
        "regenerate the lockfile, if any."
    )


def test_wheels_for_another_python() -> None:
    numpy = wheel("numpy", tags=("cp39-cp39-manylinux_2_17_x86_64",))
    mac = wheel("mac", tags=("py3-none-macosx_11_0_arm64",))
    with pytest.raises(UnusableWheelsError) as e:
        contents(wheel("app"), third_party=(numpy, mac))
    assert str(e.value) == (
        "Wheels of the target project:bin are incompatible with the Python to embed, 3.11.7 on "
        "x86_64-unknown-linux-gnu:\n\n"
        "  * numpy-1.0-cp39-cp39-manylinux_2_17_x86_64.whl "
        "(compatible tag: cp311-cp311-manylinux_2_17_x86_64)\n"
        "  * mac-1.0-py3-none-macosx_11_0_arm64.whl "
        "(compatible tag: cp311-cp311-manylinux_2_17_x86_64)\n\n"
        "To fix, narrow the `interpreter_constraints` of the distributions' code to the Python "
        "that the wheels were built for."
    )


def test_filesystem_resources_take_along_what_they_require() -> None:
    app = wheel("app", requires=("pandas", "six"))
    pytz = wheel("pytz")
    pandas = wheel("pandas", "2.2.0", requires=("PyTZ>=1",))
    found = contents(app, third_party=(pandas, pytz, SIX), filesystem_resources=("Pandas==2.2.0",))
    named = "named in `filesystem_resources`"
    assert found == Contents(
        entry_point=None,
        placements=(
            Placement(app, Location.EXECUTABLE),
            Placement(pandas, Location.LIB, named),
            Placement(pytz, Location.LIB, named),
            Placement(SIX, Location.EXECUTABLE),
        ),
        first_party=(app.path,),
    )
    assert found.paths(on_filesystem=False) == (app.path, SIX.path)
    assert found.paths(on_filesystem=True) == (pandas.path, pytz.path)


def test_the_folders_are_those_of_all_wheels() -> None:
    found = contents(wheel("app", folder=""), third_party=(SIX, NUMPY))
    assert found.folders == (".", "wheels")


# --- Where the code goes


def test_by_default_what_needs_files_lies_on_the_filesystem() -> None:
    assert contents(wheel("app"), third_party=(NUMPY, PYTZ)).placements == (
        Placement(wheel("app"), Location.EXECUTABLE),
        Placement(NUMPY, Location.LIB, "native code", NUMPY.native_files[0]),
        Placement(PYTZ, Location.LIB, "data files", PYTZ.data_files[0]),
    )


def test_all_of_it_may_lie_on_the_filesystem() -> None:
    found = contents(wheel("app"), third_party=(NUMPY,), resources=Resources.FILESYSTEM)
    assert found.placements == (
        Placement(wheel("app"), Location.LIB),
        Placement(NUMPY, Location.LIB),
    )


def test_data_files_may_go_into_the_executable() -> None:
    found = contents(wheel("app"), third_party=(PYTZ,), resources=Resources.IN_MEMORY)
    assert found.placements == (
        Placement(wheel("app"), Location.EXECUTABLE),
        Placement(PYTZ, Location.EXECUTABLE),
    )


def test_native_code_may_not() -> None:
    with pytest.raises(InvalidFieldException) as e:
        contents(wheel("app"), third_party=(PYTZ, NUMPY), resources=Resources.IN_MEMORY)
    assert str(e.value) == (
        "The `resources` field in target project:bin is 'in-memory', but the native code of these "
        "wheels can only be loaded from files:\n\n"
        "  * numpy-1.26.4-py3-none-any.whl\n\n"
        "To fix, name their requirements in `filesystem_resources`, or set `resources` to 'auto'."
    )


def test_native_code_may_be_named_in_filesystem_resources() -> None:
    found = contents(
        wheel("app"),
        third_party=(NUMPY,),
        resources=Resources.IN_MEMORY,
        filesystem_resources=("numpy",),
    )
    assert found.placements == (
        Placement(wheel("app"), Location.EXECUTABLE),
        Placement(NUMPY, Location.LIB, "named in `filesystem_resources`"),
    )


def test_a_template_decides_itself() -> None:
    found = contents(
        wheel("app"), third_party=(NUMPY, SIX), resources=None, filesystem_resources=("six",)
    )
    assert found.paths(on_filesystem=False) == (wheel("app").path, NUMPY.path)
    assert found.paths(on_filesystem=True) == (SIX.path,)


# --- What is refused


HTTP = wheel(
    "http",
    requires=("socks>=1; extra == 'Proxies'", "six<1; extra == 'old'", "six; extra == 'new'"),
    provides_extra=("Proxies", "old", "new"),
)


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        ("numpy", "which the binary lacks"),
        ("six==1.15", "but the version is 1.16.0"),
        ("six[zzz]", "but `six` has no extra `zzz`; its extras: none"),
        ("http[new,zzz]", "but `http` has no extra `zzz`; its extras: `Proxies`, `old`, `new`"),
        # The requirements of an extra are only included if the code requests that extra.
        (
            "http[proxies]",
            "which requires `socks>=1; extra == 'Proxies'`, which the binary lacks",
        ),
        ("http[old]", "which requires `six<1; extra == 'old'`, but the version is 1.16.0"),
    ],
)
def test_filesystem_resources_that_are_refused(resource: str, problem: str) -> None:
    with pytest.raises(InvalidFieldException) as e:
        contents(wheel("app"), third_party=(HTTP, SIX), filesystem_resources=("six", resource))
    assert str(e.value) == (
        f"The `filesystem_resources` field in target project:bin has {resource!r}, {problem}.\n\n"
        "To fix, name requirements that the binary contains: `app==1.0`, `http==1.0`, "
        "`six==1.16.0`."
    )


@pytest.mark.parametrize(
    ("resource", "expected"),
    [("http", (HTTP.path,)), ("http[NEW]", (HTTP.path, SIX.path))],
)
def test_the_extras_of_filesystem_resources_are_followed(
    resource: str, expected: tuple[str, ...]
) -> None:
    found = contents(wheel("app"), third_party=(HTTP, SIX), filesystem_resources=(resource,))
    assert found.paths(on_filesystem=True) == expected


@pytest.mark.parametrize("resource", ["six", "six==1.15", "six[zzz]", "absent"])
def test_a_marker_that_does_not_hold_makes_an_entry_do_nothing(resource: str) -> None:
    resources = (f"{resource}; python_version < '3'",)
    found = contents(wheel("app"), third_party=(SIX,), filesystem_resources=resources)
    assert found.paths(on_filesystem=True) == ()


def test_tags_come_before_requirements_and_these_before_the_fields() -> None:
    """The cure of the first may be the cure of the others."""
    wheels = (wheel("app", requires=("six",), tags=("cp39-cp39-linux_x86_64",)),)
    with pytest.raises(UnusableWheelsError, match="are incompatible with the Python to embed"):
        contents(*wheels, entry_point="nothing", filesystem_resources=("six",))
    wheels = (wheel("app", requires=("six",)),)
    with pytest.raises(UnusableWheelsError, match="have unsatisfied requirements"):
        contents(*wheels, entry_point="nothing", filesystem_resources=("six",))


# --- Modules of one name


def test_modules_that_are_hidden_are_named() -> None:
    other = wheel("other", files=("app/__init__.py", "app/main.py", "six.py"))
    with pytest.raises(InvalidFieldException) as e:
        contents(APP, LIB, third_party=(SIX, other))
    assert str(e.value) == (
        "The `dependencies` field in target project:bin has distributions that contain modules of "
        "the same name:\n\n"
        f"  * `app.main` of {other.filename} is hidden by {APP.filename}\n\n"
        "To fix, rename one module of each pair, exclude it from its `python_distribution`, or "
        "remove one of the distributions from `dependencies`."
    )


def test_what_third_parties_do_among_themselves_is_not_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = wheel("other", files=("six.py", "app/__init__.py"))
    contents(APP, LIB, third_party=(SIX, other))
    assert not caplog.records
