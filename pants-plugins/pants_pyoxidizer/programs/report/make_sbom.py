# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Writes an SBOM, in CycloneDX 1.5, of what went into an executable.

usage: report.make_sbom FACTS OUTPUT

FACTS is JSON, see `report_facts.py`. The same facts give the same bytes: the serial number is made
of them, and there is no time in it.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any, Mapping, Sequence

# They are in the tool `[pyoxidizer-report]` alone.
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
        print(f"The SBOM does not fit the schema of CycloneDX: {problem}", file=sys.stderr)
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
    """All but "name" and "type" may be left out."""
    purl_type, version, sha256 = facts.get("purl_type"), facts.get("version"), facts.get("sha256")
    purl = PackageURL(purl_type, None, facts["name"], version) if purl_type else None
    return Component(
        name=facts["name"],
        type=ComponentType(facts["type"]),
        version=version,
        purl=purl,
        cpe=facts.get("cpe"),
        scope=ComponentScope.OPTIONAL if facts.get("optional") else None,
        # What is in twice is one component.
        bom_ref=facts.get("ref") or str(purl),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else (),
        properties=[
            Property(name=f"pants_pyoxidizer:{name}", value=value)
            for name, value in facts.get("properties", {}).items()
        ],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
