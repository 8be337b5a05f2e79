"""The sandbox of TikTok Shop as a process."""

from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.process import add_delivery_arguments, delivery_options
from crossdock_sandbox.tiktok_shop.app import TikTokShopOptions, TikTokShopSandbox, running_tiktok_shop


def add_arguments(parser: ArgumentParser) -> None:
    add_delivery_arguments(parser)
    parser.add_argument("--calls-per-s", type=float, default=50.0, help="calls let in per shop")


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[TikTokShopSandbox]:
    options = TikTokShopOptions(calls_per_s=given.calls_per_s, **delivery_options(given))
    return running_tiktok_shop(given.data, options=options, **at)
