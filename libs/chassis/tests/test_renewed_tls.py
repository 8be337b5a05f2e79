"""Against a real TLS server that wants a client's certificate, on the event loop that the services run on."""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from crossdock_chassis.kafka import Kafka
from crossdock_chassis.testing.certificates import Authority


@pytest.fixture
def authority() -> Authority:
    return Authority("first")


@pytest.fixture
def kafka(authority: Authority, tmp_path: Path) -> Kafka:
    """A connection whose files are those of a mounted Secret."""
    authority.issue("before", tmp_path / "user")
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "ca.crt").write_bytes(authority.pem)
    return Kafka(
        bootstrap_servers="localhost",
        security_protocol="SSL",
        ca_file=tmp_path / "ca",
        certificate_file=tmp_path / "user" / "user.crt",
        key_file=tmp_path / "user" / "user.key",
    )


class Server:
    """Takes connections with a certificate of `authority`'s and tells whose it was."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        authority.issue("broker", folder)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.pem.decode())
        self._tls.load_cert_chain(folder / "user.crt", folder / "user.key")
        self._tls.verify_mode = ssl.CERT_REQUIRED

    async def who_is(self, client: ssl.SSLContext) -> str:
        """The name on the certificate that a connection with this context shows. Raises ssl.SSLError."""

        async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            subject = dict(one[0] for one in writer.get_extra_info("peercert")["subject"])
            writer.write(subject["commonName"].encode())
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(tell, "127.0.0.1", 0, ssl=self._tls) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=client, server_hostname="localhost"
            )
            name = await reader.read()
            writer.close()
            return name.decode()


def on_uvloop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test())


def test_the_next_connection_shows_the_certificate_that_was_put_in_place_of_the_old_one(
    authority: Authority, kafka: Kafka, tmp_path: Path
) -> None:
    server = Server(authority, tmp_path / "broker")
    context = kafka.connection_options()["ssl_context"]

    async def test() -> None:
        assert await server.who_is(context) == "before"

        authority.issue("after", tmp_path / "user")

        assert await server.who_is(context) == "after"

    on_uvloop(test)


def test_while_the_authority_is_renewed_brokers_of_both_are_trusted(
    authority: Authority, kafka: Kafka, tmp_path: Path
) -> None:
    second = Authority("second")
    old, new = Server(authority, tmp_path / "old"), Server(second, tmp_path / "new")
    context = kafka.connection_options()["ssl_context"]

    async def test() -> None:
        with pytest.raises(ssl.SSLError):
            await new.who_is(context)

        (tmp_path / "ca" / "ca-2026.crt").write_bytes(authority.pem)
        (tmp_path / "ca" / "ca.crt").write_bytes(second.pem)

        assert await old.who_is(context) == "before"
        second.issue("after", tmp_path / "user")
        assert await new.who_is(context) == "after"

    on_uvloop(test)


def test_an_authority_that_is_gone_is_trusted_no_more(
    authority: Authority, kafka: Kafka, tmp_path: Path
) -> None:
    server = Server(authority, tmp_path / "broker")
    context = kafka.connection_options()["ssl_context"]

    async def test() -> None:
        (tmp_path / "ca" / "ca.crt").write_bytes(Authority("second").pem)

        with pytest.raises(ssl.SSLError):
            await server.who_is(context)

    on_uvloop(test)


def test_files_that_do_not_fit_together_leave_the_old_ones_in_use(
    authority: Authority, kafka: Kafka, tmp_path: Path
) -> None:
    server = Server(authority, tmp_path / "broker")
    context = kafka.connection_options()["ssl_context"]

    async def test() -> None:
        authority.issue("half", tmp_path / "other")
        (tmp_path / "other" / "user.crt").replace(tmp_path / "user" / "user.crt")
        assert await server.who_is(context) == "before"

        (tmp_path / "other" / "user.key").replace(tmp_path / "user" / "user.key")
        assert await server.who_is(context) == "half"

    on_uvloop(test)


def test_a_certificate_that_is_not_there_is_said_at_once(kafka: Kafka, tmp_path: Path) -> None:
    (tmp_path / "user" / "user.crt").unlink()

    with pytest.raises(FileNotFoundError):
        kafka.connection_options()


def test_a_folder_without_an_authority_does_not_mean_to_trust_everybody(kafka: Kafka, tmp_path: Path) -> None:
    (tmp_path / "ca" / "ca.crt").unlink()

    with pytest.raises(FileNotFoundError, match=r"\.crt"):
        kafka.connection_options()
