"""The sandbox of 17TRACK as a process."""

import os
from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.process import add_delivery_arguments, delivery_options
from crossdock_sandbox.seventeen_track.app import (
    TEST_KEY,
    SeventeenTrackOptions,
    SeventeenTrackSandbox,
    running_seventeen_track,
)

API_KEY_VARIABLE = "SANDBOX_SEVENTEEN_TRACK_API_KEY"


def add_arguments(parser: ArgumentParser) -> None:
    add_delivery_arguments(parser)
    parser.add_argument("--api-key", help=f"else {API_KEY_VARIABLE}")
    parser.add_argument("--quota", type=int, default=100_000, help="numbers to register")


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[SeventeenTrackSandbox]:
    options = SeventeenTrackOptions(
        api_key=given.api_key or os.environ.get(API_KEY_VARIABLE) or TEST_KEY,
        quota=given.quota,
        **delivery_options(given),
    )
    return running_seventeen_track(given.data, options=options, **at)
