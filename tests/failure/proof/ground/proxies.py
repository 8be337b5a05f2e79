"""`python -m tests.failure.proof.ground.proxies '{"order-db": [15001, 15002]}'`: all wires in one process.

Reads a JSON object a line from standard input, `{number, link, verb, arguments}`, answers each with
`{number, error}`, and ends with its input.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from random import Random
from typing import Any

import uvloop

from .proxy import Kind, Proxy, Trouble


async def obey(proxies: Mapping[str, Proxy], order: Mapping[str, Any]) -> str:
    """Do it; return what went wrong, "" for nothing."""
    proxy, arguments = proxies[order["link"]], order["arguments"]
    try:
        if order["verb"] == "reset":
            await proxy.reset()
        else:
            await proxy.meet(Trouble(**{**arguments, "kind": Kind(arguments["kind"])}))
    except OSError as error:
        return f"{order['link']}: {error}"
    return ""


async def serve(wires: Mapping[str, tuple[int, int]]) -> None:
    # The same seed at every run: how pieces are cut and delayed does not add chance of its own.
    proxies = {name: Proxy(port, target, Random(name)) for name, (port, target) in wires.items()}
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    at_work: set[asyncio.Task[None]] = set()

    async def answer(order: Mapping[str, Any]) -> None:
        error = await obey(proxies, order)
        sys.stdout.write(json.dumps({"number": order["number"], "error": error}) + "\n")
        sys.stdout.flush()

    async for line in orders:
        task = asyncio.create_task(answer(json.loads(line)))
        at_work.add(task)
        task.add_done_callback(at_work.discard)
    for proxy in proxies.values():
        await proxy.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(json.loads(sys.argv[1])))
