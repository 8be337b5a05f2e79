"""Every object is one that Kubernetes and the operators understand, to the last field."""

import copy

import kubernetes_validate
import pytest

from .custom_resources import faults, validators
from .rendered import Manifest, Rendered, name, render

#: The oldest and the newest version that every operator supports.
VERSIONS = ("1.34", "1.36")


def is_custom(manifest: Manifest) -> bool:
    return manifest["apiVersion"] in {api_version for api_version, _ in validators()}


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_own_objects_are_valid_in_the_oldest_and_the_newest_version(
    rendered: Rendered, version: str
) -> None:
    for manifest in rendered.manifests:
        if not is_custom(manifest):
            kubernetes_validate.validate(manifest, version, strict=True)


def test_custom_resources_fit_their_definitions(rendered: Rendered) -> None:
    wrong = [f"{name(one)}: {fault}" for one in rendered.manifests if is_custom(one) for fault in faults(one)]

    assert wrong == []


def test_no_definition_is_vendored_in_vain() -> None:
    used = {(one["apiVersion"], one["kind"]) for one in render("production").manifests}
    kinds = {kind for _, kind in validators()}

    assert kinds - {kind for _, kind in used} == set()


def test_a_misspelt_field_of_a_deployment_is_found() -> None:
    broken = copy.deepcopy(dict(render("local").get("Deployment", "order-api")))
    broken["spec"]["template"]["spec"]["terminationGracePeriod"] = 45

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)


def test_a_misspelt_field_of_a_custom_resource_is_found() -> None:
    broken = copy.deepcopy(dict(render("production").get("ScaledObject", "order-consume")))
    broken["spec"]["minReplicas"] = 2

    assert list(faults(broken)) != []
