"""The four databases, and a world on them for every test."""

from collections.abc import AsyncIterator

import pytest

from crossdock_cli.embedded.templates import FreshDatabase

from .invariants import check_end
from .world import Databases, World, open_databases


@pytest.fixture
async def databases(fresh_database: FreshDatabase) -> AsyncIterator[Databases]:
    async with open_databases(fresh_database) as databases:
        yield databases


@pytest.fixture
async def world(databases: Databases) -> World:
    """A merchant with an empty stock; whatever the test does, `check_end` judges it at the end."""
    world = World(databases)
    await world.begin()
    return world


__all__ = ["check_end"]
