"""The public door opens for webhooks alone, with the bounds the service itself has."""

from starlette.routing import Route

from order_service.api.app import WEBHOOKS

from .processes import service_of
from .rendered import Rendered


def seconds(duration: str) -> float:
    assert duration.endswith("s")
    return float(duration.removesuffix("s"))


def test_only_posts_to_webhooks_come_in_and_only_to_order_service(replicated: Rendered) -> None:
    routes = {one["metadata"]["name"]: one["spec"]["rules"] for one in replicated.of("HTTPRoute")}

    assert set(routes) == {"to-https", "webhooks"}
    (rule,) = routes["webhooks"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/webhooks/"}, "method": "POST"}]
    (backend,) = rule["backendRefs"]
    service = replicated.get("Service", backend["name"])
    assert [port["port"] for port in service["spec"]["ports"]] == [backend["port"]]
    assert service["spec"]["selector"] == {
        "app.kubernetes.io/name": "order-service",
        "app.kubernetes.io/component": "api",
    }


def test_the_service_serves_what_the_route_sends(production: Rendered) -> None:
    service = service_of(production, production.get("Deployment", "order-api"))
    posts = {route.path for route in service.build_app().routes if isinstance(route, Route)}

    assert "/webhooks/{platform}/{account}" in posts


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
    (rule,) = replicated.get("HTTPRoute", "webhooks")["spec"]["rules"]

    assert backend["spec"]["requestBuffer"]["limit"] == f"{WEBHOOKS.body_bytes // 2**20}Mi"
    assert seconds(client["spec"]["timeout"]["http"]["requestReceivedTimeout"]) >= WEBHOOKS.receive_s
    assert (
        seconds(rule["timeouts"]["request"])
        >= seconds(rule["timeouts"]["backendRequest"])
        > WEBHOOKS.receive_s
    )


def test_nothing_else_leads_in_from_outside(rendered: Rendered) -> None:
    assert rendered.of("Ingress") == []
    assert {one["spec"].get("type", "ClusterIP") for one in rendered.of("Service")} == {"ClusterIP"}
    if rendered.name == "local":
        assert rendered.of("Gateway", "HTTPRoute") == []
