"""`python -m crossdock_sandbox KIND --port N --data DIR`: one process, one sandbox.

Prints one line of JSON with its addresses once it serves, and ends on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from crossdock_sandbox.amazon.app import AmazonOptions, running_amazon
from crossdock_sandbox.dhl_express.app import (
    TEST_ACCOUNT,
    TEST_LOGIN,
    DhlExpressOptions,
    running_dhl_express,
)
from crossdock_sandbox.easypost.app import running_easypost
from crossdock_sandbox.easypost.office import TEST_KEY, EasyPostOptions
from crossdock_sandbox.ebay.app import EbayOptions, running_ebay
from crossdock_sandbox.generic.app import GenericOptions, running_generic
from crossdock_sandbox.mailbox.app import SIZE_LIMIT, MailboxOptions, running_mailbox
from crossdock_sandbox.mailbox.smtp import Login
from crossdock_sandbox.serving import EVERYWHERE, LOOPBACK
from crossdock_sandbox.seventeen_track.app import TEST_KEY as SEVENTEEN_TRACK_KEY
from crossdock_sandbox.seventeen_track.app import SeventeenTrackOptions, running_seventeen_track
from crossdock_sandbox.shopee.app import ShopeeOptions, running_shopee
from crossdock_sandbox.shopify.app import ShopifyOptions, running_shopify
from crossdock_sandbox.tiktok_shop.app import TikTokShopOptions, running_tiktok_shop
from crossdock_sandbox.ups.app import running_ups
from crossdock_sandbox.ups.office import TEST_ACCOUNT as UPS_TEST_ACCOUNT
from crossdock_sandbox.ups.office import TEST_LOGIN as UPS_TEST_LOGIN
from crossdock_sandbox.ups.office import UpsOptions
from crossdock_sandbox.woocommerce.app import WooCommerceOptions, running_woocommerce
from crossdock_sandbox.yunexpress.app import TEST_APP, YunExpressOptions, running_yunexpress

API_KEYS_VARIABLE = "SANDBOX_EASYPOST_API_KEYS"
DHL_LOGIN_VARIABLE = "SANDBOX_DHL_EXPRESS_LOGIN"
LOGIN_VARIABLE = "SANDBOX_MAILBOX_LOGIN"
UPS_LOGIN_VARIABLE = "SANDBOX_UPS_LOGIN"
YUNEXPRESS_APP_VARIABLE = "SANDBOX_YUNEXPRESS_APP"
SEVENTEEN_TRACK_KEY_VARIABLE = "SANDBOX_SEVENTEEN_TRACK_API_KEY"

KINDS = (
    *("shopify", "woocommerce", "amazon", "ebay", "shopee", "tiktok_shop", "generic"),
    *("easypost", "dhl_express", "ups", "yunexpress", "seventeen_track"),
    "mailbox",
)
#: These send webhooks again when nobody takes them; WooCommerce sends them once.
REPEATING = (
    *("shopify", "ebay", "shopee", "tiktok_shop", "generic"),
    *("easypost", "ups", "seventeen_track"),
)
DELIVERING = (*REPEATING, "woocommerce")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crossdock_sandbox", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    of = {name: kinds.add_parser(name) for name in KINDS}
    for one in of.values():
        one.add_argument("--port", type=int, default=0, help="HTTP port; 0 takes a free one")
        one.add_argument(
            "--host",
            choices=(LOOPBACK, EVERYWHERE),
            default=LOOPBACK,
            help=f"{EVERYWHERE} is for containers",
        )
        one.add_argument("--data", type=Path, required=True, help="folder of the books")
    for name in DELIVERING:
        of[name].add_argument("--delivery-concurrency", type=int, default=32)
    for name in REPEATING:
        of[name].add_argument("--retry-base-s", type=float, default=0.25, help="wait before the first retry")
    of["shopify"].add_argument("--points-per-s", type=float, default=2000.0, help="cost restored per shop")
    of["amazon"].add_argument("--token-lives-s", type=float, default=3600.0, help="life of a token")
    of["ebay"].add_argument("--token-s", type=float, default=7200.0, help="how long a token is good")
    of["tiktok_shop"].add_argument("--calls-per-s", type=float, default=50.0, help="calls let in per shop")
    of["easypost"].add_argument("--api-key", action="append", help=f"repeatable; else {API_KEYS_VARIABLE}")
    of["easypost"].add_argument("--refund-delay-s", type=float, default=2.0)
    of["dhl_express"].add_argument("--login", help=f"key:secret; else {DHL_LOGIN_VARIABLE}")
    of["dhl_express"].add_argument("--account", action="append", help="account to charge; repeatable")
    of["ups"].add_argument("--login", help=f"client id:secret; else {UPS_LOGIN_VARIABLE}")
    of["ups"].add_argument("--account", action="append", help="account to charge; repeatable")
    of["yunexpress"].add_argument("--app", help=f"id:secret; else {YUNEXPRESS_APP_VARIABLE}")
    of["yunexpress"].add_argument("--number-delay-s", type=float, default=2.0, help="of a late number")
    of["yunexpress"].add_argument("--label-delay-s", type=float, default=0.0, help="of a label")
    of["seventeen_track"].add_argument("--api-key", help=f"else {SEVENTEEN_TRACK_KEY_VARIABLE}")
    of["seventeen_track"].add_argument("--quota", type=int, default=100_000, help="numbers to register")
    of["mailbox"].add_argument("--smtp-port", type=int, default=0)
    of["mailbox"].add_argument("--size-limit", type=int, default=SIZE_LIMIT, help="bytes of one mail")
    of["mailbox"].add_argument("--login", help=f"user:password that AUTH demands; else {LOGIN_VARIABLE}")
    return parser.parse_args()


def _sandbox(given: argparse.Namespace) -> AbstractAsyncContextManager[Any]:
    """The sandbox of that kind, to be entered. All but the mailbox's have a `base_url`."""
    at: dict[str, Any] = {"host": given.host, "port": given.port}
    data: Path = given.data
    sends: dict[str, Any] = {}
    if given.kind in DELIVERING:
        sends["delivery_concurrency"] = given.delivery_concurrency
    if given.kind in REPEATING:
        sends["retry_base_s"] = given.retry_base_s
    match given.kind:
        case "shopify":
            return running_shopify(
                data, options=ShopifyOptions(points_per_s=given.points_per_s, **sends), **at
            )
        case "woocommerce":
            return running_woocommerce(data, options=WooCommerceOptions(**sends), **at)
        case "amazon":
            return running_amazon(data, options=AmazonOptions(token_lives_s=given.token_lives_s), **at)
        case "ebay":
            return running_ebay(data, options=EbayOptions(token_s=given.token_s, **sends), **at)
        case "shopee":
            return running_shopee(data, options=ShopeeOptions(**sends), **at)
        case "tiktok_shop":
            options = TikTokShopOptions(calls_per_s=given.calls_per_s, **sends)
            return running_tiktok_shop(data, options=options, **at)
        case "generic":
            return running_generic(data, options=GenericOptions(**sends), **at)
        case "easypost":
            return running_easypost(data, options=_easypost(given, sends), **at)
        case "dhl_express":
            login = given.login or os.environ.get(DHL_LOGIN_VARIABLE) or TEST_LOGIN
            accounts = tuple(given.account or [TEST_ACCOUNT])
            return running_dhl_express(data, options=DhlExpressOptions(login=login, accounts=accounts), **at)
        case "ups":
            login = given.login or os.environ.get(UPS_LOGIN_VARIABLE) or UPS_TEST_LOGIN
            accounts = tuple(given.account or [UPS_TEST_ACCOUNT])
            return running_ups(data, options=UpsOptions(login=login, accounts=accounts, **sends), **at)
        case "yunexpress":
            return running_yunexpress(data, options=_yunexpress(given), **at)
        case "seventeen_track":
            key = given.api_key or os.environ.get(SEVENTEEN_TRACK_KEY_VARIABLE) or SEVENTEEN_TRACK_KEY
            options_of_17 = SeventeenTrackOptions(api_key=key, quota=given.quota, **sends)
            return running_seventeen_track(data, options=options_of_17, **at)
        case _:
            return running_mailbox(data, smtp_port=given.smtp_port, options=_mailbox(given), **at)


def _easypost(given: argparse.Namespace, sends: dict[str, Any]) -> EasyPostOptions:
    from_environment = [key for key in os.environ.get(API_KEYS_VARIABLE, "").split(",") if key]
    keys = tuple(given.api_key or from_environment or [TEST_KEY])
    return EasyPostOptions(api_keys=keys, refund_delay_s=given.refund_delay_s, **sends)


def _yunexpress(given: argparse.Namespace) -> YunExpressOptions:
    return YunExpressOptions(
        app=given.app or os.environ.get(YUNEXPRESS_APP_VARIABLE) or TEST_APP,
        number_delay_s=given.number_delay_s,
        label_delay_s=given.label_delay_s,
    )


def _mailbox(given: argparse.Namespace) -> MailboxOptions:
    user, _, password = (given.login or os.environ.get(LOGIN_VARIABLE, "")).partition(":")
    return MailboxOptions(size_limit=given.size_limit, login=Login(user, password) if user else None)


def _addresses(kind: str, running: Any) -> dict[str, object]:
    if kind == "mailbox":
        return {"base_url": running.http_url, "smtp_port": running.smtp_port}
    return {"base_url": running.base_url}


async def _serve(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with _sandbox(given) as running:
        told = {"sandbox": given.kind, **_addresses(given.kind, running)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
