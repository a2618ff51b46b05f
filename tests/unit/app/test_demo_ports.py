"""The demonstration starts although somebody else listens where it would, unless it was told where to listen."""

import socket
from pathlib import Path

import pytest

from isocket.app.addresses import HostPort
from isocket.app.demo import PORTS_TRIED, on_free_ports
from isocket.app.settings import Settings


def settings_at(folder: Path, port: int, *, asked: bool) -> Settings:
    """Return settings by which both would listen there, since they were asked to or by default."""
    there = HostPort(host="127.0.0.1", port=port)
    settings = Settings.model_validate({"data_dir": folder}).model_copy(update={"http": there, "mqtt": there})
    if not asked:
        settings.model_fields_set.difference_update({"http", "mqtt"})
    return settings


def test_a_port_that_is_in_use_is_passed_over_and_a_free_one_is_kept(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        moved = on_free_ports(settings_at(tmp_path, port, asked=False))
        for each in (moved.http, moved.mqtt):
            assert port < each.port < port + PORTS_TRIED
            assert each.host == "127.0.0.1"
        assert moved.origin == f"http://{moved.http}"
    free = settings_at(tmp_path, port, asked=False)
    assert on_free_ports(free) == free


def test_where_somebody_said_to_listen_is_where_it_listens_or_fails(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked = settings_at(tmp_path, taken.getsockname()[1], asked=True)
        assert on_free_ports(asked) == asked


def test_where_every_port_is_in_use_the_first_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isocket.app.demo.PORTS_TRIED", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = settings_at(tmp_path, taken.getsockname()[1], asked=False)
        assert on_free_ports(settings) == settings
