# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import pytest
from packaging.requirements import InvalidRequirement, Requirement
from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException
from pants.testutil.rule_runner import run_rule_with_mocks

from pants_pyoxidizer.entry_point import parse_entry_point, run_command
from pants_pyoxidizer.util_rules.contents import (
    Contents,
    ContentsRequest,
    UnusableWheelsError,
    determine_contents,
)
from pants_pyoxidizer.wheel_metadata import Wheel

TRIPLE = "x86_64-unknown-linux-gnu"


def wheel(
    name: str,
    version: str = "1.0",
    *,
    requires: tuple[str, ...] = (),
    tag: str = "py3-none-any",
    modules: tuple[str, ...] = (),
    packages: tuple[str, ...] = (),
    executable_packages: tuple[str, ...] = (),
) -> Wheel:
    filename = f"{name}-{version}-{tag}.whl"
    return Wheel(
        path=f"wheels/{filename}",
        filename=filename,
        name=name,
        version=version,
        requires_dist=requires,
        requires_python=None,
        provides_extra=(),
        tags=(tag,),
        root_is_purelib=True,
        modules=modules,
        packages=packages,
        namespaces=(),
        executable_packages=executable_packages,
        native=False,
        data_files=(),
        sha256="",
    )


def contents(
    *first_party: Wheel,
    third_party: tuple[Wheel, ...] = (),
    entry_point: str | None = None,
    filesystem_resources: tuple[str, ...] = (),
) -> Contents:
    request = ContentsRequest(
        address=Address("project", target_name="bin"),
        entry_point=entry_point,
        filesystem_resources=filesystem_resources,
        first_party=first_party,
        third_party=third_party,
        python_version="3.11.7",
        target_triple=TRIPLE,
    )
    determined: Contents = run_rule_with_mocks(determine_contents, rule_args=[request])
    return determined


APP = wheel(
    "app",
    requires=("lib", "six>=1.16", "old; python_version < '3'"),
    modules=("app", "app.main", "app.cli", "app.cli.__main__"),
    packages=("app", "app.cli"),
    executable_packages=("app.cli",),
)
LIB = wheel("lib", modules=("lib",), packages=("lib",))
SIX = wheel("six", "1.16.0", tag="py2.py3-none-any", modules=("six",))


def test_first_party_wheels_come_first_and_nothing_runs_without_an_entry_point() -> None:
    assert contents(APP, LIB, third_party=(SIX,)) == Contents(
        run_command=None, wheels=(APP.path, LIB.path, SIX.path), filesystem_wheels=()
    )


@pytest.mark.parametrize("entry_point", ["app.main", "app.cli", "app.cli.__main__", "app:main"])
def test_entry_points_in_the_wheels_run(entry_point: str) -> None:
    found = contents(APP, LIB, SIX, entry_point=entry_point)
    assert found.run_command == run_command(parse_entry_point(entry_point))


def test_entry_points_may_be_third_party() -> None:
    found = contents(APP, LIB, third_party=(SIX,), entry_point="six")
    assert found.run_command == run_command(parse_entry_point("six"))


CORRECT_THE_FIELD = (
    "To fix, correct the field, or add the `python_distribution` with that module to "
    "`dependencies`."
)


def test_an_entry_point_in_no_wheel() -> None:
    with pytest.raises(InvalidFieldException) as e:
        contents(APP, LIB, SIX, entry_point="project.main:run")
    assert str(e.value) == (
        "The `entry_point` field in target project:bin is 'project.main:run', which cannot be run. "
        "The module `project.main` is in none of the wheels. The nearest is: `app.main`.\n\n"
        + CORRECT_THE_FIELD
    )


def test_a_package_without_main() -> None:
    with pytest.raises(InvalidFieldException) as e:
        contents(APP, LIB, SIX, entry_point="app")
    assert str(e.value) == (
        "The `entry_point` field in target project:bin is 'app', which cannot be run. `app` is a "
        "package without a `__main__` module, so it cannot be run. The nearest are: `app.cli`, "
        "`app.main`.\n\n" + CORRECT_THE_FIELD
    )


def test_requirements_that_do_not_come_with_the_wheels() -> None:
    old_six = wheel("six", "1.15.0", requires=("typing",))
    with pytest.raises(UnusableWheelsError) as e:
        contents(APP, third_party=(old_six,))
    assert str(e.value) == (
        "The wheels of the target project:bin require what does not come with them:\n\n"
        "  * app-1.0-py3-none-any.whl requires `lib`, and it is not there\n"
        "  * app-1.0-py3-none-any.whl requires `six>=1.16`, and there is 1.15.0\n"
        "  * six-1.15.0-py3-none-any.whl requires `typing`, and it is not there\n\n"
        "To fix, if it is a distribution of this repository, add its `python_distribution` to "
        "`dependencies`. If it is a third-party requirement, make the code depend on a "
        "`python_requirement` for it, and generate the lockfile anew if there is one."
    )


def test_wheels_for_another_python() -> None:
    numpy = wheel("numpy", tag="cp39-cp39-manylinux_2_17_x86_64")
    with pytest.raises(UnusableWheelsError) as e:
        contents(wheel("app"), third_party=(numpy, wheel("mac", tag="py3-none-macosx_11_0_arm64")))
    assert str(e.value) == (
        "Wheels of the target project:bin cannot be used by Python 3.11.7 on "
        "x86_64-unknown-linux-gnu, which is to be embedded:\n\n"
        "  * numpy-1.0-cp39-cp39-manylinux_2_17_x86_64.whl "
        "(wanted: cp311-cp311-manylinux_2_17_x86_64)\n"
        "  * mac-1.0-py3-none-macosx_11_0_arm64.whl (wanted: cp311-cp311-manylinux_2_17_x86_64)\n\n"
        "To fix, narrow the `interpreter_constraints` of the distributions' code to the Python "
        "that they were built for."
    )


def test_filesystem_resources_take_along_what_they_require() -> None:
    app = wheel("app", requires=("pandas", "six"))
    numpy = wheel("numpy", "1.26.4")
    pandas = wheel("pandas", "2.2.0", requires=("NumPy>=1.22",))
    found = contents(app, third_party=(numpy, pandas, SIX), filesystem_resources=("Pandas==2.2.0",))
    assert found == Contents(
        run_command=None,
        wheels=(app.path, SIX.path),
        filesystem_wheels=(numpy.path, pandas.path),
    )


def parse_error(text: str) -> str:
    with pytest.raises(InvalidRequirement) as e:
        Requirement(text)
    return str(e.value)


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        ("numpy", "which does not go in"),
        ("six==1.15", "but 1.16.0 goes in"),
        ("six = 1", f"which is no requirement ({parse_error('six = 1')})"),
    ],
)
def test_filesystem_resources_that_are_refused(resource: str, problem: str) -> None:
    with pytest.raises(InvalidFieldException) as e:
        contents(wheel("app"), third_party=(SIX,), filesystem_resources=("six", resource))
    assert str(e.value) == (
        f"The `filesystem_resources` field in target project:bin has {resource!r}, {problem}.\n\n"
        "To fix, name requirements that go into the binary. There are `app==1.0`, `six==1.16.0`."
    )


def test_tags_come_before_requirements_and_these_before_the_fields() -> None:
    """The cure of the first may be the cure of the others."""
    wheels = (wheel("app", requires=("six",), tag="cp39-cp39-linux_x86_64"),)
    with pytest.raises(UnusableWheelsError, match="cannot be used by Python"):
        contents(*wheels, entry_point="nothing", filesystem_resources=("six",))
    wheels = (wheel("app", requires=("six",)),)
    with pytest.raises(UnusableWheelsError, match="require what does not come with them"):
        contents(*wheels, entry_point="nothing", filesystem_resources=("six",))
