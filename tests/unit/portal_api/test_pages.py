"""Pages escape what they show and send nobody elsewhere."""

import pytest

from portal_api.pages import local_path, renderer


@pytest.mark.parametrize("wanted", ["/", "/incidents?state=open", "/devices/dev_1#top"])
def test_a_path_of_ours_is_gone_to(wanted: str) -> None:
    assert local_path(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    ["", "https://evil.example.net/", "//evil.example.net", "/\\evil.example.net", "javascript:alert(1)", "/a\r\nB: c"],
)
def test_anything_else_leads_home(wanted: str) -> None:
    assert local_path(wanted) == "/"


def test_what_somebody_typed_is_escaped() -> None:
    shown = renderer().from_string("{{ name }}").render(name="<script>alert(1)</script>")
    assert "<script>" not in shown
