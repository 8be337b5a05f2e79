"""The public door opens for webhooks alone, with the bounds the service itself has."""

import pytest
from starlette.routing import Route

from order_service.api.app import WEBHOOKS

from .processes import environment, service_of
from .rendered import Rendered


def seconds(duration: str) -> float:
    assert duration.endswith("s")
    return float(duration.removesuffix("s"))


#: Path and methods -> the service whose API answers.
DOORS = {
    ("/webhooks/carriers/", ("POST",)): "shipping-service",
    ("/webhooks/", ("GET", "POST")): "order-service",
}


def test_only_webhooks_come_in_and_only_to_those_who_take_them(replicated: Rendered) -> None:
    routes = {one["metadata"]["name"]: one["spec"]["rules"] for one in replicated.of("HTTPRoute")}
    found = {}
    for rule in routes["webhooks"]:
        assert {one["path"]["type"] for one in rule["matches"]} == {"PathPrefix"}
        (path,) = {one["path"]["value"] for one in rule["matches"]}
        (backend,) = rule["backendRefs"]
        service = replicated.get("Service", backend["name"])
        assert [port["port"] for port in service["spec"]["ports"]] == [backend["port"]]
        assert service["spec"]["selector"]["app.kubernetes.io/component"] == "api"
        methods = tuple(sorted(one["method"] for one in rule["matches"]))
        found[path, methods] = service["spec"]["selector"]["app.kubernetes.io/name"]

    assert set(routes) == {"to-https", "webhooks"}
    assert found == DOORS


@pytest.mark.parametrize(
    ("deployment", "path", "methods"),
    [
        ("order-api", "/webhooks/{platform}/{account}", {"GET", "POST"}),
        ("shipping-api", "/webhooks/carriers/{code}", {"POST"}),
    ],
)
def test_the_service_serves_what_the_route_sends(
    production: Rendered, deployment: str, path: str, methods: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = production.get("Deployment", deployment)
    service = service_of(production, workload)
    for name, value in environment(production, workload).items():
        monkeypatch.setenv(name, value)
    served = [one for one in service.build_app().routes if isinstance(one, Route) and one.path == path]

    assert {method for one in served for method in one.methods or ()} - {"HEAD"} == methods


def test_plain_http_only_redirects(replicated: Rendered) -> None:
    (rule,) = replicated.get("HTTPRoute", "to-https")["spec"]["rules"]

    assert "backendRefs" not in rule
    assert rule["filters"][0]["requestRedirect"]["scheme"] == "https"


def test_every_listener_is_for_one_host_and_routes_of_this_namespace(replicated: Rendered) -> None:
    (gateway,) = replicated.of("Gateway")

    for listener in gateway["spec"]["listeners"]:
        assert listener["hostname"].endswith(".example.com")
        assert listener["allowedRoutes"] == {"namespaces": {"from": "Same"}}


def test_the_gateway_is_as_strict_about_size_and_no_stricter_about_time(replicated: Rendered) -> None:
    (backend,) = replicated.of("BackendTrafficPolicy")
    (client,) = replicated.of("ClientTrafficPolicy")
    rules = replicated.get("HTTPRoute", "webhooks")["spec"]["rules"]

    assert backend["spec"]["requestBuffer"]["limit"] == f"{WEBHOOKS.body_bytes // 2**20}Mi"
    assert seconds(client["spec"]["timeout"]["http"]["requestReceivedTimeout"]) >= WEBHOOKS.receive_s
    for rule in rules:
        request, answer = (seconds(rule["timeouts"][one]) for one in ("request", "backendRequest"))
        assert request >= answer > WEBHOOKS.receive_s


def test_nothing_else_leads_in_from_outside(rendered: Rendered) -> None:
    assert rendered.of("Ingress") == []
    assert {one["spec"].get("type", "ClusterIP") for one in rendered.of("Service")} == {"ClusterIP"}
    if rendered.name == "local":
        assert rendered.of("Gateway", "HTTPRoute") == []
