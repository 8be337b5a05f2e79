"""What is armed in which process, and what of it was not hit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from crossdock_faults.armed import FOLDER, SETTING, fired
from crossdock_faults.points import Point
from crossdock_faults.setting import Arm, parse, render

#: Process -> its arms. A process counts anew after each death, and what it comes by early in a day it may not
#: come by again: so small numbers.
Arms = Mapping[str, tuple[Arm, ...]]

#: A key is parked by an event whose handler fails twice: with its batch, and alone.
_PARKS_A_KEY: Final = "consumer.handled_some:raise@1,consumer.handled_some:raise@2"

#: Death at every point that orders come by.
CRASHES: Final[Arms] = {
    "order": parse(
        "intake.before_commit:exit@2,intake.after_commit:exit@2,consumer.claimed:exit@2,"
        "consumer.after_commit:exit@2,relay.after_ack:exit@2,marketplace.told:exit@1,timer.before_commit:exit@1"
    ),
    "inventory": parse(
        "http.before_answer:exit@4,consumer.handled_some:exit@1,relay.before_send:exit@2,producer.sent:exit@3,"
        "consumer.closing:exit@1"
    ),
    "shipping": parse(
        "consumer.before_commit:exit@2,job.claimed:exit@1,carrier.created:exit@1,carrier.sold:exit@1,"
        "carrier.voided:exit@1,relay.after_delete:exit@2"
    ),
    "notify": parse(
        f"{_PARKS_A_KEY},parking.before_commit:exit@1,mail.attempt_stored:exit@1,mail.accepted:exit@1,"
        "job.stored:exit@1,consumer.revoked:exit@1"
    ),
}

#: The same points broken instead; a blocked loop; and deaths while the log is written anew.
EXCEPTIONS: Final[Arms] = {
    "order": parse(
        "intake.before_commit:raise@1,intake.after_commit:raise@2,consumer.claimed:raise@1,"
        "consumer.after_commit:raise@2,marketplace.told:raise@1,timer.before_commit:raise@1,"
        "relay.after_ack:raise@4,consumer.handled_some:block(8)@3,rebuild.begun:exit@1"
    ),
    "inventory": parse(
        "http.before_answer:raise@4,consumer.handled_some:raise@2,producer.sent:raise@4,consumer.closing:raise@1,"
        "rebuild.sent:exit@1"
    ),
    "shipping": parse(
        "consumer.before_commit:raise@2,job.claimed:raise@2,carrier.created:raise@2,carrier.sold:raise@1,"
        "carrier.voided:raise@1,relay.after_delete:raise@2,rebuild.advanced:exit@1"
    ),
    "notify": parse(
        f"{_PARKS_A_KEY},parking.before_commit:raise@1,mail.attempt_stored:raise@1,mail.accepted:raise@2,"
        "job.stored:raise@1,consumer.revoked:raise@1,relay.before_send:raise@2,rebuild.begun:exit@1"
    ),
}


def folder_of(process: str, root: Path) -> Path:
    return root / process


def environment(arms: Arms, root: Path) -> dict[str, dict[str, str]]:
    """What each armed process is started with; its folder is made."""
    told = {}
    for process, its in arms.items():
        folder = folder_of(process, root)
        folder.mkdir(parents=True)
        told[process] = {SETTING: render(its), FOLDER: str(folder)}
    return told


def unhit(arms: Arms, root: Path) -> list[str]:
    """The arms that did nothing, named with their processes: a run that leaves one has not tried it."""
    return [
        f"{process} was not at {arm}"
        for process, its in arms.items()
        for arm in set(its) - fired(folder_of(process, root)).keys()
    ]


def points_of(*rounds: Arms) -> set[Point]:
    return {arm.point for arms in rounds for its in arms.values() for arm in its}
