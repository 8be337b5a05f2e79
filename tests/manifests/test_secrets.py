"""What is secret is in no manifest, and the README says where each Secret comes from."""

import re
from collections.abc import Iterator
from typing import Any

from .processes import secret_keys
from .rendered import K8S, SERVICES, Manifest, Rendered, pod, render

#: Secret -> keys, as the table in k8s/README.md has them.
_ROW = re.compile(r"^\| (?P<secrets>`[^|]+`) \| (?P<keys>`[^|]+`) \| (?P<maker>[A-Za-z-]+)", re.MULTILINE)


def listed() -> dict[str, tuple[str, list[str]]]:
    """Secret -> who makes it, its keys."""
    found = {}
    for row in _ROW.finditer((K8S / "README.md").read_text()):
        for pattern in re.findall(r"`([^`]+)`", row["secrets"]):
            for service in SERVICES:
                keys = sorted(re.findall(r"`([^`]+)`", row["keys"]))
                found[pattern.replace("<service>", service)] = (row["maker"], keys)
    return found


def used(rendered: Rendered) -> Iterator[tuple[str, str | None]]:
    """(Secret, key) that any object asks for; no key: the whole of it."""
    for workload in rendered.workloads():
        for volume in pod(workload)["volumes"]:
            if "secret" in volume:
                items: list[Manifest] = volume["secret"].get("items", [])
                yield from ((volume["secret"]["secretName"], one["key"]) for one in items)
                yield volume["secret"]["secretName"], None
    for manifest in rendered.manifests:
        yield from _references(manifest)


def _references(node: Any) -> Iterator[tuple[str, str | None]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("secretKeyRef", "accessKeyId", "secretAccessKey"):
                yield value["name"], value["key"]
            elif key in ("secretRef", "passwordSecret") or (key == "secret" and "name" in value):
                yield value["name"], None
            elif key == "secretTargetRef":
                yield from ((one["name"], one["key"]) for one in value)
            elif key == "certificateRefs":
                yield from ((one["name"], None) for one in value)
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for one in node:
            yield from _references(one)


def test_only_the_laptops_overlay_holds_secrets(replicated: Rendered) -> None:
    assert replicated.of("Secret") == []


def test_every_secret_that_is_asked_for_is_in_the_table_with_its_keys(rendered: Rendered) -> None:
    table = listed()

    for secret, key in used(rendered):
        assert secret in table
        assert key is None or key in table[secret][1]


def test_external_secrets_makes_what_the_table_says(replicated: Rendered) -> None:
    table = {secret: keys for secret, (maker, keys) in listed().items() if maker == "External"}

    assert secret_keys(replicated) == table


def test_the_plain_variant_makes_no_other_secrets() -> None:
    plain, table = secret_keys(render("local")), listed()

    assert set(plain) <= set(table)
    for secret, keys in plain.items():
        assert set(keys) <= set(table[secret][1])
