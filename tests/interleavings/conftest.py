"""The four databases, and a world on them for every test."""

from collections.abc import AsyncIterator

import pytest

from crossdock_cli.embedded.templates import FreshDatabase

from .world import Databases, World, open_databases


@pytest.fixture
async def databases(fresh_database: FreshDatabase) -> AsyncIterator[Databases]:
    async with open_databases(fresh_database) as databases:
        yield databases


@pytest.fixture
async def world(databases: Databases) -> World:
    """A merchant with an empty stock; a test ends with `check_end`."""
    world = World(databases)
    await world.begin()
    return world
