"""Alembic's entry; the service's migrations folder is given by `crossdock_chassis.migrations.upgrade`."""

from alembic import context

from crossdock_chassis.migrations import run_online

run_online(context.config)
