"""The sandbox of Shopify as a process."""

from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.process import add_delivery_arguments, delivery_options
from crossdock_sandbox.shopify.app import ShopifyOptions, ShopifySandbox, running_shopify


def add_arguments(parser: ArgumentParser) -> None:
    add_delivery_arguments(parser)
    parser.add_argument("--points-per-s", type=float, default=2000.0, help="cost restored per shop")


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[ShopifySandbox]:
    options = ShopifyOptions(points_per_s=given.points_per_s, **delivery_options(given))
    return running_shopify(given.data, options=options, **at)
