"""The sandbox of a seller's own shop as a process."""

from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.generic.app import GenericOptions, GenericSandbox, running_generic
from crossdock_sandbox.process import add_delivery_arguments, delivery_options


def add_arguments(parser: ArgumentParser) -> None:
    add_delivery_arguments(parser)


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[GenericSandbox]:
    options = GenericOptions(**delivery_options(given))
    return running_generic(given.data, options=options, **at)
