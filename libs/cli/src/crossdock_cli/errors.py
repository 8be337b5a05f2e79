"""How a command ends that cannot do what it was asked."""

from crossdock_cli.embedded.errors import EmbeddedError

FAILED, USAGE, NOT_RUNNING = 1, 2, 3

__all__ = ["FAILED", "NOT_RUNNING", "USAGE", "CommandFailed", "EmbeddedError", "NotRunning", "WrongUsage"]


class CommandFailed(Exception):
    """The message is for the person at the terminal; `exit_code` is for their scripts."""

    exit_code = FAILED


class WrongUsage(CommandFailed):
    """What was asked for makes no sense."""

    exit_code = USAGE


class NotRunning(CommandFailed):
    """There is no stack, or no service, to talk to."""

    exit_code = NOT_RUNNING
