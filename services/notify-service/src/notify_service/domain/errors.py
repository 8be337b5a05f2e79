"""What can be refused. Arguments are values that name things, never people."""


class NotifyError(Exception):
    """Base of the service's own errors."""


class MessageUnknown(NotifyError):
    """There is no such message. Argument: its id."""


class OrderUnknown(NotifyError):
    """No snapshot has told us of the order. Argument: its id."""


class TemplateUnknown(NotifyError):
    """There is no such template. Argument: its name."""


class IllegalMove(NotifyError):
    """A message cannot get from here to there. Arguments: message id, state, target."""

    def __str__(self) -> str:
        message_id, state, target = self.args
        return f"message {message_id} is {state} and cannot become {target}"
