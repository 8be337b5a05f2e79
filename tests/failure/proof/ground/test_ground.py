"""The whole ground, once: it takes a minute to come up, so what it can do is seen in one go.

Runs with `pytest --apache-kafka` alone.
"""

import shutil
from pathlib import Path

import pytest

from crossdock_cli.stack.folder import REPOSITORY
from crossdock_cli.stack.services import SERVICES

from . import Ground, NotHealed, ProcessState

pytestmark = [pytest.mark.apache_kafka, pytest.mark.timeout(900)]


def another_release(folder: Path) -> Path:
    """This checkout's code, with a chassis that says that it is another's."""
    for member in ("libs/chassis", "services/notify-service"):
        shutil.copytree(REPOSITORY / member, folder / member)
    marked = folder / "libs" / "chassis" / "src" / "crossdock_chassis" / "__init__.py"
    marked.write_text(f"{marked.read_text()}\nprint('of another release', flush=True)\n")
    return folder


async def test_what_is_broken_is_named_and_whole_again_after_heal(
    reachable_folder: Path, tmp_path: Path
) -> None:
    code = another_release(tmp_path)
    told: list[tuple[str, ProcessState]] = []
    async with Ground(
        reachable_folder / "ground", replicas=1, on_event=lambda event: told.append((event.name, event.state))
    ) as ground:
        await ground.processes["notify-work-0"].restart(code=code)
        controller = await ground.brokers.controller()
        coordinators = await ground.brokers.coordinators(SERVICES)
        await ground.brokers.kill(controller)
        await ground.links["order-db"].cut()
        await ground.links["shipping-db"].silence()
        await ground.processes["order-relay-0"].pause()
        ground.processes["shopify"].hold(True)
        await ground.processes["shopify"].kill()
        successor = await ground.brokers.controller()
        away_s = await ground.postgres.crash()
        await ground.postgres.pause()
        with pytest.raises(NotHealed, match=f"kafka-{controller}"):
            await ground.heal(timeout_s=0.1)
        await ground.heal()

        assert "of another release" in ground.processes["notify-work-0"].log.read_text()
        assert set(coordinators.values()) <= {0, 1, 2}
        assert successor != controller
        assert 0 < away_s < 60
        assert all([await process.ready() for process in ground.processes.values()])
        assert await ground.brokers.under_replicated() == []
        assert (f"kafka-{controller}", ProcessState.DIED) in told
        assert ground.entries("order") == [ground.system.services["order"]]
    assert not any(process.pid for process in ground.processes.values())
