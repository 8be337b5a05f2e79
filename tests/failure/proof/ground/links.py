"""The wires: a TCP proxy in front of every broker, database and sandbox, in a process of their own.

Of their own, so that they forward at the same pace whatever the harness is busy with.
"""

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import CLEAN_ENVIRONMENT, LOOPBACK, Launch

from .proxy import Kind, Trouble

_REPOSITORY = Path(__file__).parents[4]
_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class Wire:
    """`port`: where clients connect; `target_port`: who is behind it."""

    port: int
    target_port: int


class Link:
    """A verb replaces the trouble before it; `heal` ends it. They return when the proxy obeys."""

    host = LOOPBACK

    def __init__(self, name: str, port: int, links: "Links") -> None:
        self.name = name
        #: Where clients connect.
        self.port = port
        self._links = links

    async def cut(self) -> None:
        """Drop what is connected and refuse what comes."""
        await self._meet(Trouble(kind=Kind.CUT))

    async def cut_answers(self) -> None:
        """Let requests pass and lose every answer; connections that lost one are reset afterwards."""
        await self._meet(Trouble(kind=Kind.ANSWERS_LOST))

    async def silence(self) -> None:
        """Accept and forward nothing, in neither direction; what waited is delivered late, at `heal`."""
        await self._meet(Trouble(kind=Kind.SILENT))

    async def slow(self, latency_s: float, jitter_s: float = 0.0, bytes_per_s: int | None = None) -> None:
        """Delay each piece by `latency_s` to `latency_s + jitter_s`; `bytes_per_s` None: no limit."""
        await self._meet(
            Trouble(kind=Kind.SLOW, latency_s=latency_s, jitter_s=jitter_s, bytes_per_s=bytes_per_s or 0)
        )

    async def slice(self) -> None:
        """Deliver everything in pieces of a few bytes."""
        await self._meet(Trouble(kind=Kind.SLICED))

    async def reset(self) -> None:
        """Once: break what is open with RST, in the middle of an answer where one comes soon."""
        await self._links.tell(self.name, "reset")

    async def heal(self) -> None:
        """Forward as if nothing had been."""
        await self._meet(Trouble())

    async def _meet(self, trouble: Trouble) -> None:
        await self._links.tell(
            self.name,
            "meet",
            kind=trouble.kind,
            latency_s=trouble.latency_s,
            jitter_s=trouble.jitter_s,
            bytes_per_s=trouble.bytes_per_s,
        )


class Links:
    """All wires, forwarding inside `async with`."""

    def __init__(self, wires: Mapping[str, Wire], *, log: Path) -> None:
        self._wires = dict(wires)
        self._log = log
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.by_name = {name: Link(name, wire.port, self) for name, wire in self._wires.items()}

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    async def __aenter__(self) -> Self:
        launch = Launch(
            [
                *(sys.executable, "-m", "tests.failure.proof.ground.proxies"),
                json.dumps({name: [wire.port, wire.target_port] for name, wire in self._wires.items()}),
            ],
            {**CLEAN_ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"},
            folder=_REPOSITORY,
        )
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *launch.argv,
                **{**launch.popen_options(), "stdin": subprocess.PIPE},
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._reader = asyncio.create_task(self._read(self._process))
        try:
            await asyncio.gather(*(link.heal() for link in self.by_name.values()))
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def heal(self) -> None:
        await asyncio.gather(*(link.heal() for link in self.by_name.values()))

    async def tell(self, name: str, verb: str, **arguments: Any) -> None:
        """Returns when it is done. Raises EmbeddedError when the proxies cannot or are gone."""
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise EmbeddedError("the proxies do not run")
        number = next(self._numbers)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = done
        try:
            line = {"number": number, "link": name, "verb": verb, "arguments": arguments}
            process.stdin.write(json.dumps(line).encode() + b"\n")
            async with asyncio.timeout(_ANSWER_S):
                await done
        except TimeoutError:
            raise EmbeddedError(f"the proxies do not answer to {verb} of {name}") from None
        finally:
            del self._waiting[number]

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            answer = json.loads(line)
            done = self._waiting.get(answer["number"])
            if done is None or done.done():
                continue
            if answer["error"]:
                done.set_exception(EmbeddedError(answer["error"]))
            else:
                done.set_result(None)
        for done in self._waiting.values():
            if not done.done():
                done.set_exception(EmbeddedError("the proxies ended"))

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader
