"""Which family of browser or program asks, from a closed list: what else it says of itself is dropped here."""

from aiohttp import web

from isocket.domain.accounts import Agent

# The first word found decides: nearly every browser also says to be the ones it came after.
_WORDS = (
    ("homeassistant", Agent.HOME_ASSISTANT),
    ("samsungbrowser", Agent.SAMSUNG),
    ("edg", Agent.EDGE),
    ("opr/", Agent.OPERA),
    ("firefox", Agent.FIREFOX),
    ("fxios", Agent.FIREFOX),
    ("chrome", Agent.CHROME),
    ("chromium", Agent.CHROME),
    ("crios", Agent.CHROME),
    ("safari", Agent.SAFARI),
    ("okhttp", Agent.ANDROID_APP),
    ("dalvik", Agent.ANDROID_APP),
    ("cfnetwork", Agent.IOS_APP),
    ("curl", Agent.SCRIPT),
    ("wget", Agent.SCRIPT),
    ("python", Agent.SCRIPT),
    ("go-http-client", Agent.SCRIPT),
    ("node", Agent.SCRIPT),
)


def agent_of(request: web.Request) -> Agent:
    """Return the family by the request's `User-Agent`."""
    said = request.headers.get("User-Agent", "").lower()
    return next((family for word, family in _WORDS if word in said), Agent.OTHER)
