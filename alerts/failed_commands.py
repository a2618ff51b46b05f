"""Finds commands that came to nothing, and opens an incident for the socket's owner."""

from datetime import timedelta

from alerts.causes import severity_of
from alerts.raising import raise_incident, raised_id
from alerts.timeline import incident_line
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Happening
from isocket.domain.settings import DeviceSettings
from isocket.kit.clock import EPOCH, Clock
from isocket.storage.port import Records, above, at_most, is_
from isocket.storage.telemetry import Telemetry

WAITS = {
    CommandStatus.FAILED: timedelta(),
    CommandStatus.REJECTED: timedelta(),
    CommandStatus.EXPIRED: timedelta(seconds=30),  # the answer to one carried out in time may be late
}
NEWS_FOR = timedelta(hours=1)  # what came to nothing before that is history


class FailedCommands:
    """Looks at one command a step.

    1. Find one that failed, was rejected or expired a short while ago and was not looked at.
    2. Open the incident of its device, or note it in the one that is open. Its id follows from the command's.
    3. Have the device judged: such an incident ends by itself, and the rules time that.
    4. Mark the command, so that it is looked at once. A run that dies before does the same again.
    """

    def __init__(self, *, records: Records, telemetry: Telemetry, clock: Clock) -> None:
        self._records = records
        self._telemetry = telemetry
        self._clock = clock

    async def step(self) -> bool:
        """Look at one command; return whether there was any."""
        command = await self._next()
        if command is None:
            return False
        device = await self._records.get(Device, command.device_id)
        if device is not None and device.owner_id is not None and _is_of_this_ownership(command, device):
            await self._raise(command, device, device.owner_id)
        await self._records.change_one(Command, is_("id", command.id), failure_seen=True)
        return True

    async def _next(self) -> Command | None:
        now = self._clock.now()
        for status, wait in WAITS.items():
            found = await self._records.find(
                Command,
                is_("status", status),
                is_("failure_seen", value=False),
                above("ended_at", now - NEWS_FOR),
                at_most("ended_at", now - wait),
                order_by="ended_at",
                limit=1,
            )
            if found:
                return found[0]
        return None

    async def _raise(self, command: Command, device: Device, account_id: str) -> None:
        now = self._clock.now()
        detail = {"command": command.name, "command_id": command.id, "status": command.status.value}
        incident = await raise_incident(
            self._records,
            account_id=account_id,
            device_id=device.id,
            cause=Cause.COMMAND_FAILED,
            opener=command.id,
            now=now,
            severity=severity_of(Cause.COMMAND_FAILED, None, DeviceSettings.of(device.desired)),
            detail=detail,
        )
        if incident.id != raised_id(account_id, device.id, Cause.COMMAND_FAILED, command.id):
            reason = "another_command_failed"
            line = incident_line(incident, Happening.NOTE, reason, command.id, at=now, reason=reason, detail=detail)
            await self._records.add_all([line])
        await self._wake(device.id)

    async def _wake(self, device_id: str) -> None:
        """Have the device judged; one that was never heard is unknown to telemetry, and has to be made known first."""
        if device_id not in await self._telemetry.latest([device_id]):
            await self._telemetry.note_presence(device_id, online=False, at=EPOCH)
        await self._telemetry.wake(device_id)


def _is_of_this_ownership(command: Command, device: Device) -> bool:
    return device.claimed_at is None or command.created_at >= device.claimed_at
