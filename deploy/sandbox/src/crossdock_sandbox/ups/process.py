"""The sandbox of UPS as a process."""

import os
from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.process import add_delivery_arguments, delivery_options
from crossdock_sandbox.ups.app import UpsSandbox, running_ups
from crossdock_sandbox.ups.office import TEST_ACCOUNT, TEST_LOGIN, UpsOptions

LOGIN_VARIABLE = "SANDBOX_UPS_LOGIN"


def add_arguments(parser: ArgumentParser) -> None:
    add_delivery_arguments(parser)
    parser.add_argument("--login", help=f"client id:secret; else {LOGIN_VARIABLE}")
    parser.add_argument("--account", action="append", help="account to charge; repeatable")


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[UpsSandbox]:
    options = UpsOptions(
        login=given.login or os.environ.get(LOGIN_VARIABLE) or TEST_LOGIN,
        accounts=tuple(given.account or [TEST_ACCOUNT]),
        **delivery_options(given),
    )
    return running_ups(given.data, options=options, **at)
