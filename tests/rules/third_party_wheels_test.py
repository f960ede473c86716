# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import json
from dataclasses import asdict
from unittest.mock import Mock

import pytest
from pants.backend.python.macros.python_artifact import PythonArtifact
from pants.backend.python.target_types import (
    PexLayout,
    PythonDistribution,
    PythonRequirementTarget,
    PythonSourceTarget,
)
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import Pex, PexRequest
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.engine.addresses import Address, Addresses
from pants.engine.fs import Digest, DigestContents, DigestSubset, FileContent, PathGlobs
from pants.engine.process import Process, ProcessExecutionFailure, ProcessResult
from pants.engine.target import Target, TransitiveTargets, TransitiveTargetsRequest
from pants.option.global_options import KeepSandboxes
from pants.util.ordered_set import FrozenOrderedSet

from pants_pyoxidizer.engine import (
    create_pex,
    create_pex_from_targets,
    digest_subset_to_digest,
    digest_to_snapshot,
    execute_process_or_raise,
    get_digest_contents,
    transitive_targets,
)
from pants_pyoxidizer.util_rules.inspected_wheels import (
    InspectedWheels,
    InspectedWheelsRequest,
    get_inspected_wheels,
)
from pants_pyoxidizer.util_rules.third_party_wheels import (
    ThirdPartyWheels,
    ThirdPartyWheelsRequest,
    UnresolvableRequirementsError,
    resolve_third_party_wheels,
)
from pants_pyoxidizer.util_rules.tool_process import ToolProcess, set_up_tool_process
from pants_pyoxidizer.wheels.metadata import Wheel
from rules.mocks import coroutine, process_mocks, run_rule

INPUT, ONLY_WHEELS, OUTPUT, PEX = (Digest(letter * 64, 1) for letter in "abcd")
PROCESS = Process(["record"], description="")

PYTHON = ".cache/links/python"
DISTRIBUTION = PythonDistribution(
    {"provides": PythonArtifact(name="dist")}, Address("project", target_name="dist")
)
SOURCE = PythonSourceTarget({"source": "a.py"}, Address("project", target_name="lib"))
REQUIREMENT = PythonRequirementTarget(
    {"requirements": ["six"]}, Address("3rdparty", target_name="six")
)


# --- Resolving


def resolve(*dependencies: Target) -> tuple[ThirdPartyWheels, list[object]]:
    """What comes of one distribution with these dependencies, and the requests on the way."""
    requests: list[object] = []

    def answer(value: object) -> Mock:
        """A mock that notes its request and gives `value`."""

        def give(request: object) -> object:
            requests.append(request)
            return value

        return Mock(side_effect=give)

    distributions = Addresses([DISTRIBUTION.address])
    pex_request = PexRequest(output_filename="third_party.pex", internal_only=False)
    resolved = run_rule(
        resolve_third_party_wheels,
        ThirdPartyWheelsRequest(distributions, InterpreterConstraints(["CPython==3.11.7"]), PYTHON),
        mocks={
            transitive_targets: {
                TransitiveTargetsRequest(distributions): TransitiveTargets(
                    (DISTRIBUTION,), dependencies
                )
            }.__getitem__,
            create_pex_from_targets: answer(pex_request),
            create_pex: {pex_request: Pex(PEX, "third_party.pex", None)}.__getitem__,
            set_up_tool_process: answer(PROCESS),
            execute_process_or_raise: {PROCESS: Mock(output_digest=OUTPUT)}.__getitem__,
            digest_to_snapshot: {
                OUTPUT: Mock(digest=OUTPUT, files=("__third_party_wheels/six.whl",))
            }.__getitem__,
            get_inspected_wheels: answer(InspectedWheels(ONLY_WHEELS)),
        },
    )
    return resolved, requests


def failure_to_resolve(said: str) -> str:
    """The message of the error when Pex says this."""
    failure = ProcessExecutionFailure(
        1, b"", said.encode(), "Building", keep_sandboxes=KeepSandboxes.never
    )
    request = ThirdPartyWheelsRequest(
        Addresses([DISTRIBUTION.address]), InterpreterConstraints(["CPython==3.11.7"]), PYTHON
    )
    # A mock's error would not reach the rule.
    rule = coroutine(resolve_third_party_wheels, request)
    rule.send(None)
    rule.send(TransitiveTargets((DISTRIBUTION,), FrozenOrderedSet([SOURCE, REQUIREMENT])))
    rule.send(PexRequest(output_filename="third_party.pex", internal_only=False))
    with pytest.raises(UnresolvableRequirementsError) as e:
        rule.throw(failure)
    # What a stack trace would show.
    assert e.value.__cause__ is None and e.value.__suppress_context__
    return str(e.value)


def test_what_cannot_be_resolved_is_said_with_the_python_that_it_is_for() -> None:
    assert failure_to_resolve("pip: ERROR: something new\n").startswith(
        "Cannot resolve the third-party requirements of these distributions for "
        "CPython==3.11.7, the Python to embed:\n\n  * project:dist\n\n"
        "Pex says:\n\npip: ERROR: something new\n\nTo fix, if a requirement has neither"
    )


def test_a_failure_shows_no_password() -> None:
    message = failure_to_resolve(
        "pid 7 -> pip download --index-url https://jane:secret@example.com/simple/ --retries 5 "
        "exited with 1 and STDERR:\n"
        "pip: ERROR: Could not find a version that satisfies the requirement six==9 "
        "(from versions: none)\n"
    )
    assert "--index-url https://****@example.com/simple/ --retries 5 exited" in message
    assert "secret" not in message and "jane" not in message
    assert "has a file of `six==9` that this Python can use" in message


def test_without_requirements_nothing_is_resolved() -> None:
    assert resolve(SOURCE) == (ThirdPartyWheels(InspectedWheels()), [])


def test_requirements_are_resolved_by_pants_and_become_wheels() -> None:
    assert resolve(SOURCE, REQUIREMENT) == (
        ThirdPartyWheels(InspectedWheels(ONLY_WHEELS)),
        [
            PexFromTargetsRequest(
                # Not of the distribution, which has no resolve.
                [SOURCE.address, REQUIREMENT.address],
                output_filename="third_party.pex",
                internal_only=False,
                layout=PexLayout.PACKED,
                include_source_files=False,
                hardcoded_interpreter_constraints=InterpreterConstraints(["CPython==3.11.7"]),
            ),
            ToolProcess(
                program="wheels.repack_wheels",
                argv=("--output", "__third_party_wheels", "third_party.pex"),
                description="",
                input_digest=PEX,
                output_directories=("__third_party_wheels",),
            ),
            InspectedWheelsRequest(OUTPUT, ("__third_party_wheels/six.whl",), PYTHON),
        ],
    )


# --- Inspecting


@pytest.mark.parametrize("python", [None, ".cache/links/python"])
def test_wheels_are_inspected_without_what_lies_beside_them(python: str | None) -> None:
    wheel = Wheel(
        path="w/six-1.0-py3-none-any.whl",
        filename="six-1.0-py3-none-any.whl",
        name="six",
        version="1.0",
        requires_dist=("typing",),
        requires_python=">=3",
        provides_extra=(),
        tags=("py3-none-any",),
        root_is_purelib=True,
        modules=("six",),
        packages=(),
        namespaces=(),
        executable_packages=(),
        native_files=(),
        pth_files=(),
        data_files=(),
        file_uses=(),
        sha256="0123",
        record_sha256="4567",
    )
    processes: list[ToolProcess] = []

    def run(process: ToolProcess) -> ProcessResult:
        processes.append(process)
        return Mock(output_digest=OUTPUT)

    report = FileContent("wheels.json", json.dumps([asdict(wheel)]).encode())
    wheels = run_rule(
        get_inspected_wheels,
        InspectedWheelsRequest(INPUT, (wheel.path,), python),
        mocks={
            digest_subset_to_digest: {
                DigestSubset(INPUT, PathGlobs([wheel.path])): ONLY_WHEELS
            }.__getitem__,
            **process_mocks(set_up_tool_process, run),
            get_digest_contents: {OUTPUT: DigestContents([report])}.__getitem__,
        },
    )
    (process,) = processes
    assert process == ToolProcess(
        program="wheels.inspect_wheels",
        argv=("--output", "wheels.json", wheel.path),
        description="",
        input_digest=ONLY_WHEELS,
        output_files=("wheels.json",),
        python_link=python,
    )
    assert process.description == "Inspect 1 wheel"
    assert wheels == InspectedWheels(ONLY_WHEELS, (wheel,))
