"""Every process is read by Prometheus once, under the name its traces have."""

import re

from .processes import service_of
from .rendered import Manifest, Rendered, container, labels


def is_chosen(monitor: Manifest, found: Manifest) -> bool:
    selector = monitor["spec"]["selector"]
    wanted: bool = selector.get("matchLabels", {}).items() <= found.items()
    return wanted and "matchExpressions" not in selector


def test_every_pod_is_read_on_its_one_port_and_only_once(replicated: Rendered) -> None:
    for deployment in replicated.of("Deployment"):
        (port,) = container(deployment)["ports"]
        readers = [
            monitor["metadata"]["name"]
            for monitor in replicated.of("ServiceMonitor", "PodMonitor")
            if is_chosen(monitor, labels(deployment))
            for endpoint in monitor["spec"].get("endpoints", [])
            + monitor["spec"].get("podMetricsEndpoints", [])
            if endpoint["port"] == port["name"]
        ]

        assert len(readers) == 1, deployment["metadata"]["name"]


def test_a_service_monitor_finds_its_services_by_their_labels(replicated: Rendered) -> None:
    (monitor,) = replicated.of("ServiceMonitor")
    found = [one for one in replicated.of("Service") if is_chosen(monitor, one["metadata"]["labels"])]

    assert len(found) == 4
    for service in found:
        assert [port["name"] for port in service["spec"]["ports"]] == [
            monitor["spec"]["endpoints"][0]["port"]
        ]


def test_the_job_is_what_the_service_calls_itself(replicated: Rendered) -> None:
    ours = [*replicated.of("ServiceMonitor"), replicated.get("PodMonitor", "consume-relay-work")]
    for monitor in ours:
        (endpoint,) = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
        job = next(one for one in endpoint["relabelings"] if one["targetLabel"] == "job")

        for deployment in replicated.of("Deployment"):
            found = re.fullmatch(job["regex"], labels(deployment)["app.kubernetes.io/name"])
            assert found is not None
            assert found[1] == service_of(replicated, deployment).name


def test_prometheus_finds_what_is_meant_for_it(replicated: Rendered) -> None:
    for one in replicated.of("ServiceMonitor", "PodMonitor", "PrometheusRule"):
        assert one["metadata"]["labels"]["release"] == "kube-prometheus-stack"
