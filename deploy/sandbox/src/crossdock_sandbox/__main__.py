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

from crossdock_sandbox.dhl_express.app import (
    TEST_ACCOUNT,
    TEST_LOGIN,
    DhlExpressOptions,
    running_dhl_express,
)
from crossdock_sandbox.easypost.app import running_easypost
from crossdock_sandbox.easypost.office import TEST_KEY, EasyPostOptions
from crossdock_sandbox.generic.app import GenericOptions, running_generic
from crossdock_sandbox.mailbox.app import SIZE_LIMIT, MailboxOptions, running_mailbox
from crossdock_sandbox.mailbox.smtp import Login
from crossdock_sandbox.serving import EVERYWHERE, LOOPBACK
from crossdock_sandbox.shopify.app import ShopifyOptions, running_shopify
from crossdock_sandbox.woocommerce.app import WooCommerceOptions, running_woocommerce

API_KEYS_VARIABLE = "SANDBOX_EASYPOST_API_KEYS"
DHL_LOGIN_VARIABLE = "SANDBOX_DHL_EXPRESS_LOGIN"
LOGIN_VARIABLE = "SANDBOX_MAILBOX_LOGIN"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crossdock_sandbox", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    names = ("shopify", "woocommerce", "generic", "easypost", "dhl_express", "mailbox")
    shopify, woocommerce, generic, easypost, dhl_express, mailbox = (kinds.add_parser(name) for name in names)
    for one in (shopify, woocommerce, generic, easypost, dhl_express, mailbox):
        one.add_argument("--port", type=int, default=0, help="HTTP port; 0 takes a free one")
        one.add_argument(
            "--host",
            choices=(LOOPBACK, EVERYWHERE),
            default=LOOPBACK,
            help=f"{EVERYWHERE} is for containers",
        )
        one.add_argument("--data", type=Path, required=True, help="folder of the books")
    for one in (shopify, woocommerce, generic, easypost):
        one.add_argument("--delivery-concurrency", type=int, default=32)
    for one in (shopify, generic, easypost):
        one.add_argument("--retry-base-s", type=float, default=0.25, help="wait before the first retry")
    shopify.add_argument("--points-per-s", type=float, default=2000.0, help="cost points restored per shop")
    easypost.add_argument("--api-key", action="append", help=f"may be repeated; else {API_KEYS_VARIABLE}")
    easypost.add_argument("--refund-delay-s", type=float, default=2.0)
    dhl_express.add_argument("--login", help=f"key:secret that is let in; else {DHL_LOGIN_VARIABLE}")
    dhl_express.add_argument("--account", action="append", help="account to charge; may be repeated")
    mailbox.add_argument("--smtp-port", type=int, default=0)
    mailbox.add_argument("--size-limit", type=int, default=SIZE_LIMIT, help="bytes of one mail")
    mailbox.add_argument("--login", help=f"user:password that AUTH demands; else {LOGIN_VARIABLE}")
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
    elif given.kind == "generic":
        generic = GenericOptions(
            retry_base_s=given.retry_base_s, delivery_concurrency=given.delivery_concurrency
        )
        async with running_generic(given.data, host=given.host, port=given.port, options=generic) as shops:
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
