"""What the documents say of settings and files is true."""

import re
from pathlib import Path
from typing import Any

from isocket.app.settings_table import settings_markdown
from isocket.domain.settings import for_device, without_names
from portal_api.settings_models import AlarmInput, Probe, Settings

ROOT = Path(__file__).parents[3]


def test_the_manual_shows_every_setting_as_it_is() -> None:
    assert settings_markdown() in (ROOT / "docs" / "operation.md").read_text()


def test_every_file_that_the_map_names_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    for folder, begin in re.findall(r"^\| `([a-z_/]+)` \|[^|]*\|([^|]*)\|$", readme, flags=re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder
        for name in re.findall(r"`([a-z_]+\.py)`", begin):
            assert (ROOT / folder / name).is_file(), f"{folder}/{name}"


def test_every_module_that_the_readme_names_with_its_folder_exists() -> None:
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", (ROOT / "README.md").read_text())
    assert named
    assert [each for each in named if not (ROOT / each).is_file()] == []


def test_every_link_between_documents_leads_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_protocol_names_every_setting_that_a_socket_is_told_and_none_that_is_for_the_cloud_alone() -> None:
    protocol = (ROOT / "docs" / "protocol.md").read_text()
    section = protocol.split("\n## Settings wanted\n")[1].split("\n## ")[0]
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", section))))
    nameless = without_names(Settings(temp=[Probe()], input=[AlarmInput()]).model_dump())
    told, known = _keys(for_device(nameless)), _keys(nameless)
    assert told - named == set()
    assert named & (known - told) == set()


def _keys(settings: dict[str, Any]) -> set[str]:
    parts = [*settings["temp"], *settings["input"], settings["thermostat"]]
    return set(settings).union(*parts)
