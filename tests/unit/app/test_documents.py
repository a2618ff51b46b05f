"""What the documents say of settings and files is true."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from isocket.app.commands import app
from isocket.app.settings_table import settings_markdown
from isocket.domain.settings import for_device, without_names
from portal_api.settings_models import AlarmInput, Probe, Settings

ROOT = Path(__file__).parents[3]
DOCUMENTS = pytest.mark.parametrize(
    "document", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda path: path.name
)


def test_the_manual_shows_every_setting_as_it_is() -> None:
    manual = (ROOT / "docs" / "operation.md").read_text()
    assert settings_markdown() in manual, "put what `isocket settings` prints into docs/operation.md"


def test_every_file_that_the_map_names_exists() -> None:
    rows = re.findall(r"^\| `([a-z_/]+)` \|[^|]*\|([^|]*)\|$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert rows
    for folder, begin in rows:
        assert (ROOT / folder).is_dir(), folder
        for name in re.findall(r"`([a-z_]+\.py)`", begin):
            assert (ROOT / folder / name).is_file(), f"{folder}/{name}"


def test_no_module_is_longer_than_we_say_that_we_write() -> None:
    (most,) = re.findall(r"A module has at most (\d+) lines", (ROOT / "docs" / "style.md").read_text())
    rooms = ("isocket", "broker_bridge", "portal_api", "alerts", "privacy", "firmware_sim")
    modules = [module for room in rooms for module in (ROOT / room).rglob("*.py")]
    assert modules
    assert [each.name for each in modules if len(each.read_text().splitlines()) > int(most)] == []


@DOCUMENTS
def test_every_module_that_a_document_names_with_its_folder_exists(document: Path) -> None:
    named = re.findall(r"`((?:\w+/)+\w+\.py)\b", document.read_text())
    assert [each for each in named if not (ROOT / each).is_file()] == []


@DOCUMENTS
def test_every_command_that_a_document_shows_is_there_with_its_options(document: Path) -> None:
    shown = re.findall(r"(?:^    |`)isocket ([a-z][^`\n]*)", document.read_text(), flags=re.MULTILINE)
    assert [each for each in shown if not _is_there(each.split())] == []


@DOCUMENTS
def test_every_link_between_documents_leads_to_a_page_and_its_heading(document: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", document.read_text()):
        found = document.parent / target if target else document
        assert found.exists(), target
        assert not heading or heading in _headings(found), f"{target}#{heading}"


def test_the_protocol_names_every_setting_that_a_socket_is_told_and_none_that_is_for_the_cloud_alone() -> None:
    protocol = (ROOT / "docs" / "protocol.md").read_text()
    section = protocol.split("\n## Settings wanted\n")[1].split("\n## ")[0]
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", section))))
    nameless = without_names(Settings(temp=[Probe()], input=[AlarmInput()]).model_dump())
    told, known = _keys(for_device(nameless)), _keys(nameless)
    assert told - named == set()
    assert named & (known - told) == set()


def test_every_option_of_every_command_says_what_it_is() -> None:
    commands = _commands(get_command(app))
    silent = [(*path, each.name) for path, command in commands for each in command.params if not each.help]
    assert silent == []


def _commands(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from _commands(each, *path, name)


def _headings(document: Path) -> set[str]:
    """Return the headings of a page as links name them."""
    found = re.findall(r"^#+ (.*)$", document.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each).strip().lower().replace(" ", "-") for each in found}


def _is_there(words: list[str]) -> bool:
    command: Any = get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if words and hasattr(command, "commands"):
        return False
    options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    takes_any = command.context_settings.get("ignore_unknown_options", False)  # a benchmark's are its own
    return takes_any or {each for each in words if each.startswith("--")} <= options


def _keys(settings: dict[str, Any]) -> set[str]:
    parts = [*settings["temp"], *settings["input"], settings["thermostat"]]
    return set(settings).union(*parts)
