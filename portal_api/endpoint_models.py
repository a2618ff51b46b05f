"""The shapes of browsers and programs that alarms go to, as they travel over the API."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from isocket.domain.outside import LONGEST_URL
from portal_api.models import Body, Instant, OneLine, View

_SUBSCRIPTION: dict[str, Any] = {
    "endpoint": "https://push.example.org/send/abc",
    "keys": {
        "p256dh": "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
        "auth": "A" * 22,
    },
}
_SEEN: dict[str, Any] = {
    "id": "end_d4yofn7ab2k3xeq3mzv6t2cs5h",
    "contact_id": "con_d4yofn7ab2k3xeq3mzv6t2cs5h",
    "kind": "webhook",
    "label": "Home automation",
    "url": "https://hooks.example.org/alarm",
    "service": "hooks.example.org",
    "verified": True,
    "gone": False,
    "created_at": "2026-11-22T12:00:00.000Z",
    "last_message": {"at": "2026-11-22T12:00:00.000Z", "state": "sent", "reason": ""},
}


class SubscriptionKeys(Body):
    """The keys of a browser's subscription, in base64url."""

    p256dh: Annotated[str, Field(max_length=128)]
    auth: Annotated[str, Field(max_length=64)]


class Subscription(Body):
    """What `PushManager.subscribe()` gives, as `toJSON()` writes it."""

    endpoint: Annotated[str, Field(max_length=LONGEST_URL)]
    keys: SubscriptionKeys
    expirationTime: float | None = None  # noqa: N815 - the browser's word


class NewEndpoint(Body):
    """A browser with its `subscription` (`kind` push), or a program with its `url` (`kind` webhook)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "webhook", "url": "https://hooks.example.org/alarm", "label": "Home automation"},
                {"kind": "push", "subscription": _SUBSCRIPTION, "label": "Telephone"},
            ]
        }
    )

    kind: Literal["push", "webhook"]
    url: str | None = Field(default=None, description="Where messages are posted: https, on the internet.")
    subscription: Subscription | None = None
    label: Annotated[OneLine, Field(max_length=60)] = Field(default="", description="What you call it.")


class LastMessage(View):
    """What became of the last message that proved or tried it."""

    at: Instant
    state: str
    reason: str


class EndpointView(View):
    """A browser or a program. It gets alarms once it is verified, and none when it is gone."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SEEN]})

    id: str
    contact_id: str
    kind: str
    label: str
    url: str | None = Field(
        description="Of a program; what a browser's push service is called by is kept to ourselves."
    )
    service: str = Field(description="The host that we call.")
    verified: bool
    gone: bool = Field(description="It said that it wants no more, or is no more.")
    created_at: Instant
    last_message: LastMessage | None


class EndpointMade(EndpointView):
    """An endpoint that was just added, with the secret of a program, which is shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_SEEN, "secret": "whsec_shown_once"}]})

    secret: str | None


class SecretView(View):
    """A new secret, shown this once. Until then messages carry a signature by the old one as well."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"secret": "whsec_shown_once", "previous_until": "2026-11-23T12:00:00.000Z"}]}
    )

    secret: str
    previous_until: Instant


class PushKey(View):
    """To which key a browser subscribes (`applicationServerKey`)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "B" + "A" * 86}]})

    key: str
