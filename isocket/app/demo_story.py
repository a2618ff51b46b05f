"""Tells on the screen what happens in the demonstration: what sockets live, what is found wrong, what is sent."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from isocket.domain.contacts import ChannelKind
from isocket.domain.desk import DeskMessage
from isocket.domain.incidents import Incident, IncidentState
from isocket.kit.clock import Clock
from isocket.storage.port import Records, above, is_not
from isocket.storage.wakeups import Wakeups

LOOK_EVERY_S = 1.0
_STYLES = {IncidentState.OPEN: "bold red", IncidentState.ACKNOWLEDGED: "yellow", IncidentState.CLOSED: "bold green"}
_WAYS = {
    ChannelKind.SMS: "SMS",
    ChannelKind.VOICE: "call",
    ChannelKind.EMAIL: "e-mail",
    ChannelKind.PUSH: "push",
    ChannelKind.WEBHOOK: "webhook",
}


class Story:
    """Prints a line for each thing that happens, as it becomes known."""

    def __init__(
        self, *, records: Records, clock: Clock, wakeups: Wakeups, nicknames: Mapping[str, str], console: Console
    ) -> None:
        self._records = records
        self._clock = clock
        self._wakeups = wakeups
        self._nicknames = nicknames
        self._console = console
        self._began = clock.now()
        self._followed: dict[str, IncidentState] = {}  # incidents that are not over, as they were last told
        self._messages: set[str] = set()

    def hear(self, line: str) -> None:
        """Print what the simulator says: `device: what`."""
        device_id, _, what = line.partition(": ")
        self._print(self._nicknames.get(device_id, device_id), Text(what))

    async def run(self, stop: asyncio.Event) -> None:
        """Print what is found wrong and what is sent, until `stop`."""
        bell = self._wakeups.bell(Incident.collection, DeskMessage.collection)
        try:
            while not stop.is_set():
                await self._tell_incidents()
                await self._tell_messages()
                await bell.wait(self._clock, LOOK_EVERY_S)
        finally:
            bell.close()

    async def _tell_incidents(self) -> None:
        lasting = await self._records.find(Incident, is_not("state", IncidentState.CLOSED), order_by="detected_at")
        recent = await self._records.find(Incident, above("detected_at", self._began), order_by="detected_at")
        over = [await self._records.get(Incident, each) for each in self._followed]
        news = {each.id: each for each in (*lasting, *recent, *over) if each is not None}
        for incident in sorted(news.values(), key=_last_change):
            if self._followed.get(incident.id) != incident.state:
                is_new = incident.id in self._followed or incident.detected_at > self._began
                self._followed[incident.id] = incident.state
                text = _incident_text(incident) if is_new else _left_text(incident, self._clock.now())
                self._print(self._nicknames.get(incident.device_id, ""), text)

    async def _tell_messages(self) -> None:
        new = await self._records.find(DeskMessage, above("at", self._began), order_by="at")
        for message in new:
            if message.id not in self._messages:
                self._messages.add(message.id)
                self._print("", _message_text(message))

    def _print(self, who: str, what: Text) -> None:
        """Print time, nickname and text in columns; a long text goes on below itself."""
        row = Table.grid(padding=(0, 2))
        row.add_column(no_wrap=True, style="dim")
        row.add_column(no_wrap=True, min_width=max(map(len, self._nicknames.values()), default=0), style="bold")
        row.add_column()
        row.add_row(f"{self._clock.now().astimezone():%H:%M:%S}", who, what)
        self._console.print(row)


def _last_change(incident: Incident) -> datetime:
    return incident.closed_at or incident.acknowledged_at or incident.detected_at


def _incident_text(incident: Incident) -> Text:
    state = "opened" if incident.state is IncidentState.OPEN else incident.state.value
    told = Text("alarm: ").append(incident.cause.value.replace("_", " "), style="bold")
    told.append(f" {state}", style=_STYLES[incident.state])
    return told.append(f", {incident.severity.value}") if incident.state is IncidentState.OPEN else told


def _left_text(incident: Incident, now: datetime) -> Text:
    """Return what an earlier run left: it begins now for nobody."""
    since, today = incident.opened_at.astimezone(), now.astimezone().date()
    when = f"{since:%H:%M}" if since.date() == today else f"{since:%Y-%m-%d %H:%M}"
    told = Text("alarm: ").append(incident.cause.value.replace("_", " "), style="bold")
    state = "still open" if incident.state is IncidentState.OPEN else incident.state.value
    return told.append(f" {state}", style=_STYLES[incident.state]).append(f", since {when}")


def _message_text(message: DeskMessage) -> Text:
    told = Text(f"{_WAYS[message.channel]} to {message.address}: ", style="cyan")
    return told.append(message.subject_line or message.text)
