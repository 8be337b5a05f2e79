"""What the domain refuses. Promises are refused; facts never are."""


class StockError(Exception):
    """Base of everything the domain refuses."""


class NotEnough(StockError):
    """A level has fewer units than a promise wants."""

    def __init__(self, sku: str, warehouse: str, units: int, available: int) -> None:
        super().__init__(f"{units} of {sku} wanted in {warehouse}, {available} available to promise")


class IllegalMove(StockError):
    """An allocation cannot go from this state to that one; it has ended already or was never there."""


class UnknownWarehouse(StockError):
    def __init__(self, code: str) -> None:
        super().__init__(f"there is no warehouse {code!r}")


class UnknownSku(StockError):
    def __init__(self, sku: str) -> None:
        super().__init__(f"there is no SKU {sku!r}")


class AlreadyReceived(StockError):
    """The delivery note was booked before; booking it again would double the stock."""

    def __init__(self, reference: str, sku: str) -> None:
        super().__init__(f"{reference!r} was already received for {sku!r}")


class OrderUnknown(StockError):
    def __init__(self, order_id: object) -> None:
        super().__init__(f"no order {order_id} has been seen")


class ExceptionUnknown(StockError):
    def __init__(self, exception_id: object) -> None:
        super().__init__(f"there is no stock exception {exception_id}")
