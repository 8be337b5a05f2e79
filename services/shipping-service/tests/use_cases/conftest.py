import pytest

from ..fakes import FakeTransaction


@pytest.fixture
def tx() -> FakeTransaction:
    """An empty database, one rule that sends everything."""
    return FakeTransaction()
