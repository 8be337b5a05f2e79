"""The signature of calls, against the published vector."""

from order_service.adapters.marketplaces.tiktok_shop.signing import sign

SECRET = "tt0example1secret2tt3example4secret5abcd"
PATH = "/order/202309/orders"
QUERY = {
    "timestamp": "1771328000",
    "shop_cipher": "ROW_exampleCipher",
    "ids": "576912233445566771",
    "app_key": "6examplekey",
}
EXPECTED = "40b9725a070772be27db831af313db6329d04cb8c1bfbcfbb9060962456a7a05"


def test_the_published_vector_is_reproduced_from_a_query_in_any_order() -> None:
    assert sign(SECRET, PATH, QUERY, b"") == EXPECTED


def test_the_signature_itself_and_a_token_are_not_signed() -> None:
    assert sign(SECRET, PATH, {**QUERY, "sign": "x", "access_token": "y"}, b"") == EXPECTED


def test_the_body_is_signed_byte_by_byte() -> None:
    assert sign(SECRET, PATH, QUERY, b'{"a":1}') != sign(SECRET, PATH, QUERY, b'{"a": 1}')
