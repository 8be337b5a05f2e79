"""New tokens for a refresh token, once."""

import secrets

from starlette.datastructures import QueryParams

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.shopee.door import check
from crossdock_sandbox.shopee.store import ACCESS_S, Store
from crossdock_sandbox.shopee.words import Body, error, given

PATH = "/api/v2/auth/access_token/get"


class _Refresh(Body):
    shop_id: int
    partner_id: int
    refresh_token: str


def refresh(store: Store, query: QueryParams, body: bytes) -> Answer:
    """Signed for no shop: the string ends with the time."""

    def work(asked: _Refresh) -> Answer:
        missing = sorted({"partner_id", "timestamp", "sign"} - set(query))
        if missing:
            return error("error_param", f"There is no {missing[0]} in query.", status=403)
        shop = store.shop(asked.shop_id)
        if shop is None or str(asked.partner_id) != query["partner_id"]:
            return error("error_auth", "No permission to the shop.", status=403)
        refused = check(shop, query, "".join((query["partner_id"], PATH, query["timestamp"])))
        if refused is not None:
            return refused
        if not secrets.compare_digest(shop.refresh_token, asked.refresh_token):
            return error("error_auth", "Invalid refresh_token.", status=403)
        renewed = store.renew(shop)
        content = {
            "access_token": renewed.access_token,
            "refresh_token": renewed.refresh_token,
            "expire_in": ACCESS_S,
            "partner_id": shop.partner_id,
            "shop_id": shop.shop_id,
            "error": "",
            "message": "",
            "request_id": "",
        }
        return Answer(content, reference=str(shop.shop_id))

    return given(body, _Refresh, work)
