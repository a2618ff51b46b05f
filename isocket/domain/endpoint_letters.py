"""What is sent to a browser or a program: JSON of one form each, and the words of those messages that prove or try one.

For a program the form is public and versioned (docs/webhooks.md); a browser's is between us and our own script
(`push-worker.js`). Both say as little as does the work: what the socket is called, what is wrong, when, and a way on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from isocket.domain.letters import spoken
from isocket.kit.clock import to_text

WEBHOOK_VERSION = 1
VERIFICATION = "verification"
TEST = "test"
PUSH_HOOK = "/hooks/push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """The button in a notification that acknowledges, and what is said after it was pressed."""

    label: str
    done: str
    over: str
    failed: str


def webhook_body(kind: str, message_id: str, at: datetime, **more: object) -> str:
    """Return the JSON of one message to a program. `message_id` stays the same when the message is repeated."""
    return _json({"version": WEBHOOK_VERSION, "id": message_id, "type": kind, "created_at": to_text(at), **more})


def webhook_verification(message_id: str, at: datetime, challenge: str) -> str:
    """Return the message to which a program proves, by its secret and the `challenge`, that it wants our messages."""
    return webhook_body(VERIFICATION, message_id, at, challenge=challenge)


def webhook_test(message_id: str, at: datetime, language: str) -> str:
    """Return the message that somebody has sent to try the way."""
    return webhook_body(TEST, message_id, at, test=True, text=_TRIED[spoken(language)])


def challenge_of(text: str) -> str | None:
    """Return what a program has to sign to prove itself, None if `text` is another message."""
    try:
        said = json.loads(text)
    except ValueError:
        return None
    challenge = said.get("challenge") if isinstance(said, dict) else None
    return challenge if isinstance(challenge, str) and challenge else None


def push_body(
    *, title: str, body: str, language: str, tag: str, token: str, opens: str, take: Take | None = None
) -> str:
    """Return the JSON of one notification.

    A later one of the same `tag` takes its place. The script tells `PUSH_HOOK/token` that it was shown, and that its
    reader takes the matter on; a press elsewhere on it opens the path `opens`.
    """
    said: dict[str, Any] = {
        "v": 1,
        "title": title,
        "body": body,
        "lang": spoken(language),
        "tag": tag,
        "hook": f"{PUSH_HOOK}/{token}",
        "open": opens,
    }
    if take is not None:
        said["take"] = {"label": take.label, "done": take.done, "over": take.over, "failed": take.failed}
    return _json(said)


def push_hello(language: str, *, tag: str, token: str, opens: str) -> str:
    """Return the notification that a browser shows first; that it was shown proves the way."""
    title, body = _HELLO[spoken(language)]
    return push_body(title=title, body=body, language=language, tag=tag, token=token, opens=opens)


def push_test(language: str, *, tag: str, token: str, opens: str) -> str:
    """Return the notification that somebody has sent to try the way."""
    title, _ = _HELLO[spoken(language)]
    body = _TRIED[spoken(language)]
    return push_body(title=title, body=body, language=language, tag=tag, token=token, opens=opens)


def _json(said: Mapping[str, object]) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


_HELLO = MappingProxyType(
    {
        "en": ("iSocket", "Alarms will be shown on this device."),
        "fi": ("iSocket", "Hälytykset näytetään tällä laitteella."),
        "sv": ("iSocket", "Larm visas på den här enheten."),
        "de": ("iSocket", "Alarme werden auf diesem Gerät angezeigt."),
        "nb": ("iSocket", "Alarmer vises på denne enheten."),
    }
)
_TRIED = MappingProxyType(
    {
        "en": "This is a test. Messages about alarms come this way.",
        "fi": "Tämä on kokeilu. Ilmoitukset hälytyksistä tulevat tätä tietä.",
        "sv": "Detta är ett test. Meddelanden om larm kommer den här vägen.",
        "de": "Dies ist ein Test. Meldungen über Alarme kommen auf diesem Weg.",
        "nb": "Dette er en test. Meldinger om alarmer kommer denne veien.",
    }
)
