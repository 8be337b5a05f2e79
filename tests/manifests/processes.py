"""A pod's environment as the kubelet would make it, and the service that the code builds from it."""

import asyncio
import base64
import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

import pytest

from crossdock_chassis.service import Service

from .rendered import SERVICES, Manifest, Rendered, container, labels

_VARIABLE = re.compile(r"\$\(([A-Z0-9_]+)\)")

#: In place of what a secret store holds.
_SAMPLES = {
    "ORDER_ENCRYPTION_KEY": base64.b64encode(bytes(32)).decode(),
    "CHANNEL_EMAIL_SENDER": "a@shop.example",
}


def service_name(workload: Manifest) -> str:
    """order, inventory, shipping or notify."""
    name = labels(workload)["app.kubernetes.io/name"].removesuffix("-service")
    assert name in SERVICES
    return name


def role(workload: Manifest) -> str:
    """api, consume, relay, work or migrate."""
    return labels(workload)["app.kubernetes.io/component"]


def secret_keys(rendered: Rendered) -> dict[str, list[str]]:
    """Secret -> its keys: those that are rendered, and those that External Secrets will make."""
    keys = {one["metadata"]["name"]: sorted(one["data"]) for one in rendered.of("Secret")}
    for one in rendered.of("ExternalSecret"):
        target = one["spec"]["target"]
        made = target.get("template", {}).get("data") or [data["secretKey"] for data in one["spec"]["data"]]
        keys[target["name"]] = sorted(made)
    return keys


def environment(rendered: Rendered, workload: Manifest) -> dict[str, str]:
    """What the container is started with. KeyError for a ConfigMap, Secret or key that is not there."""
    values: dict[str, str] = {}
    for source in container(workload).get("envFrom", []):
        if "configMapRef" in source:
            values |= rendered.get("ConfigMap", source["configMapRef"]["name"])["data"]
        else:
            keys = secret_keys(rendered)[source["secretRef"]["name"]]
            values |= {key: _SAMPLES.get(key, f"sample-{key.lower()}") for key in keys}
    for entry in container(workload)["env"]:
        values[entry["name"]] = _value(rendered, entry, values)
    return values


def _value(rendered: Rendered, entry: Mapping[str, Any], before: Mapping[str, str]) -> str:
    if "valueFrom" in entry:
        wanted = entry["valueFrom"]["secretKeyRef"]
        assert wanted["key"] in secret_keys(rendered)[wanted["name"]], wanted
        return "sample"
    # As Kubernetes does: from what stands before it; a name that is unknown there would stay as it is.
    return _VARIABLE.sub(lambda found: before[found[1]], entry["value"])


def service_of(rendered: Rendered, workload: Manifest) -> Service:
    """The service as its own `__main__` builds it in that pod. Raises what the code raises when it cannot."""
    return _service(service_name(workload), frozenset(environment(rendered, workload).items()))


@cache
def _service(name: str, variables: frozenset[tuple[str, str]]) -> Service:
    async def build() -> Service:
        service: Service = import_module(f"{name}_service.__main__").build()
        for close in service.close:
            await close()
        await service.database.dispose()
        return service

    with pytest.MonkeyPatch.context() as only_here:
        for variable, value in variables:
            only_here.setenv(variable, value)
        return asyncio.run(build())
