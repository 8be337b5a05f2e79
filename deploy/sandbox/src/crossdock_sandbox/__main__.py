"""`python -m crossdock_sandbox KIND --port N --data DIR`: one process, one sandbox.

Prints one line of JSON with its addresses once it serves, and ends on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from crossdock_sandbox.amazon.app import AmazonOptions, running_amazon
from crossdock_sandbox.dhl_express.app import (
    TEST_ACCOUNT,
    TEST_LOGIN,
    DhlExpressOptions,
    running_dhl_express,
)
from crossdock_sandbox.easypost.app import running_easypost
from crossdock_sandbox.easypost.office import TEST_KEY, EasyPostOptions
from crossdock_sandbox.mailbox.app import SIZE_LIMIT, MailboxOptions, running_mailbox
from crossdock_sandbox.mailbox.smtp import Login
from crossdock_sandbox.serving import EVERYWHERE, LOOPBACK
from crossdock_sandbox.seventeen_track.app import TEST_KEY as SEVENTEEN_TRACK_KEY
from crossdock_sandbox.seventeen_track.app import SeventeenTrackOptions, running_seventeen_track
from crossdock_sandbox.shopee.app import ShopeeOptions, running_shopee
from crossdock_sandbox.shopify.app import ShopifyOptions, running_shopify
from crossdock_sandbox.ups.app import running_ups
from crossdock_sandbox.ups.office import TEST_ACCOUNT as UPS_TEST_ACCOUNT
from crossdock_sandbox.ups.office import TEST_LOGIN as UPS_TEST_LOGIN
from crossdock_sandbox.ups.office import UpsOptions
from crossdock_sandbox.tiktok_shop.app import TikTokShopOptions, running_tiktok_shop
from crossdock_sandbox.woocommerce.app import WooCommerceOptions, running_woocommerce
from crossdock_sandbox.yunexpress.app import TEST_APP, YunExpressOptions, running_yunexpress

API_KEYS_VARIABLE = "SANDBOX_EASYPOST_API_KEYS"
DHL_LOGIN_VARIABLE = "SANDBOX_DHL_EXPRESS_LOGIN"
LOGIN_VARIABLE = "SANDBOX_MAILBOX_LOGIN"
UPS_LOGIN_VARIABLE = "SANDBOX_UPS_LOGIN"
YUNEXPRESS_APP_VARIABLE = "SANDBOX_YUNEXPRESS_APP"
SEVENTEEN_TRACK_KEY_VARIABLE = "SANDBOX_SEVENTEEN_TRACK_API_KEY"

KINDS = (
    *("shopify", "woocommerce", "amazon", "shopee", "tiktok_shop"),
    *("easypost", "dhl_express", "ups", "yunexpress", "seventeen_track"),
    "mailbox",
)
#: These send webhooks; these send them again when nobody takes them.
DELIVERING = ("shopify", "woocommerce", "shopee", "tiktok_shop", "easypost", "ups", "seventeen_track")
REPEATING = ("shopify", "shopee", "tiktok_shop", "easypost", "ups", "seventeen_track")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crossdock_sandbox", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    one = {name: kinds.add_parser(name) for name in KINDS}
    for parser_of_kind in one.values():
        parser_of_kind.add_argument("--port", type=int, default=0, help="HTTP port; 0 takes a free one")
        parser_of_kind.add_argument(
            "--host",
            choices=(LOOPBACK, EVERYWHERE),
            default=LOOPBACK,
            help=f"{EVERYWHERE} is for containers",
        )
        parser_of_kind.add_argument("--data", type=Path, required=True, help="folder of the books")
    for name in DELIVERING:
        one[name].add_argument("--delivery-concurrency", type=int, default=32)
    for name in REPEATING:
        one[name].add_argument("--retry-base-s", type=float, default=0.25, help="wait before the first retry")
    one["shopify"].add_argument("--points-per-s", type=float, default=2000.0, help="cost points restored per shop")
    one["amazon"].add_argument("--token-lives-s", type=float, default=3600.0, help="life of an access token")
    one["tiktok_shop"].add_argument("--calls-per-s", type=float, default=50.0, help="calls let in per shop")
    one["easypost"].add_argument("--api-key", action="append", help=f"may be repeated; else {API_KEYS_VARIABLE}")
    one["easypost"].add_argument("--refund-delay-s", type=float, default=2.0)
    one["dhl_express"].add_argument("--login", help=f"key:secret that is let in; else {DHL_LOGIN_VARIABLE}")
    one["dhl_express"].add_argument("--account", action="append", help="account to charge; may be repeated")
    one["ups"].add_argument("--login", help=f"client id:secret that is let in; else {UPS_LOGIN_VARIABLE}")
    one["ups"].add_argument("--account", action="append", help="account to charge; may be repeated")
    one["yunexpress"].add_argument("--app", help=f"id:secret that is let in; else {YUNEXPRESS_APP_VARIABLE}")
    one["yunexpress"].add_argument("--number-delay-s", type=float, default=2.0, help="until a late number comes")
    one["yunexpress"].add_argument("--label-delay-s", type=float, default=0.0, help="until a label can be had")
    one["seventeen_track"].add_argument("--api-key", help=f"the account's key; else {SEVENTEEN_TRACK_KEY_VARIABLE}")
    one["seventeen_track"].add_argument(
        "--quota", type=int, default=100_000, help="numbers to be registered, for good"
    )
    one["mailbox"].add_argument("--smtp-port", type=int, default=0)
    one["mailbox"].add_argument("--size-limit", type=int, default=SIZE_LIMIT, help="bytes of one mail")
    one["mailbox"].add_argument("--login", help=f"user:password that AUTH demands; else {LOGIN_VARIABLE}")
    return parser.parse_args()


@asynccontextmanager
async def _running(given: argparse.Namespace) -> AsyncIterator[dict[str, object]]:
    if given.kind == "shopify":
        shopify = ShopifyOptions(
            retry_base_s=given.retry_base_s,
            delivery_concurrency=given.delivery_concurrency,
            points_per_s=given.points_per_s,
        )
        async with running_shopify(given.data, host=given.host, port=given.port, options=shopify) as running:
            yield {"base_url": running.base_url}
    elif given.kind == "woocommerce":
        woocommerce = WooCommerceOptions(delivery_concurrency=given.delivery_concurrency)
        async with running_woocommerce(
            given.data, host=given.host, port=given.port, options=woocommerce
        ) as sites:
            yield {"base_url": sites.base_url}
    elif given.kind == "amazon":
        amazon = AmazonOptions(token_lives_s=given.token_lives_s)
        async with running_amazon(given.data, host=given.host, port=given.port, options=amazon) as sellers:
            yield {"base_url": sellers.base_url}
    elif given.kind == "shopee":
        shopee = ShopeeOptions(
            retry_base_s=given.retry_base_s, delivery_concurrency=given.delivery_concurrency
        )
        async with running_shopee(given.data, host=given.host, port=given.port, options=shopee) as shops:
    elif given.kind == "tiktok_shop":
        tiktok_shop = TikTokShopOptions(
            retry_base_s=given.retry_base_s,
            delivery_concurrency=given.delivery_concurrency,
            calls_per_s=given.calls_per_s,
        )
        async with running_tiktok_shop(
            given.data, host=given.host, port=given.port, options=tiktok_shop
        ) as shops:
            yield {"base_url": shops.base_url}
    elif given.kind == "easypost":
        from_environment = [key for key in os.environ.get(API_KEYS_VARIABLE, "").split(",") if key]
        easypost = EasyPostOptions(
            api_keys=tuple(given.api_key or from_environment or [TEST_KEY]),
            refund_delay_s=given.refund_delay_s,
            retry_base_s=given.retry_base_s,
            delivery_concurrency=given.delivery_concurrency,
        )
        async with running_easypost(
            given.data, host=given.host, port=given.port, options=easypost
        ) as parcels:
            yield {"base_url": parcels.base_url}
    elif given.kind == "dhl_express":
        dhl_express = DhlExpressOptions(
            login=given.login or os.environ.get(DHL_LOGIN_VARIABLE) or TEST_LOGIN,
            accounts=tuple(given.account or [TEST_ACCOUNT]),
        )
        async with running_dhl_express(
            given.data, host=given.host, port=given.port, options=dhl_express
        ) as express:
            yield {"base_url": express.base_url}
    elif given.kind == "ups":
        ups = UpsOptions(
            login=given.login or os.environ.get(UPS_LOGIN_VARIABLE) or UPS_TEST_LOGIN,
            accounts=tuple(given.account or [UPS_TEST_ACCOUNT]),
            retry_base_s=given.retry_base_s,
            delivery_concurrency=given.delivery_concurrency,
        )
        async with running_ups(given.data, host=given.host, port=given.port, options=ups) as brown:
            yield {"base_url": brown.base_url}
    elif given.kind == "yunexpress":
        yunexpress = YunExpressOptions(
            app=given.app or os.environ.get(YUNEXPRESS_APP_VARIABLE) or TEST_APP,
            number_delay_s=given.number_delay_s,
            label_delay_s=given.label_delay_s,
        )
        async with running_yunexpress(
            given.data, host=given.host, port=given.port, options=yunexpress
        ) as lines:
            yield {"base_url": lines.base_url}
    elif given.kind == "seventeen_track":
        seventeen_track = SeventeenTrackOptions(
            api_key=given.api_key or os.environ.get(SEVENTEEN_TRACK_KEY_VARIABLE) or SEVENTEEN_TRACK_KEY,
            quota=given.quota,
            retry_base_s=given.retry_base_s,
            delivery_concurrency=given.delivery_concurrency,
        )
        async with running_seventeen_track(
            given.data, host=given.host, port=given.port, options=seventeen_track
        ) as numbers:
            yield {"base_url": numbers.base_url}
    else:
        user, _, password = (given.login or os.environ.get(LOGIN_VARIABLE, "")).partition(":")
        login = Login(user, password) if user else None
        options = MailboxOptions(size_limit=given.size_limit, login=login)
        async with running_mailbox(
            given.data, host=given.host, port=given.port, smtp_port=given.smtp_port, options=options
        ) as mail:
            yield {"base_url": mail.http_url, "smtp_port": mail.smtp_port}


async def _serve(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with _running(given) as addresses:
        sys.stdout.write(json.dumps({"sandbox": given.kind, **addresses}) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
