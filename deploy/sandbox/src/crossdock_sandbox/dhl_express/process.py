"""The sandbox of DHL Express as a process."""

import os
from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.dhl_express.app import (
    TEST_ACCOUNT,
    TEST_LOGIN,
    DhlExpressOptions,
    DhlExpressSandbox,
    running_dhl_express,
)

LOGIN_VARIABLE = "SANDBOX_DHL_EXPRESS_LOGIN"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--login", help=f"key:secret; else {LOGIN_VARIABLE}")
    parser.add_argument("--account", action="append", help="account to charge; repeatable")


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[DhlExpressSandbox]:
    options = DhlExpressOptions(
        login=given.login or os.environ.get(LOGIN_VARIABLE) or TEST_LOGIN,
        accounts=tuple(given.account or [TEST_ACCOUNT]),
    )
    return running_dhl_express(given.data, options=options, **at)
