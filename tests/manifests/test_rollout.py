"""`k8s/rollout.sh` applies everything, in steps that are cut by labels."""

import re

from .rendered import K8S, ROLES, Manifest, Rendered

SCRIPT = (K8S / "rollout.sh").read_text()


def component(manifest: Manifest) -> str | None:
    found: str | None = manifest["metadata"].get("labels", {}).get("app.kubernetes.io/component")
    return found


def test_the_steps_together_are_the_whole_overlay() -> None:
    first, last = (set(one.split(",")) for one in re.findall(r"component (?:notin|in) \(([a-z,]+)\)", SCRIPT))

    assert "component=migrate" in SCRIPT
    assert first == last | {"migrate"}
    assert last == set(ROLES)


def test_what_pods_need_comes_before_migrations_and_migrations_before_pods(rendered: Rendered) -> None:
    steps = {component(one): set[str]() for one in rendered.manifests}
    for one in rendered.manifests:
        steps[component(one)].add(one["kind"])

    assert steps["migrate"] == {"Job"}
    assert {"ConfigMap", "ServiceAccount", "NetworkPolicy", "Kafka", "KafkaUser", "Cluster"} <= steps[None]
    assert not {"Deployment", "Job", "ScaledObject", "HorizontalPodAutoscaler"} & steps[None]
    assert steps["consume"] >= {"Deployment"}
