"""Ports stay the same between runs, unless somebody else has taken them."""

import socket
from pathlib import Path

import pytest

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import free_port
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.ports import choose_ports

NAMES = ("order", "kafka")


def test_the_ports_of_the_last_run_are_used_again(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)

    first = choose_ports(folder, NAMES, {})
    second = choose_ports(folder, NAMES, {})

    assert first == second
    assert len(set(first.values())) == 2


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    first = choose_ports(folder, NAMES, {})

    with socket.create_server(("127.0.0.1", first["order"])):
        second = choose_ports(folder, NAMES, {})

    assert second["order"] != first["order"]
    assert second["kafka"] == first["kafka"]


def test_a_free_port_is_given_away_once_though_nobody_listens_there_yet() -> None:
    ports = [free_port() for _ in range(900)]

    assert len(set(ports)) == 900


def test_a_given_port_that_is_taken_is_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]

        with pytest.raises(EmbeddedError, match=f"order cannot listen on 127.0.0.1:{port}"):
            choose_ports(DataFolder(tmp_path), NAMES, {"order": port})


def test_a_given_port_wins_and_is_remembered(tmp_path: Path) -> None:
    folder, port = DataFolder(tmp_path), free_port()

    chosen = choose_ports(folder, NAMES, {"order": port})

    assert chosen["order"] == port
    assert choose_ports(folder, NAMES, {})["order"] == port


def test_one_port_for_two_processes_is_refused(tmp_path: Path) -> None:
    port = free_port()

    with pytest.raises(EmbeddedError, match="two processes"):
        choose_ports(DataFolder(tmp_path), NAMES, {"order": port, "kafka": port})


def test_a_port_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="no port named oder"):
        choose_ports(DataFolder(tmp_path), NAMES, {"oder": 12345})
