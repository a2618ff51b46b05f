"""The demonstration starts although somebody else listens where it would, unless it was told where to listen."""

import socket
from pathlib import Path

import pytest
from rich.console import Console

from isocket.app.addresses import HostPort
from isocket.app.demo import PORTS_TRIED, on_free_ports, panel, what_others_are_told
from isocket.app.demo_cast import Cast, Owner
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


def test_where_it_listens_elsewhere_the_screen_tells_what_other_commands_have_to_be_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = settings_at(tmp_path, taken.getsockname()[1], asked=False)
        given_way = on_free_ports(wanted)
    words = f"export ISOCKET_HTTP={given_way.http} ISOCKET_MQTT={given_way.mqtt}"
    assert words in on_screen(given_way, what_others_are_told(wanted, given_way))
    assert "ISOCKET_" not in on_screen(wanted, what_others_are_told(wanted, wanted))


def on_screen(settings: Settings, moved: str) -> str:
    """Return the panel as it is printed on a wide screen."""
    cast = Cast(owner=Owner(username="demo@example.org", password="toy"), sockets=(), folder=settings.data_dir)
    console = Console(width=200)
    with console.capture() as captured:
        console.print(panel(settings, cast, as_printed=True, moved=moved))
    return captured.get()
