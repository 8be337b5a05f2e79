"""The sandbox of Yanwen as a process."""

import os
from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.yanwen.app import (
    TEST_ACCOUNT,
    TEST_MERCHANT,
    YanwenOptions,
    YanwenSandbox,
    running_yanwen,
)

ACCOUNT_VARIABLE = "SANDBOX_YANWEN_ACCOUNT"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--account", help=f"user id:apitoken; else {ACCOUNT_VARIABLE}")
    parser.add_argument("--merchant", default=TEST_MERCHANT, help="its number at the tracking service")
    parser.add_argument("--label-delay-s", type=float, default=0.0, help="of a label")
    parser.add_argument("--cancel-delay-s", type=float, default=2.0, help="of a cancel that is taken")


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[YanwenSandbox]:
    options = YanwenOptions(
        account=given.account or os.environ.get(ACCOUNT_VARIABLE) or TEST_ACCOUNT,
        merchant=given.merchant,
        label_delay_s=given.label_delay_s,
        cancel_delay_s=given.cancel_delay_s,
    )
    return running_yanwen(given.data, options=options, **at)
