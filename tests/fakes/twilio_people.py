"""The people whom the double of Twilio calls: what they hear, and which keys they press."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urldefrag, urljoin
from xml.etree import ElementTree as ET

from tests.fakes.twilio_account import API, TwilioAccount, read_twiml

MOST_DOCUMENTS = 50  # of TwiML in one call: more is a loop
OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
LANGUAGES = frozenset({"en-GB", "fi-FI", "sv-SE", "de-DE", "nb-NO"})  # those that we speak, of Twilio's many


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who or what is at the other end.

    `keys` are pressed one by one, one for each Gather; with `while_it_speaks` before the text has been said to its
    end. `ends` is how a call ends that nobody answers. `leaves` hangs up as soon as the first word is said.
    """

    keys: str = ""
    while_it_speaks: bool = False
    ends: str = ""
    leaves: bool = False


VOICEMAIL = Person()  # hears all, presses nothing: to Twilio it is a call like any other
BUSY = Person(ends="busy")
NO_ANSWER = Person(ends="no-answer")
UNREACHABLE = Person(ends="failed")
HANGS_UP = Person(leaves=True)


def presses(keys: str, *, while_it_speaks: bool = False) -> Person:
    """Return somebody who answers and presses these keys."""
    return Person(keys=keys, while_it_speaks=while_it_speaks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence as it was spoken; `with_keys` tells whether a key would have counted."""

    text: str
    language: str
    voice: str
    with_keys: bool


@dataclass(slots=True, kw_only=True)
class PlacedCall:
    """One call that Twilio took: the double's fact, whatever the client was told."""

    sid: str
    to: str
    sender: str
    created_at: datetime
    form: Mapping[str, str]
    events: tuple[str, ...]  # of which a callback was asked for
    status: str = "queued"
    said: list[Said] = field(default_factory=list)
    pressed: str = ""
    faults: list[str] = field(default_factory=list)  # what Twilio would put into its debugger
    callbacks: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of the call's TwiML, without the fragment."""
        return urldefrag(self.form["Url"]).url

    @property
    def heard(self) -> str:
        """Everything that was said, a sentence a line."""
        return "\n".join(each.text for each in self.said)


class Conversation:
    """Carries out the TwiML of one call with one person."""

    def __init__(self, account: TwilioAccount, call: PlacedCall, person: Person) -> None:
        self._account = account
        self._call = call
        self._person = person
        self._keys = deque(person.keys)
        self._gone = False

    async def run(self) -> None:
        """Go from document to document until one ends."""
        url, form = self._call.form["Url"], {}
        for _ in range(MOST_DOCUMENTS):
            document = await self._document(url, form)
            if document is None:
                return
            following = self._carry_out(document, url)
            if following is None or self._call.status in OVER:
                return
            url, form = following
        self._call.faults.append("the TwiML goes round and round")

    async def _document(self, url: str, more: Mapping[str, str]) -> ET.Element | None:
        form = call_form(self._account, self._call) | {"CallStatus": "in-progress"} | dict(more)
        answer = await self._account.post(url, form)
        if answer.status != 200:
            self._call.faults.append(f"11200: HTTP {answer.status}")
            return None
        try:
            root = read_twiml(answer.text)
        except ET.ParseError:
            self._call.faults.append("12100: not XML")
            return None
        if root.tag != "Response":
            self._call.faults.append("12100: no Response")
            return None
        return root

    def _carry_out(self, document: ET.Element, url: str) -> tuple[str, dict[str, str]] | None:
        for verb in document:
            match verb.tag:
                case "Say":
                    self._say(verb, with_keys=False)
                case "Pause":
                    pass
                case "Gather":
                    key = self._gather(verb)
                    if key is not None:
                        self._call.pressed += key
                        return urljoin(url, verb.get("action") or url), {"Digits": key, "FinishedOnKey": ""}
                case "Redirect":
                    return urljoin(url, verb.text or url), {}
                case "Hangup":
                    return None
                case _:
                    self._call.faults.append(f"12200: {verb.tag}")
            if self._gone:
                return None
        return None

    def _gather(self, verb: ET.Element) -> str | None:
        if verb.get("numDigits") != "1" or "dtmf" not in verb.get("input", "dtmf"):
            self._call.faults.append("the double presses one key at a time")
            return None
        for inner in verb:
            if inner.tag == "Say":
                self._say(inner, with_keys=True)
            elif inner.tag != "Pause":
                self._call.faults.append(f"12200: {inner.tag} in Gather")
            if self._gone:
                return None
            if self._keys and self._person.while_it_speaks:
                break
        return self._keys.popleft() if self._keys else None

    def _say(self, verb: ET.Element, *, with_keys: bool) -> None:
        text = "".join(verb.itertext())
        language = verb.get("language", "")
        if language not in LANGUAGES or not 0 < len(text) <= 4096:
            self._call.faults.append(f"13520: say {language!r} {len(text)}")
        said = Said(text=text, language=language, voice=verb.get("voice", ""), with_keys=with_keys)
        self._call.said.append(said)
        if self._keys and self._person.while_it_speaks and not with_keys:
            self._keys.popleft()  # pressed outside a Gather: nobody listens
        self._gone = self._gone or self._person.leaves


def call_form(account: TwilioAccount, call: PlacedCall) -> dict[str, str]:
    """Return the fields that every request about a call carries."""
    return {
        "CallSid": call.sid, "AccountSid": account.sid, "From": call.sender, "To": call.to, "ApiVersion": API,
        "Direction": "outbound-api", "CallStatus": call.status,
    }  # fmt: skip
