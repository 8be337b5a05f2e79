"""The sandbox of EasyPost as a process."""

import os
from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.easypost.app import EasyPostSandbox, running_easypost
from crossdock_sandbox.easypost.office import TEST_KEY, EasyPostOptions
from crossdock_sandbox.process import add_delivery_arguments, delivery_options

API_KEYS_VARIABLE = "SANDBOX_EASYPOST_API_KEYS"


def add_arguments(parser: ArgumentParser) -> None:
    add_delivery_arguments(parser)
    parser.add_argument("--api-key", action="append", help=f"repeatable; else {API_KEYS_VARIABLE}")
    parser.add_argument("--refund-delay-s", type=float, default=2.0)


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[EasyPostSandbox]:
    options = EasyPostOptions(
        api_keys=_keys(given), refund_delay_s=given.refund_delay_s, **delivery_options(given)
    )
    return running_easypost(given.data, options=options, **at)


def _keys(given: Namespace) -> tuple[str, ...]:
    from_environment = [key for key in os.environ.get(API_KEYS_VARIABLE, "").split(",") if key]
    return tuple(given.api_key or from_environment or [TEST_KEY])
