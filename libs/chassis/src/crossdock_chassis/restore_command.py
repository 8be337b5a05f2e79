"""`restore`: what an operator runs once, after the service's database was restored to an earlier time."""

import argparse
import sys
from collections.abc import Iterator

from crossdock_chassis.logging import get_logger
from crossdock_chassis.lost_future import LogUnreadable
from crossdock_chassis.restore import Plan, Restorer, StillRunning
from crossdock_chassis.service import Service
from crossdock_contracts.envelope import Actor, ActorKind

log = get_logger(__name__)


def add_restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
    parser.add_argument("--reason", default="restored from a backup", help="for the record; no personal data")
    parser.add_argument("--by", default="operator", help="who does it, for the record")


async def run_restore(service: Service, arguments: argparse.Namespace) -> int:
    """Say on standard output what was done, or would be; the exit code. Safe to repeat."""
    restorer = Restorer(
        service.database,
        service.settings.kafka(f"{service.name}-restore"),
        consumer=service.name,
        publishes=service.publishes,
        handlers=service.handlers,
    )
    try:
        if arguments.dry_run:
            plan = await restorer.plan()
        else:
            actor = Actor(kind=ActorKind.PERSON, name=arguments.by)
            plan = await restorer.restore(actor=actor, reason=arguments.reason)
            log.warning("restore.done", epoch=plan.epoch, keys=plan.keys, jobs=plan.jobs)
    except StillRunning as error:
        sys.stderr.write(
            f"{error.args[0]} sessions of {service.name}'s role are open: stop its API, consumers, relays "
            "and workers (and what pools connections for them) first\n"
        )
        return 1
    except LogUnreadable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in told(plan, dry_run=arguments.dry_run))
    return 0


def told(plan: Plan, *, dry_run: bool) -> Iterator[str]:
    """The plan in words, a line each."""
    yield "nothing was changed; this would be done:" if dry_run else "done:"
    last = "never" if plan.last_event_at is None else f"{plan.last_event_at:%Y-%m-%dT%H:%M:%SZ}"
    yield f"last event this database knows of its own: {last}"
    yield f"restore epoch: {plan.epoch}"
    yield f"events published after that, each a task for a person: {sum(plan.lost.values())}"
    for name, count in sorted(plan.lost.items()):
        yield f"    {name}: {count}"
    yield f"keys that rest until they are settled: {plan.keys}"
    yield f"open calls to the outside that may have been made: {plan.jobs}"
    yield f"the log is written anew: {'yes' if plan.rebuild else 'no'}"
    for topic, since in plan.inputs_since.items():
        yield f"read again: {topic}, from where it stood at {since:%Y-%m-%dT%H:%M:%SZ}"
