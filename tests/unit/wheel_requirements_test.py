# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from pants_pyoxidizer.wheels import requirements
from pants_pyoxidizer.wheels.compatibility import marker_environment
from pants_pyoxidizer.wheels.metadata import Wheel
from pants_pyoxidizer.wheels.requirements import (
    MissingRequirement,
    missing_requirements,
    required_wheels,
)
from unit.wheels import wheel

LINUX = "x86_64-unknown-linux-gnu"
MAC = "x86_64-apple-darwin"
ENVIRONMENT = marker_environment("3.11.4", LINUX)


def missing(*wheels: Wheel, roots: tuple[str, ...] = ()) -> list[tuple[str | None, str | None]]:
    found = missing_requirements(wheels, roots=roots, environment=ENVIRONMENT)
    return [(item.requirement, item.found) for item in found]


def test_satisfied_under_any_spelling() -> None:
    app = wheel("app", requires=("Charset.Normalizer>=2,<4", "idna (>=2.5)", "zope.interface"))
    others = (wheel("charset-normalizer", "3.1"), wheel("IDNA", "3"), wheel("zope_interface"))
    assert missing(app, *others) == []


def test_absent_and_of_another_version() -> None:
    app = wheel("app", requires=("requests>=2", "click==8.*", "idna"))
    found = missing_requirements(
        (app, wheel("click", "7.1"), wheel("idna")), environment=ENVIRONMENT
    )
    assert found == (
        MissingRequirement("app-1.0-py3-none-any.whl", "requests>=2", None),
        MissingRequirement("app-1.0-py3-none-any.whl", "click==8.*", "7.1"),
    )


def test_prereleases_count_as_installed_ones_do() -> None:
    assert missing(wheel("app", requires=("x>=1",)), wheel("x", "2.0rc1")) == []
    assert missing(wheel("app", requires=("x>=2",)), wheel("x", "2.0rc1")) == [("x>=2", "2.0rc1")]


def test_local_versions() -> None:
    assert missing(wheel("app", requires=("torch==2.1.0",)), wheel("torch", "2.1.0+cpu")) == []


def test_one_of_two_versions_will_do() -> None:
    app = wheel("app", requires=("x>=2",))
    assert missing(app, wheel("x", "1"), wheel("x", "2")) == []


def test_markers_are_those_of_the_embedded_interpreter() -> None:
    app = wheel(
        "app",
        requires=(
            "a; python_version < '3.11'",
            "b; python_version >= '3.10'",
            "c; sys_platform == 'win32'",
            "d; platform_machine == 'x86_64' and implementation_name == 'cpython'",
            "e; platform_release >= '5.0'",
            "f; 'microsoft' in platform_release",
        ),
    )
    assert [text.split(";")[0] for text, _ in missing(app) if text] == ["b", "d"]
    environment = marker_environment("3.9.18", MAC)
    found = missing_requirements((app,), environment=environment)
    assert [item.requirement.split(";")[0] for item in found] == ["a", "d"]


def test_extras_are_not_wanted_unless_asked_for() -> None:
    requests = wheel("requests", requires=("PySocks>=1.5; extra == 'socks'",))
    assert missing(requests) == []
    assert missing(wheel("app", requires=("requests",)), requests) == []
    app = wheel("app", requires=("Requests[Socks]>=0",))
    assert missing(app, requests) == [("PySocks>=1.5; extra == 'socks'", None)]
    assert missing(app, requests, wheel("pysocks", "1.7")) == []


def test_extras_are_followed() -> None:
    wheels = (
        wheel("b", requires=("c[y]; extra == 'x'",)),
        wheel("c", requires=("b[z]; extra == 'y'",)),
        wheel("app", requires=("b[x]",)),
    )
    last = wheel("b", requires=("c[y]; extra == 'x'", "deep; extra == 'z'"))
    assert missing(*wheels) == []
    assert missing(last, *wheels[1:]) == [("deep; extra == 'z'", None)]


def test_an_extra_that_names_its_own_project() -> None:
    b = wheel("b", requires=("b[x,y]; extra == 'all'", "p; extra == 'x'", "q; extra == 'y'"))
    assert [text for text, _ in missing(b, roots=("b[all]",))] == [
        "p; extra == 'x'",
        "q; extra == 'y'",
    ]


@pytest.mark.parametrize("asked", ["my-extra", "my_extra", "My.Extra"])
@pytest.mark.parametrize("written", ["my-extra", "my_extra", "My.Extra"])
def test_spellings_of_extras(asked: str, written: str) -> None:
    b = wheel("b", requires=(f'p; python_version > "3" and extra == "{written}"',))
    assert len(missing(b, roots=(f"b[{asked}]",))) == 1


def test_roots_are_checked_too() -> None:
    found = missing_requirements(
        (wheel("numpy", "1.26.4"),),
        roots=("numpy==1.26.4", "pandas", "x; sys_platform == 'win32'", "numpy<1"),
        environment=ENVIRONMENT,
    )
    assert found == (
        MissingRequirement(None, "pandas", None),
        MissingRequirement(None, "numpy<1", "1.26.4"),
    )


def test_direct_references_are_satisfied_by_name() -> None:
    requires = ("b @ file:wheels/b-1-py3-none-any.whl", "c @ https://example.com/c.zip")
    app = wheel("app", requires=requires)
    assert missing(app, wheel("b"), wheel("c")) == []
    assert missing(app, wheel("b")) == [("c @ https://example.com/c.zip", None)]


def test_requirements_that_packaging_cannot_read() -> None:
    old = wheel(
        "old",
        requires=(
            "torch[cuda] >= 1.9!!",
            "absent >= 1.*.*!",
            "tests >= !!; extra == 'tests'",
            "marker; nonsense",
            "???",
            "",
        ),
    )
    torch = wheel("torch", requires=("driver; extra == 'cuda'",))
    assert missing(old, torch) == [("absent >= 1.*.*!", None), ("driver; extra == 'cuda'", None)]


def test_a_version_that_packaging_cannot_read() -> None:
    app = wheel("app", requires=("pytz",))
    assert missing(app, wheel("pytz", "2004d-dev-x")) == []
    app = wheel("app", requires=("pytz>=2000",))
    assert missing(app, wheel("pytz", "2004d-dev-x")) == [("pytz>=2000", "2004d-dev-x")]


def test_which_wheels_require_which() -> None:
    app = wheel("app", requires=("Flask-Migrate[more]>=1", "old; python_version < '3.9'"))
    flask = wheel("flask_migrate", requires=("alembic", "extra; extra == 'more'", "app"))
    others = (wheel("alembic", requires=("extra; extra == 'tz'",)), wheel("extra"), wheel("old"))
    alembic, extra, old = others
    assert required_wheels((app, flask, *others), environment=ENVIRONMENT) == {
        app.path: {flask.path},
        flask.path: {alembic.path, extra.path, app.path},
        alembic.path: set(),
        extra.path: set(),
        old.path: set(),
    }


def test_the_requirements_of_a_wheel_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for each check after each edit: 300 wheels took 3 s of each."""
    parsed: list[str] = []

    def parse(text: str) -> Requirement:
        parsed.append(text)
        return Requirement(text)

    monkeypatch.setattr(requirements, "Requirement", parse)
    one = wheel("only-here", requires=("six>=1.0.0.1; python_version >= '3.0.1'",))
    for _ in range(2):
        missing(one)
        required_wheels([one], environment=ENVIRONMENT)
    assert sorted(parsed) == ["only-here", one.requires_dist[0]]
