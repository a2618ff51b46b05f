"""What tests of the roof share."""

from pathlib import Path

import pytest

from tests.unit.app.installation import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(folder=tmp_path)
