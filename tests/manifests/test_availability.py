"""A node may be drained, a pod may be slow, and requests are answered."""

import math

from .processes import role
from .rendered import Manifest, Rendered, labels, name, pod

NODES = 3


def chosen_by(selector: Manifest, rendered: Rendered) -> list[str]:
    wanted = selector["matchLabels"].items()
    return [one["metadata"]["name"] for one in rendered.of("Deployment") if wanted <= labels(one).items()]


def test_every_deployment_has_one_budget_and_every_budget_one_deployment(replicated: Rendered) -> None:
    budgets = replicated.of("PodDisruptionBudget")
    covered = [chosen_by(one["spec"]["selector"], replicated) for one in budgets]

    assert all(len(one) == 1 for one in covered)
    assert sorted(one for (one,) in covered) == sorted(
        one["metadata"]["name"] for one in replicated.of("Deployment")
    )


def test_a_budget_never_blocks_a_drain(replicated: Rendered) -> None:
    for one in replicated.of("PodDisruptionBudget"):
        assert one["spec"]["maxUnavailable"] == 1, name(one)
        assert one["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_with_one_node_of_three_away_every_api_has_two_pods(production: Rendered) -> None:
    for scaler in production.of("HorizontalPodAutoscaler"):
        deployment = production.get("Deployment", scaler["spec"]["scaleTargetRef"]["name"])
        hosts = [
            one
            for one in pod(deployment)["topologySpreadConstraints"]
            if one["topologyKey"] == "kubernetes.io/hostname"
        ]

        assert [(one["maxSkew"], one["whenUnsatisfiable"]) for one in hosts] == [(1, "DoNotSchedule")]
        pods = scaler["spec"]["minReplicas"]
        assert pods - math.ceil(pods / NODES) >= 2


def test_pods_of_one_release_spread_over_zones_and_hosts(rendered: Rendered) -> None:
    for deployment in rendered.of("Deployment"):
        spread = pod(deployment)["topologySpreadConstraints"]

        assert [one["topologyKey"] for one in spread] == [
            "topology.kubernetes.io/zone",
            "kubernetes.io/hostname",
        ]
        for one in spread:
            assert one["labelSelector"]["matchLabels"].items() <= labels(deployment).items()
            assert {"app.kubernetes.io/name", "app.kubernetes.io/component"} <= set(one["matchLabelKeys"])
            assert "pod-template-hash" in one["matchLabelKeys"]


def test_who_is_autoscaled_says_no_number_of_replicas_and_everybody_else_does(replicated: Rendered) -> None:
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]
        for one in replicated.of("HorizontalPodAutoscaler", "ScaledObject")
    }

    for deployment in replicated.of("Deployment"):
        is_scaled = deployment["metadata"]["name"] in scaled
        assert is_scaled == (role(deployment) in ("api", "consume"))
        assert ("replicas" in deployment["spec"]) != is_scaled
        assert is_scaled or deployment["spec"]["replicas"] == 2


def test_the_smallest_overlay_scales_nothing(rendered: Rendered) -> None:
    if rendered.name == "local":
        assert rendered.of("HorizontalPodAutoscaler", "ScaledObject", "PodDisruptionBudget") == []
