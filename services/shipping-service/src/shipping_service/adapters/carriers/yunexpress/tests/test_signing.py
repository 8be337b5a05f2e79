"""Signatures against vectors that were computed from the published recipe by other means."""

from shipping_service.adapters.carriers.yunexpress.signing import sign
from shipping_service.adapters.carriers.yunexpress.tests.examples import APP_SECRET

AT_MS = 1718000000000


def test_a_call_with_a_body_signs_the_body_as_it_is_sent() -> None:
    body = b'{"waybill_number":"YT2616200000000001"}'

    signed = sign(APP_SECRET, AT_MS, "POST", "/v1/order/cancel", body)

    assert signed == "8uTX/a3YzuawVwKpVdPnN7i24adDv3TyusIIiYVG2GA="


def test_a_call_without_a_body_leaves_the_body_out() -> None:
    signed = sign(APP_SECRET, AT_MS, "GET", "/v1/order/info/get", b"")

    assert signed == "n0qfKX58hzp0ejq62xMOcqFbFs+NFVfxjI13xFqgbyw="
