"""Of what a browser says of itself only its family is kept."""

import pytest
from aiohttp.test_utils import make_mocked_request

from isocket.domain.accounts import Agent
from portal_api.agents import agent_of

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"


@pytest.mark.clause("C1-16", "C1-17")
@pytest.mark.parametrize(
    ("said", "family"),
    [
        (CHROME, Agent.CHROME),
        (f"{CHROME} Edg/150.0.0.0", Agent.EDGE),
        (f"{CHROME} OPR/120.0.0.0", Agent.OPERA),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", Agent.FIREFOX),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_0) AppleWebKit/605.1.15 Version/26.0 Safari/604.1", Agent.SAFARI),
        ("okhttp/5.1.0", Agent.ANDROID_APP),
        ("iSocket/3 CFNetwork/1500 Darwin/25.0", Agent.IOS_APP),
        ("curl/8.5.0", Agent.SCRIPT),
        ("HomeAssistant/2026.11 aiohttp/3.14 Python/3.13", Agent.HOME_ASSISTANT),
        ("maija@example.org was here", Agent.OTHER),
        ("", Agent.OTHER),
    ],
)
def test_a_request_comes_from_one_of_a_closed_list_of_families(said: str, family: Agent) -> None:
    assert agent_of(make_mocked_request("GET", "/", headers={"User-Agent": said})) is family
