"""What a home wishes becomes a command of its owner, with the limits that a command has by any other way."""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from broker_bridge import home_topics
from broker_bridge.home_accounts import home_that_counts
from broker_bridge.home_discovery import PARTS, command_of
from broker_bridge.problem_log import ProblemLog
from isocket.domain.commands import SWITCHING_TTL_S, Command, CommandCause
from isocket.domain.device_models import refusal
from isocket.domain.devices import Device
from isocket.domain.homes import Home
from isocket.kit.clock import Clock, from_ms
from isocket.kit.ids import new_id
from isocket.kit.logs import get_logger
from isocket.storage.abilities import abilities_of
from isocket.storage.orders import call_off, supersede
from isocket.storage.port import Records, is_
from isocket.storage.telemetry import Telemetry

log = get_logger(__name__)
A_MINUTE = 60  # of one home: a switch flicked every second
KIND = "home_assistant"
_LONGEST_PAYLOAD = 16


class Wish(NamedTuple):
    """A message of a home, as the network thread made it ready."""

    home_id: str
    device_id: str
    part: str
    payload: str
    retained: bool
    received_ms: int


def decoder(clock: Clock) -> Callable[[str, bytes, bool], Wish | None]:
    """Return what makes a wish of (topic, payload, retained): None of what is none. It never raises."""

    def decode(topic: str, payload: bytes, retained: bool) -> Wish | None:
        about = home_topics.parse_wish(topic)
        if about is None:
            return None
        said = payload[: _LONGEST_PAYLOAD + 1].decode("utf-8", "replace")
        return Wish(*about, said, retained, clock.now_ms())

    return decode


class HomeWishes:
    """Takes one wish at a time. What is refused is told to the owner among the socket's refused messages."""

    def __init__(self, *, records: Records, telemetry: Telemetry, clock: Clock, problems: ProblemLog) -> None:
        self._records = records
        self._telemetry = telemetry
        self._clock = clock
        self._problems = problems
        self._minute = 0
        self._asked: dict[str, int] = defaultdict(int)

    async def take(self, wish: Wish) -> bool:
        """Make a command of a wish; return whether one was made.

        Whose the socket is, and whether the login counts, is asked of the store each time: the broker may be late. A
        socket that is not the home's is not told anything of it, nor is its owner.
        """
        if not wish.payload:
            return False  # somebody clears what was retained
        asked = self._count(wish)
        if asked > A_MINUTE + 1:
            return False
        home = await home_that_counts(self._records, wish.home_id)
        device = await self._records.get(Device, wish.device_id)
        if home is None or device is None or device.owner_id != home.account_id:
            log.warning("home_wish_foreign", home_id=wish.home_id)
            return False
        reason, field = await self._why_not(wish, home, device, asked)
        if reason:
            await self._problems.add(device.id, KIND, reason, field, wish.received_ms)
            return False
        await self._order(wish, home, device)
        return True

    def _count(self, wish: Wish) -> int:
        minute = wish.received_ms // 60_000
        if minute != self._minute:
            self._minute = minute
            self._asked.clear()
        self._asked[wish.home_id] += 1
        return self._asked[wish.home_id]

    async def _why_not(self, wish: Wish, home: Home, device: Device, asked: int) -> tuple[str, str | None]:
        """Return why nothing is done, and the field to blame; empty where something is."""
        if asked > A_MINUTE:
            return f"More than {A_MINUTE} wishes in a minute: the rest of this minute is not listened to.", None
        if wish.retained:
            return "It was kept at the broker (retain), so nobody knows how old it is.", "retain"
        if not home.control:
            return "This login may only look.", None
        name = command_of(wish.part, wish.payload)
        if name is None:
            known = wish.part in PARTS
            return (
                "This cannot be wished of it." if known else "There is no such part.",
                "payload" if known else "topic",
            )
        refused = refusal(await abilities_of(self._telemetry, device), name, {})
        return (refused.message, "topic") if refused else ("", None)

    async def _order(self, wish: Wish, home: Home, device: Device) -> None:
        now = self._clock.now()
        command = Command(
            id=new_id("cmd"),
            device_id=device.id,
            account_id=home.account_id,
            cause=CommandCause.HOME_ASSISTANT,
            asked_with=home.id,
            name=command_of(wish.part, wish.payload) or "",
            created_at=now,
            expires_at=max(now, from_ms(wish.received_ms)) + timedelta(seconds=SWITCHING_TTL_S),
        )
        await self._records.add(command)
        if await home_that_counts(self._records, home.id) is None:  # ended meanwhile by whoever did not find this
            await call_off(self._records, home.account_id, now, is_("id", command.id))
            return
        await supersede(self._records, command, now)
        log.info("command_queued", command_id=command.id, device_id=device.id, name=command.name)
