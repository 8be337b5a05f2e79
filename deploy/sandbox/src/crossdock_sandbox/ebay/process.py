"""The sandbox of eBay as a process."""

from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.ebay.app import EbayOptions, EbaySandbox, running_ebay
from crossdock_sandbox.process import add_delivery_arguments, delivery_options


def add_arguments(parser: ArgumentParser) -> None:
    add_delivery_arguments(parser)
    parser.add_argument("--token-s", type=float, default=7200.0, help="how long a token is good")


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[EbaySandbox]:
    options = EbayOptions(token_s=given.token_s, **delivery_options(given))
    return running_ebay(given.data, options=options, **at)
