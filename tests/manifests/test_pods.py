"""No pod of ours can do more than its work, and each says what it needs."""

import re

from .processes import role
from .rendered import Manifest, Rendered, container, labels, name, pod


def test_pods_run_as_an_ordinary_user_without_rights(rendered: Rendered) -> None:
    for workload in rendered.workloads():
        spec, only = pod(workload), container(workload)

        assert spec["securityContext"]["runAsNonRoot"] is True, name(workload)
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_pods_see_nothing_of_their_node_or_of_the_cluster(rendered: Rendered) -> None:
    for workload in rendered.workloads():
        spec = pod(workload)

        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(spec), name(workload)
        assert {next(iter(set(one) - {"name"})) for one in spec["volumes"]} <= {"secret", "emptyDir"}
        assert not [port for port in container(workload).get("ports", []) if "hostPort" in port]
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False


def test_service_accounts_are_their_service_s_own_and_have_no_token(rendered: Rendered) -> None:
    accounts = {one["metadata"]["name"]: one for one in rendered.of("ServiceAccount")}

    assert all(one["automountServiceAccountToken"] is False for one in accounts.values())
    for workload in rendered.workloads():
        assert pod(workload)["serviceAccountName"] == labels(workload)["app.kubernetes.io/name"]
        assert pod(workload)["serviceAccountName"] in accounts
    assert rendered.of("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding") == []


def test_images_are_pinned(rendered: Rendered) -> None:
    for workload in rendered.workloads():
        image = container(workload)["image"]

        if rendered.name == "local":
            assert re.fullmatch(r"crossdock/[a-z]+-service:local", image)
        else:
            assert re.fullmatch(r"[a-z0-9./-]+-service@sha256:[0-9a-f]{64}", image)
    text = str(rendered.manifests)
    assert ":latest" not in text


def test_every_container_says_what_it_needs_and_what_it_may_take_at_most(rendered: Rendered) -> None:
    for workload in rendered.workloads():
        resources = container(workload)["resources"]

        assert set(resources["requests"]) == {"cpu", "memory", "ephemeral-storage"}, name(workload)
        # A CPU limit only throttles; memory and disk are taken from others.
        assert set(resources["limits"]) == {"memory", "ephemeral-storage"}
        assert [one["emptyDir"] for one in pod(workload)["volumes"] if "emptyDir" in one] == [
            {"sizeLimit": "64Mi"}
        ]


def test_platform_pods_have_bounds_on_memory(rendered: Rendered) -> None:
    for one in [*rendered.of("KafkaNodePool"), *rendered.of("Cluster")]:
        assert one["spec"]["resources"]["limits"]["memory"], name(one)
    for one in rendered.of("Pooler"):
        (only,) = one["spec"]["template"]["spec"]["containers"]
        assert only["resources"]["limits"]["memory"], name(one)


def test_selectors_are_by_name_and_component_and_never_change_with_a_release(rendered: Rendered) -> None:
    for workload in rendered.of("Deployment"):
        selector = workload["spec"]["selector"]["matchLabels"]

        assert set(selector) == {"app.kubernetes.io/name", "app.kubernetes.io/component"}
        assert selector.items() < labels(workload).items()


def test_the_namespace_enforces_restricted_pods(rendered: Rendered) -> None:
    (namespace,) = rendered.of("Namespace")
    homes = {one["metadata"].get("namespace") for one in rendered.manifests if one["kind"] != "PriorityClass"}

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert homes == {None, namespace["metadata"]["name"]}


def test_orders_come_before_messages_when_a_node_is_full(rendered: Rendered) -> None:
    value = {one["metadata"]["name"]: one["value"] for one in rendered.of("PriorityClass")}

    def of(service: str) -> set[int]:
        return {
            value[pod(one)["priorityClassName"]]
            for one in rendered.workloads()
            if one["metadata"]["name"].startswith(f"{service}-")
        }

    assert of("order") == of("inventory") == of("shipping")
    assert max(of("notify")) < min(of("order"))


def test_a_rollout_never_takes_requests_away_and_gives_a_group_time_to_settle(rendered: Rendered) -> None:
    for workload in rendered.of("Deployment"):
        rolling = workload["spec"]["strategy"]["rollingUpdate"]
        settles_s = workload["spec"]["minReadySeconds"]

        if role(workload) == "consume":
            assert rolling == {"maxSurge": 0, "maxUnavailable": 1}
            assert settles_s > 10  # the session time-out of a member that died
        else:
            assert rolling == {"maxSurge": 1, "maxUnavailable": 0}
            assert settles_s >= 5


def test_migrations_are_made_anew_by_each_release_and_before_it(rendered: Rendered) -> None:
    for job in rendered.of("Job"):
        annotations = job["metadata"]["annotations"]

        assert pod(job)["restartPolicy"] == "Never"
        assert annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
        assert annotations["kustomize.toolkit.fluxcd.io/force"] == "enabled"
    for workload in rendered.of("Deployment"):
        assert _wave(workload) > max(map(_wave, rendered.of("Job")))
        assert "initContainers" not in pod(workload)


def _wave(manifest: Manifest) -> int:
    return int(manifest["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0"))
