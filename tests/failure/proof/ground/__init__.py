"""The ground of the proof: every process, broker, database and wire, and the verbs that break them.

async with Ground(folder, replicas=2, on_event=print) as ground:
    await ground.links["kafka-1"].silence()
    await ground.processes["shipping-work-0"].kill()
    await ground.heal()
"""

from .ground import Ground, NotHealed
from .links import Link
from .nodes import Brokers, Database
from .processes import Outage, Process, ProcessEvent, ProcessState

__all__ = [
    "Brokers",
    "Database",
    "Ground",
    "Link",
    "NotHealed",
    "Outage",
    "Process",
    "ProcessEvent",
    "ProcessState",
]
