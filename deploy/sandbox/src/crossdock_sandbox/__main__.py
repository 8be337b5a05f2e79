"""`python -m crossdock_sandbox KIND --port N --data DIR`: one process, one sandbox.

Prints one line of JSON with its addresses once it serves, and ends on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from crossdock_sandbox.process import Process, kinds, process_of
from crossdock_sandbox.serving import EVERYWHERE, LOOPBACK

#: What a running sandbox may tell of itself; only the mailbox has the second.
ADDRESSES = ("base_url", "smtp_port")


def _arguments() -> tuple[Process, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m crossdock_sandbox", description=__doc__)
    parser.add_argument("kind", choices=kinds())
    chosen = parser.parse_args(sys.argv[1:2]).kind
    process = process_of(chosen)
    own = argparse.ArgumentParser(prog=f"python -m crossdock_sandbox {chosen}")
    own.add_argument("--port", type=int, default=0, help="HTTP port; 0 takes a free one")
    own.add_argument(
        "--host", choices=(LOOPBACK, EVERYWHERE), default=LOOPBACK, help=f"{EVERYWHERE} is for containers"
    )
    own.add_argument("--data", type=Path, required=True, help="folder of the books")
    process.add_arguments(own)
    return process, own.parse_args(sys.argv[2:], argparse.Namespace(kind=chosen))


async def _serve(process: Process, given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with process.running(given, host=given.host, port=given.port) as running:
        addresses = {name: getattr(running, name) for name in ADDRESSES if hasattr(running, name)}
        told = {"sandbox": given.kind, **addresses}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_serve(*_arguments()))
