"""Counts what Mosquitto refuses, and notes what homes listen to, from its log: the only place where it tells."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from broker_bridge import home_topics
from broker_bridge.mosquitto.accounts import OUR_NAMES
from broker_bridge.mosquitto.config import UP_KINDS
from isocket.domain.devices import topic_root
from isocket.domain.homes import is_home
from isocket.kit.logs import get_logger

log = get_logger(__name__)


class RefusalKind(StrEnum):
    """What was refused."""

    PUBLISH = "publish"  # to a topic that is not the sender's; costs the sender the connection
    SUBSCRIBE = "subscribe"  # outside the own topics: granted by Mosquitto 2.0, but nothing is ever delivered
    WILL = "will"  # on a topic that is not the client's: dropped by the broker when it falls due
    LOGIN = "login"  # wrong secret or unknown name; the broker does not say which
    ANONYMOUS = "anonymous"  # no user name
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"  # not MQTT, or broken MQTT


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refusal; `device_id` is the account that did it, None before a login."""

    kind: RefusalKind
    device_id: str | None = None


class RefusalCounts:
    """How often what was refused; may be asked and told from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Refusal] = Counter()

    def add(self, refusal: Refusal) -> None:
        """Count one, and log the first, second, fourth, eighth ... of its kind and device: no flood fills a log."""
        with self._lock:
            self._counts[refusal] += 1
            times = self._counts[refusal]
        if times & (times - 1) == 0:
            log.warning("broker_refused", kind=refusal.kind, device_id=refusal.device_id, times=times)

    def totals(self) -> dict[RefusalKind, int]:
        """Return the number of refusals of each kind since the start, zeros too."""
        totals = dict.fromkeys(RefusalKind, 0)
        with self._lock:
            for refusal, times in self._counts.items():
                totals[refusal.kind] += times
        return totals

    def of_device(self, device_id: str) -> dict[RefusalKind, int]:
        """Return the refusals of one account by kind, without zeros."""
        with self._lock:
            return {each.kind: times for each, times in self._counts.items() if each.device_id == device_id}


# Lines by the thousand in normal work; told by their first eight bytes.
_TRAFFIC = frozenset((b"Sending ", b"Received", b"No will ", b"New conn"))

_NEW_CLIENT = re.compile(r"New client connected from \S+ as (\S+) \(")
_DENIED_PUBLISH = re.compile(r"Denied PUBLISH from (\S+) \(")
_SUBSCRIPTION = re.compile(r"(\S+) [012] (.+)")
_CLIENT_LEFT = re.compile(r"Client (.*) disconnected(, not authorised| due to [a-z ]+)\.")
_LEAVING = {
    " due to oversize packet": RefusalKind.TOO_LARGE,
    " due to malformed packet": RefusalKind.MALFORMED,
    " due to protocol error": RefusalKind.MALFORMED,
}
_BROKEN = re.compile(
    r"(?:Bad client \S+ sending multiple CONNECT|Invalid protocol |Client \S+ connected with too large Will)"
)
_UNKNOWN = "<unknown>"
_HOME_LEFT = re.compile(r"Client (\S+) (?:disconnected\.|closed its connection|has exceeded timeout|already connected)")

HomeNews = Callable[[str, str | None], None]
"""Takes the name of a home and what it subscribed to, None when it left."""


def _nobody_asks(_: str, __: str | None) -> None:
    """Stand in where nobody speaks with homes."""


class RefusalReader:
    """Reads the broker's log and reports each refusal; one reader for one life of a broker.

    A client chooses parts of some lines (its id before login, topics). The broker drops clients whose text
    holds control characters, so no line can be forged; a stranger can at most raise a count.
    """

    def __init__(self, report: Callable[[Refusal], None], home_news: HomeNews = _nobody_asks) -> None:
        self._report = report
        self._home_news = home_news
        self._client = ""  # of the line before: the broker tells one login in consecutive lines
        self._will_next = False

    def read(self, lines: Iterable[bytes]) -> list[str]:
        """Report the refusals among `lines` and return the lines that are neither traffic nor refusals."""
        rest: list[str] = []
        for raw in lines:
            if raw[:8] in _TRAFFIC:
                continue
            line = raw.decode(errors="replace")
            if self._will_next:
                self._will_next = False
                self._will(line)
            elif not self._known(line):
                rest.append(line)
        return rest

    def _known(self, line: str) -> bool:
        if match := _NEW_CLIENT.match(line):
            self._client = match[1]
        elif line.startswith("Will message specified"):
            self._will_next = True
        elif match := _DENIED_PUBLISH.match(line):
            self._report(Refusal(kind=RefusalKind.PUBLISH, device_id=match[1]))
        elif match := _CLIENT_LEFT.fullmatch(line):
            self._left(match[1], match[2])
        elif _BROKEN.match(line):
            self._report(Refusal(kind=RefusalKind.MALFORMED))
        elif match := _SUBSCRIPTION.fullmatch(line):
            self._subscription(match[1], match[2])
        else:
            if (match := _HOME_LEFT.match(line)) and is_home(match[1]):
                self._home_news(match[1], None)
            return line.startswith(("\t", "Client "))
        return True

    def _will(self, line: str) -> None:
        if is_home(self._client) and line.removeprefix("\t") == home_topics.PRESENCE:
            return
        topic = line.removeprefix("\t").split("/")
        own = len(topic) == 5 and topic[:2] == ["isocket", "v1"] and topic[3] == self._client  # noqa: PLR2004 - levels of a topic
        if not (own and topic[4] in UP_KINDS):
            self._report(Refusal(kind=RefusalKind.WILL, device_id=self._client))

    def _subscription(self, client: str, topic: str) -> None:
        if is_home(client):
            if home_topics.is_for_others(client, topic):
                self._report(Refusal(kind=RefusalKind.SUBSCRIBE, device_id=client))
            else:
                self._home_news(client, topic)
        elif client not in OUR_NAMES and not topic.startswith(f"{topic_root(client)}/"):
            self._report(Refusal(kind=RefusalKind.SUBSCRIBE, device_id=client))

    def _left(self, client: str, why: str) -> None:
        nameless = client == _UNKNOWN
        if why == ", not authorised":
            # A refused name never became the client's; where there was none the claimed client id is told.
            self._report(Refusal(kind=RefusalKind.LOGIN if nameless else RefusalKind.ANONYMOUS))
        elif kind := _LEAVING.get(why):
            self._report(Refusal(kind=kind, device_id=None if nameless else client))
            if is_home(client):  # who was let in and is cut off has left as well
                self._home_news(client, None)
