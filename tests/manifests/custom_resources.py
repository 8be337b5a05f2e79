"""Custom resources against the CRDs vendored in deploy/verify/crds, as strictly as an API server would."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft4Validator

from .rendered import ROOT, Manifest

CRDS = ROOT / "deploy" / "verify" / "crds"

#: What the API server itself knows of every object.
_OBJECT = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}


@cache
def validators() -> Mapping[tuple[str, str], Draft4Validator]:
    """(apiVersion, kind) -> validator. OpenAPI 3.0 schemas are draft 4 with additions."""
    return {
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]): Draft4Validator(
            _root(version["schema"]["openAPIV3Schema"])
        )
        for file in sorted(CRDS.glob("*.yaml"))
        for crd in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader)
        for version in crd["spec"]["versions"]
    }


def faults(manifest: Manifest) -> Iterator[str]:
    """What is wrong with a custom resource, one line each. KeyError when no CRD describes it."""
    validator = validators()[manifest["apiVersion"], manifest["kind"]]
    for error in validator.iter_errors(manifest):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message}"


def _root(schema: Mapping[str, Any]) -> dict[str, Any]:
    strict: dict[str, Any] = _strict(schema)
    return strict | {"properties": strict["properties"] | _OBJECT}


def _strict(schema: Any) -> Any:
    """Refuse fields that are not described, as strict field validation does."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    strict = {
        key: {name: _strict(one) for name, one in value.items()} if key == "properties" else _strict(value)
        for key, value in schema.items()
        if key not in ("default", "example")
    }
    if schema.get("x-kubernetes-int-or-string"):
        strict["type"] = ["integer", "string"]
        strict.pop("anyOf", None)
    if schema.get("nullable") and isinstance(strict.get("type"), str):
        strict["type"] = [strict["type"], "null"]
    if "type" in schema and "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        strict.setdefault("additionalProperties", False)
    return strict
