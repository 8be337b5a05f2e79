"""What the domain refuses."""


class OrderError(Exception):
    """Base of everything order-service's domain refuses. Arguments are values, never personal data."""


class IllegalMove(OrderError):
    """The order's state does not allow this. Arguments: order id, state, what was asked."""


class HoldNotFound(OrderError):
    """The order is not held for this reason. Arguments: order id, reason."""


class HoldNotReleasable(OrderError):
    """Nobody can release this hold by word: what it waits for has to come. Arguments: order id, reason."""


class NotAnOrder(OrderError):
    """The message cannot be read as an order. Arguments: field paths and error types, never values."""
