"""The document about people names the limits and the lacks that the code has."""

from pathlib import Path

import pytest

from portal_api import codes
from portal_api.limits import Rate
from portal_api.readiness import Lack

DOCUMENT = (Path(__file__).parents[3] / "docs" / "people.md").read_text()
SPANS = {120: "2 min", 3600: "1 h", 86_400: "1 day"}
RATES = [each for each in vars(codes).values() if isinstance(each, Rate)]


def test_each_limit_has_its_row() -> None:
    rows = [line.split("|")[2:4] for line in DOCUMENT.splitlines() if line.count("|") == 4]
    shown = sorted((count.strip(), span.strip()) for count, span in rows if count.strip().isdigit())
    assert shown == sorted((str(rate.tries), SPANS[int(rate.per_s)]) for rate in RATES)


@pytest.mark.parametrize("lack", Lack)
def test_each_lack_is_explained(lack: Lack) -> None:
    assert f"`{lack}`" in DOCUMENT
