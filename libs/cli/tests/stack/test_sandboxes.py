"""Which sandboxes a stack can start, and what the services are told of them."""

import json
from dataclasses import replace

from crossdock_cli.stack.sandboxes import FEW, all_sandboxes, settings_of_adapters, with_role
from crossdock_cli.stack.services import Surroundings, service_environment


def test_every_part_that_an_order_needs_is_played_by_somebody() -> None:
    assert set(FEW) <= set(all_sandboxes())
    assert {one.role for one in all_sandboxes().values()} == {"marketplace", "carrier", "tracking", "mail"}


def test_a_carrier_is_told_where_its_sandbox_is_and_one_without_a_port_is_left_out() -> None:
    told = settings_of_adapters(["ups", "dhl_express"], {"ups": 8307}, "127.0.0.1")

    assert told["CARRIER_UPS_BASE_URL"] == "http://127.0.0.1:8307"
    assert not [name for name in told if "DHL" in name]


def test_shipping_is_connected_to_the_carriers_that_are_played(around: Surroundings) -> None:
    everybody = replace(around, sandboxes=tuple(all_sandboxes()))
    few, all_of_them = (service_environment("shipping", one) for one in (around, everybody))

    assert json.loads(few["SHIPPING_CARRIERS"]) == ["easypost"]
    assert "SHIPPING_TRACKS_OTHERS" not in few
    assert json.loads(all_of_them["SHIPPING_CARRIERS"]) == with_role(all_sandboxes(), "carrier", "tracking")
    assert all_of_them["SHIPPING_TRACKS_OTHERS"] == "seventeen_track"
