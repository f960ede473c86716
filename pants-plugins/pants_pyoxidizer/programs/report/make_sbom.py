# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Writes the SBOM of an executable, in CycloneDX 1.5.

usage: report.make_sbom FACTS OUTPUT

FACTS is JSON in the format of `report_facts.py`. The output is reproducible: the serial number is
derived from the facts, and there is no timestamp.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any, Mapping, Sequence

# Only the tool `[pyoxidizer-report]` has these packages.
from cyclonedx.model import HashAlgorithm, HashType, Property  # pants: no-infer-dep
from cyclonedx.model.bom import Bom  # pants: no-infer-dep
from cyclonedx.model.component import (  # pants: no-infer-dep
    Component,
    ComponentScope,
    ComponentType,
)
from cyclonedx.output.json import JsonV1Dot5  # pants: no-infer-dep
from cyclonedx.schema import SchemaVersion  # pants: no-infer-dep
from cyclonedx.validation.json import JsonStrictValidator  # pants: no-infer-dep
from packageurl import PackageURL  # pants: no-infer-dep


def main(argv: Sequence[str]) -> int:
    facts_file, output = map(Path, argv)
    facts = facts_file.read_text()
    text = JsonV1Dot5(make_bom(json.loads(facts), facts)).output_as_string(indent=2)
    problem = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    if problem is not None:
        print(f"The SBOM does not match the CycloneDX 1.5 schema: {problem}", file=sys.stderr)
        return 1
    output.write_text(f"{text}\n")
    return 0


def make_bom(facts: Mapping[str, Any], text: str) -> Bom:
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_OID, text))
    bom.metadata.timestamp = None
    root = make_component(facts["executable"])
    bom.metadata.component = root
    components = [make_component(component) for component in facts["components"]]
    bom.components.update(components)
    bom.register_dependency(root, components)
    return bom


def make_component(facts: Mapping[str, Any]) -> Component:
    """Only "name" and "type" are required."""
    purl_type, version, sha256 = facts.get("purl_type"), facts.get("version"), facts.get("sha256")
    purl = PackageURL(purl_type, None, facts["name"], version) if purl_type else None
    return Component(
        name=facts["name"],
        type=ComponentType(facts["type"]),
        version=version,
        purl=purl,
        cpe=facts.get("cpe"),
        scope=ComponentScope.OPTIONAL if facts.get("optional") else None,
        # A fixed reference, so that equal components merge.
        bom_ref=facts.get("ref") or str(purl),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else (),
        properties=[
            Property(name=f"pants_pyoxidizer:{name}", value=value)
            for name, value in facts.get("properties", {}).items()
        ],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
