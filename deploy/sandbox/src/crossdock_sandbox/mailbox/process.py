"""The mailbox as a process."""

import os
from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from crossdock_sandbox.mailbox.app import SIZE_LIMIT, MailboxOptions, MailboxSandbox, running_mailbox
from crossdock_sandbox.mailbox.smtp import Login

LOGIN_VARIABLE = "SANDBOX_MAILBOX_LOGIN"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--size-limit", type=int, default=SIZE_LIMIT, help="bytes of one mail")
    parser.add_argument("--login", help=f"user:password that AUTH demands; else {LOGIN_VARIABLE}")


def running(given: Namespace, **at: Any) -> AbstractAsyncContextManager[MailboxSandbox]:
    user, _, password = (given.login or os.environ.get(LOGIN_VARIABLE, "")).partition(":")
    options = MailboxOptions(size_limit=given.size_limit, login=Login(user, password) if user else None)
    return running_mailbox(given.data, smtp_port=given.smtp_port, options=options, **at)
