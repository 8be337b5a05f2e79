"""Makes a vendored CRD of a project's own: `python prune_crds.py < project.yaml > crds/project.yaml`.

What validation does not need is left out: descriptions, printer columns, and versions that are not served.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import yaml


def prune(text: str) -> str:
    """Return the CustomResourceDefinitions in `text`, one YAML document each."""
    documents = [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one]
    return yaml.dump_all(
        (_crd(one) for one in documents), Dumper=yaml.CSafeDumper, width=120, sort_keys=False
    )


def _crd(crd: Mapping[str, Any]) -> dict[str, Any]:
    spec = crd["spec"]
    versions = [
        {key: value for key, value in version.items() if key != "additionalPrinterColumns"}
        for version in spec["versions"]
        if version["served"]
    ]
    kept = ("api-approved.kubernetes.io",)  # the API server refuses a CRD of a *.k8s.io group without it
    annotations = {k: v for k, v in crd["metadata"].get("annotations", {}).items() if k in kept}
    return {
        "apiVersion": crd["apiVersion"],
        "kind": crd["kind"],
        "metadata": {"name": crd["metadata"]["name"]} | ({"annotations": annotations} if annotations else {}),
        "spec": {
            "group": spec["group"],
            "names": spec["names"],
            "scope": spec["scope"],
            "versions": _without_descriptions(versions),
        },
    }


def _without_descriptions(node: Any) -> Any:
    """A property may be called `description`, too: then it is a schema, not a text."""
    if isinstance(node, Mapping):
        return {
            key: _without_descriptions(value)
            for key, value in node.items()
            if not (key == "description" and isinstance(value, str))
        }
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_without_descriptions(one) for one in node]
    return node


if __name__ == "__main__":
    sys.stdout.write(prune(sys.stdin.read()))
