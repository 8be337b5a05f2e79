"""The network policies allow what k8s/connections.yaml says, no more and no less."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from .rendered import K8S, SERVICES, Manifest, Rendered, container, labels

Edge = tuple[str, str, int]

OURS = "crossdock"  # production's namespace
INTERNET = "93.184.215.14"


@dataclass(frozen=True)
class Party:
    """Somebody who opens or takes connections. `ports`: name -> number of what it listens on."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    ports: Mapping[str, int]


#: Those whose pods others make: labels and ports as their makers give them.
OTHERS = [
    Party(
        "kafka", OURS, {"strimzi.io/cluster": "crossdock", "strimzi.io/broker-role": "true"}, {"tls": 9093}
    ),
    Party("dns", "kube-system", {"k8s-app": "kube-dns"}, {"dns": 53}),
    Party("gateway", "envoy-gateway-system", {"app.kubernetes.io/component": "proxy"}, {}),
    Party("keda", "keda", {"app": "keda-operator"}, {}),
    Party("cnpg-operator", "cnpg-system", {"app.kubernetes.io/name": "cloudnative-pg"}, {}),
    Party("prometheus", "monitoring", {"app.kubernetes.io/name": "prometheus"}, {}),
    Party("otel-collector", "monitoring", {"app.kubernetes.io/name": "otel-collector"}, {"otlp": 4318}),
    Party("internet", "", {}, {"https": 443, "submission": 587, "http": 80}),
    *(
        Party(
            f"{one}-db",
            OURS,
            {"cnpg.io/cluster": f"{one}-db", "cnpg.io/podRole": "instance"},
            {"postgresql": 5432, "status": 8000, "metrics": 9187},
        )
        for one in SERVICES
    ),
    *(
        Party(
            f"{one}-db-pooler",
            OURS,
            {
                "cnpg.io/cluster": f"{one}-db",
                "cnpg.io/poolerName": f"{one}-db-pooler",
                "cnpg.io/podRole": "pooler",
            },
            {"pgbouncer": 5432, "metrics": 9127},
        )
        for one in SERVICES
    ),
]


def parties(rendered: Rendered) -> list[Party]:
    ours = [
        Party(
            one["metadata"]["name"],
            OURS,
            labels(one),
            {port["name"]: port["containerPort"] for port in container(one).get("ports", [])},
        )
        for one in rendered.workloads()
    ]
    return [*ours, *OTHERS]


def policies(rendered: Rendered) -> list[Manifest]:
    """The rendered ones, and the one Strimzi makes of a listener's peers."""
    (kafka,) = rendered.of("Kafka")
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    made_by_strimzi = {
        "podSelector": {"matchLabels": {"strimzi.io/cluster": kafka["metadata"]["name"]}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": listener["networkPolicyPeers"], "ports": [{"port": listener["port"]}]}],
    }
    return [*(one["spec"] for one in rendered.of("NetworkPolicy")), made_by_strimzi]


def edges(rendered: Rendered) -> Iterator[Edge]:
    """Every connection that both ends' policies allow: out of our pods, and into the namespace."""
    every, rules = parties(rendered), policies(rendered)
    for source in every:
        for target in every:
            if not _is_ours(source) and (target.namespace != OURS or source.name == target.name == "kafka"):
                continue  # what Kafka's and PostgreSQL's pods open is not for us to say
            for port_name, port in target.ports.items():
                if _allows("egress", source, target, port_name, port, rules) and _allows(
                    "ingress", target, source, port_name, port, rules
                ):
                    yield source.name, target.name, port


def _allows(way: str, party: Party, other: Party, port_name: str, port: int, rules: list[Manifest]) -> bool:
    """Whether what holds for `party` lets it open (egress) or take (ingress) this connection."""
    if party.namespace != OURS:
        return True  # not for us to say
    holding = [
        one
        for one in rules
        if way.capitalize() in one["policyTypes"] and _matches(one["podSelector"], party.labels)
    ]
    if not holding:
        return not _is_ours(party)
    peers = "to" if way == "egress" else "from"
    return any(
        any(_is_peer(peer, other) for peer in rule[peers])
        and any(one["port"] in (port, port_name) for one in rule["ports"])
        for one in holding
        for rule in one.get(way, [])
    )


def _is_ours(party: Party) -> bool:
    return party.labels.get("app.kubernetes.io/part-of") == "crossdock"


def _is_peer(peer: Manifest, other: Party) -> bool:
    if "ipBlock" in peer:
        return other.name == "internet" and _in_block(INTERNET, peer["ipBlock"])
    if other.name == "internet":
        return False
    namespaces = peer.get("namespaceSelector")
    if namespaces is None:
        at_home = other.namespace == OURS
    else:
        at_home = _matches(namespaces, {"kubernetes.io/metadata.name": other.namespace})
    return at_home and _matches(peer.get("podSelector", {}), other.labels)


def _matches(selector: Manifest, found: Mapping[str, str]) -> bool:
    return all(found.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        _holds(one, found.get(one["key"])) for one in selector.get("matchExpressions", [])
    )


def _holds(expression: Mapping[str, Any], value: str | None) -> bool:
    is_in = value in expression["values"]
    return is_in if expression["operator"] == "In" else not is_in


def _in_block(address: str, block: Manifest) -> bool:
    here = ipaddress.ip_address(address)
    network = ipaddress.ip_network(block["cidr"])
    return here in network and not any(here in ipaddress.ip_network(one) for one in block.get("except", []))


def written_down() -> set[Edge]:
    matrix = yaml.safe_load((K8S / "connections.yaml").read_text())
    return {
        (source, target.rpartition(":")[0], int(target.rpartition(":")[2]))
        for source, targets in matrix.items()
        for target in targets
    }


def test_the_policies_allow_what_is_written_down_and_nothing_else(production: Rendered) -> None:
    allowed = set(edges(production))

    assert allowed - written_down() == set()
    assert written_down() - allowed == set()


def test_no_policy_of_ours_opens_what_the_other_end_refuses(production: Rendered) -> None:
    every, rules = parties(production), policies(production)
    half_open = [
        (source.name, target.name, port)
        for source in filter(_is_ours, every)
        for target in every
        for name, port in target.ports.items()
        if _allows("egress", source, target, name, port, rules)
        and not _allows("ingress", target, source, name, port, rules)
    ]

    assert half_open == []


def test_no_service_opens_a_connection_to_another() -> None:
    def service(party: str) -> str | None:
        first = party.partition("-")[0]
        return first if first in SERVICES else None

    crossing = [
        edge
        for edge in written_down()
        if service(edge[0]) and service(edge[1]) not in (service(edge[0]), None)
    ]

    assert crossing == []


def test_whoever_may_call_outside_cannot_reach_private_addresses(rendered: Rendered) -> None:
    blocks = [
        peer["ipBlock"]
        for policy in rendered.of("NetworkPolicy")
        for rule in policy["spec"].get("egress", [])
        for peer in rule["to"]
        if "ipBlock" in peer
    ]

    assert blocks
    for private in ("10.0.0.1", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1"):
        assert not [one for one in blocks if ":" not in one["cidr"] and _in_block(private, one)]
    for private in ("fd00::1", "fe80::1", "::1", "::ffff:10.0.0.1"):
        assert not [one for one in blocks if ":" in one["cidr"] and _in_block(private, one)]


def test_every_overlay_denies_what_no_policy_allows(rendered: Rendered) -> None:
    ingress, egress = (
        rendered.get("NetworkPolicy", name)["spec"] for name in ("deny-ingress", "deny-egress")
    )

    assert ingress == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert egress["policyTypes"] == ["Egress"]
    assert "egress" not in egress
    for workload in rendered.workloads():
        assert _matches(egress["podSelector"], labels(workload))
