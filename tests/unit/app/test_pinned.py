"""What is installed is what was looked at: every package has one version and the hashes of its files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PINS = ("requirements-run.txt", "requirements.txt")


@pytest.mark.parametrize("name", PINS)
def test_every_package_has_one_version_and_its_hashes(name: str) -> None:
    pins = re.split(r"\n(?=[^\s#])", (ROOT / ".ci" / name).read_text().replace("\\\n", " "))
    assert len(pins) > 10
    for pin in pins:
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin), pin[:80]


@pytest.mark.parametrize("name", PINS)
def test_nothing_is_installed_whose_hash_is_another(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    (line,) = [each for each in makefile.splitlines() if f"--requirement .ci/{name}" in each]
    assert "--require-hashes" in line
