"""The sandbox of WooCommerce as a process."""

from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.process import add_delivery_arguments, delivery_options
from crossdock_sandbox.woocommerce.app import WooCommerceOptions, WooCommerceSandbox, running_woocommerce


def add_arguments(parser: ArgumentParser) -> None:
    add_delivery_arguments(parser, repeats=False)


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[WooCommerceSandbox]:
    options = WooCommerceOptions(**delivery_options(given))
    return running_woocommerce(given.data, options=options, **at)
