"""The sandbox of YunExpress as a process."""

import os
from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.yunexpress.app import (
    TEST_APP,
    YunExpressOptions,
    YunExpressSandbox,
    running_yunexpress,
)

APP_VARIABLE = "SANDBOX_YUNEXPRESS_APP"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--app", help=f"id:secret; else {APP_VARIABLE}")
    parser.add_argument("--number-delay-s", type=float, default=2.0, help="of a late number")
    parser.add_argument("--label-delay-s", type=float, default=0.0, help="of a label")


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[YunExpressSandbox]:
    options = YunExpressOptions(
        app=given.app or os.environ.get(APP_VARIABLE) or TEST_APP,
        number_delay_s=given.number_delay_s,
        label_delay_s=given.label_delay_s,
    )
    return running_yunexpress(given.data, options=options, **at)
