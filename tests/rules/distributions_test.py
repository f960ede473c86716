# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import logging
from textwrap import dedent

import pytest
from pants.backend.python.macros.python_artifact import PythonArtifact
from pants.backend.python.target_types import PythonDistribution, PythonSourceTarget
from pants.backend.python.util_rules import pex_from_targets
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
)
from pants.engine.addresses import Address
from pants.engine.fs import Digest, MergeDigests
from pants.engine.process import ProcessExecutionFailure
from pants.engine.target import (
    DependenciesRequest,
    FieldSetsPerTarget,
    InvalidTargetException,
    Target,
    Targets,
)
from pants.option.global_options import KeepSandboxes
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.docutil import doc_url

from pants_pyoxidizer.engine import (
    DISTRIBUTIONS_DOC,
    environment_aware_package,
    find_valid_field_sets,
    interpreter_constraints_for_targets,
    merge_digests,
    resolve_targets,
)
from pants_pyoxidizer.target_types import PyOxidizerBinaryTarget, PyOxidizerDependenciesField
from pants_pyoxidizer.util_rules.distributions import (
    Distributions,
    DistributionsRequest,
    FirstPartyWheels,
    FirstPartyWheelsRequest,
    UnbuildableWheelsError,
    build_first_party_wheels,
    find_distributions,
)
from pants_pyoxidizer.util_rules.inspected_wheels import (
    InspectedWheels,
    InspectedWheelsRequest,
    get_inspected_wheels,
)
from rules.mocks import coroutine, run_rule

CONSTRAINTS = InterpreterConstraints(["CPython>=3.9"])


def distribution(name: str, **fields: object) -> PythonDistribution:
    provides = PythonArtifact(name=name)
    return PythonDistribution(
        {"provides": provides, **fields}, Address("project", target_name=name)
    )


def sources(name: str) -> PythonSourceTarget:
    return PythonSourceTarget({"source": "a.py"}, Address("project", target_name=name))


def find(*dependencies: Target) -> Distributions:
    """What `find_distributions` makes of a binary `project:bin` with these dependencies."""
    field = PyOxidizerDependenciesField([], Address("project", target_name="bin"))
    found: Distributions = run_rule(
        find_distributions,
        DistributionsRequest(field),
        mocks={
            resolve_targets: {DependenciesRequest(field): Targets(dependencies)}.__getitem__,
            interpreter_constraints_for_targets: lambda _: CONSTRAINTS,
        },
    )
    return found


def refusal(found: str) -> str:
    return (
        "The `pyoxidizer_binary` target project:bin must include in its `dependencies` field at "
        "least one `python_distribution` target that produces a `.whl` file, but it has "
        f"{found}.\n\nTo fix, add such a target. If you use `generate_setup=True`, make sure that "
        f"it has `wheel=True`. See {doc_url(DISTRIBUTIONS_DOC)}."
    )


def test_no_dependencies_are_refused() -> None:
    with pytest.raises(InvalidTargetException) as e:
        find()
    assert str(e.value) == refusal("no dependencies at all")


def test_distributions_without_wheels_and_other_targets_are_refused_by_name() -> None:
    with pytest.raises(InvalidTargetException) as e:
        find(distribution("sdist", wheel=False), sources("lib"))
    assert str(e.value) == refusal(
        "project:sdist (a `python_distribution` with `wheel=False`), "
        "project:lib (a `python_source`)"
    )


def test_what_gives_no_wheel_is_ignored_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    good = distribution("good")
    found = find(sources("lib"), good, distribution("sdist", wheel=False))
    assert found == Distributions(Targets([good]), CONSTRAINTS)
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (
            logging.WARNING,
            "The `pyoxidizer_binary` target project:bin ignores targets in its `dependencies` "
            "field that build no wheel: project:lib (a `python_source`), project:sdist (a "
            "`python_distribution` with `wheel=False`). The binary contains only "
            "`python_distribution` targets with `wheel=True`, and their dependencies.",
        )
    ]


def test_several_distributions_keep_their_order(caplog: pytest.LogCaptureFixture) -> None:
    two, one = distribution("two"), distribution("one")
    found = find(two, one)
    assert found == Distributions(Targets([two, one]), CONSTRAINTS)
    assert list(found.addresses) == [two.address, one.address]
    assert not caplog.records


def test_the_constraints_of_all_code_are_merged() -> None:
    rule_runner = RuleRunner(
        rules=[
            find_distributions,
            *pex_from_targets.rules(),
            QueryRule(Distributions, (DistributionsRequest,)),
        ],
        target_types=[PythonDistribution, PythonSourceTarget, PyOxidizerBinaryTarget],
        objects={"python_artifact": PythonArtifact},
    )
    # As in pants.toml: a command line option would win over the fields.
    rule_runner.set_options([], env={"PANTS_PYTHON_INTERPRETER_CONSTRAINTS": "['CPython>=3.8']"})
    rule_runner.write_files(
        {
            "project/a.py": "",
            "project/b.py": "",
            "project/BUILD": dedent(
                """\
                python_source(name="a", source="a.py", interpreter_constraints=["CPython>=3.9"])
                python_source(name="b", source="b.py", interpreter_constraints=["CPython<3.11"])
                python_distribution(
                    name="one", dependencies=[":a"], provides=python_artifact(name="one")
                )
                python_distribution(
                    name="two", dependencies=[":b"], provides=python_artifact(name="two")
                )
                pyoxidizer_binary(name="bin", dependencies=[":one", ":two"])
                """
            ),
        }
    )
    target = rule_runner.get_target(Address("project", target_name="bin"))
    found = rule_runner.request(
        Distributions, [DistributionsRequest(target[PyOxidizerDependenciesField])]
    )
    assert [str(address) for address in found.addresses] == ["project:one", "project:two"]
    assert found.interpreter_constraints == InterpreterConstraints(["CPython<3.11,>=3.8,>=3.9"])


def test_only_the_wheels_of_the_built_distributions_go_on() -> None:
    one, two, merged = (Digest(letter * 64, 1) for letter in "abc")
    targets = Targets([distribution("one"), distribution("two")])
    packages = {
        "project:one": BuiltPackage(
            one, (BuiltPackageArtifact("one-1.tar.gz"), BuiltPackageArtifact("one-1-py3.whl"))
        ),
        "project:two": BuiltPackage(
            two, (BuiltPackageArtifact("sub/two-1-py3.whl"), BuiltPackageArtifact(None))
        ),
    }
    paths = ("one-1-py3.whl", "sub/two-1-py3.whl")
    built = run_rule(
        build_first_party_wheels,
        FirstPartyWheelsRequest(targets, "python"),
        mocks={
            find_valid_field_sets: lambda request: FieldSetsPerTarget(
                [[t.address] for t in request.targets]
            ),
            environment_aware_package: lambda request: packages[str(request.field_set)],
            merge_digests: {MergeDigests((one, two)): merged}.__getitem__,
            get_inspected_wheels: {
                InspectedWheelsRequest(merged, paths, "python"): InspectedWheels(merged)
            }.__getitem__,
        },
    )
    assert built == FirstPartyWheels(InspectedWheels(merged))


def failure_to_build(said: str) -> Exception:
    """What the user is told when this is said of a wheel of `project:one` or `project:two`."""
    failure = ProcessExecutionFailure(
        1, b"", said.encode(), "Building", keep_sandboxes=KeepSandboxes.never
    )
    targets = Targets([distribution("one"), distribution("two")])
    # A mock's error would not reach the rule.
    rule = coroutine(build_first_party_wheels, FirstPartyWheelsRequest(targets, "python"))
    rule.send(None)
    rule.send(FieldSetsPerTarget([[], []]))
    with pytest.raises((UnbuildableWheelsError, ProcessExecutionFailure)) as e:
        rule.throw(failure)
    return e.value


def test_a_setuptools_that_is_too_old_for_the_python_is_told_of() -> None:
    said = "AttributeError: module 'pkgutil' has no attribute 'ImpImporter'. Did you mean: ...?"
    error = failure_to_build(said + "\n")
    assert isinstance(error, UnbuildableWheelsError)
    assert error.__cause__ is None and error.__suppress_context__
    assert str(error).startswith(
        "The wheels of these distributions cannot be built:\n\n  * project:one\n  * project:two\n\n"
        f"{said}\n\nsetuptools, or the pip that its lockfile pins, is too old"
    )


def test_any_other_failure_to_build_a_wheel_is_shown_as_it_is() -> None:
    assert isinstance(failure_to_build("SyntaxError: invalid\n"), ProcessExecutionFailure)
