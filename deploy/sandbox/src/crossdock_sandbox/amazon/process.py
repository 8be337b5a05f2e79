"""The sandbox of Amazon as a process."""

from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.amazon.app import AmazonOptions, AmazonSandbox, running_amazon


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--token-lives-s", type=float, default=3600.0, help="life of a token")
    parser.add_argument("--plan-factor", type=float, default=1.0, help="times the calls of Amazon's plans")


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[AmazonSandbox]:
    options = AmazonOptions(token_lives_s=given.token_lives_s, plan_factor=given.plan_factor)
    return running_amazon(given.data, options=options, **at)
