"""The signature against a vector that was computed from the published recipe by other means."""

from shipping_service.adapters.carriers.yanwen.signing import sign
from shipping_service.adapters.carriers.yanwen.tests.examples import API_TOKEN, USER_ID


def test_a_call_is_signed_as_it_is_sent() -> None:
    body = b'{"waybillNumber":"UF000000001YP"}'

    signed = sign(API_TOKEN, USER_ID, "express.order.get", 1718000000000, body)

    assert signed == "09a7c776de7b16543987d2768eac81ac"
