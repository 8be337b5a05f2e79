"""Throw-away databases for tests: prepared once, copied for every test."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.postgres import PostgresServer


class FreshDatabase(Protocol):
    """Makes a new database, with the tables of `prepare(owner_url)` and the two roles of the key."""

    def __call__(self, template_key: str, prepare: Callable[[str], object] | None = None) -> DatabaseUrls: ...


class DatabaseTemplates:
    """Databases made by copying a template; a template is made at the first call of its key."""

    def __init__(self, server: PostgresServer) -> None:
        self._databases = server.databases
        self._templates: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._made: list[str] = []

    def fresh(self, template_key: str, prepare: Callable[[str], object] | None = None) -> DatabaseUrls:
        """Return a new database; `prepare(owner_url)` runs for the first of a key alone.

        It runs in a thread of its own, so it may run an event loop (Alembic does) where one runs already.
        The roles are `<template_key>_owner` and `<template_key>_app`, as a service's: test as the second.
        """
        if template_key not in self._templates:
            self._templates[template_key] = self._make_template(template_key, prepare)
        name = f"test_{next(self._numbers)}_{template_key}"
        self._made.append(name)
        self._databases.create_database(name, template_key, template=self._templates[template_key])
        return self._databases.urls(name, template_key)

    def drop_all(self) -> None:
        """Drop the databases made so far and whoever is connected to them; templates stay."""
        while self._made:
            self._databases.drop_database(self._made.pop())

    def _make_template(self, key: str, prepare: Callable[[str], object] | None) -> str:
        name = f"template_{key}"
        self._databases.drop_database(name)  # of an earlier `prepare` that failed
        self._databases.ensure_roles(key)
        self._databases.ensure_database(name, key)
        if prepare is not None:
            with ThreadPoolExecutor(max_workers=1) as thread:
                thread.submit(prepare, self._databases.urls(name, key).owner_url).result()
        return name
