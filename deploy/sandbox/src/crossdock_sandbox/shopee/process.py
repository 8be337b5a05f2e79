"""The sandbox of Shopee as a process."""

from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.process import add_delivery_arguments, delivery_options
from crossdock_sandbox.shopee.app import ShopeeOptions, ShopeeSandbox, running_shopee


def add_arguments(parser: ArgumentParser) -> None:
    add_delivery_arguments(parser)


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[ShopeeSandbox]:
    options = ShopeeOptions(**delivery_options(given))
    return running_shopee(given.data, options=options, **at)
