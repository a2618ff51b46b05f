"""What devices answer: to commands, to wanted settings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device
from isocket.domain.reports import Report, of_the_device
from isocket.domain.settings import without_names
from isocket.domain.twin import noted
from isocket.kit.clock import Clock
from isocket.storage.port import Records, above, at_most, is_, is_not, one_of

_UNANSWERED = (CommandStatus.QUEUED, CommandStatus.SENT, CommandStatus.EXPIRED)


class Answers:
    """Settles records by what a device said. Each may run twice, and an answer that comes late is still the truth."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def command_answered(self, device_id: str, fields: Mapping[str, Any], at: datetime) -> None:
        """Settle a command. One that we took for expired was carried out in time and only its answer was late."""
        await self._records.change_one(
            Command,
            is_("id", fields["id"]),
            is_("device_id", device_id),
            one_of("status", _UNANSWERED),
            status=CommandStatus(fields["result"]),
            error=fields.get("error"),
            ended_at=at,
        )

    async def settings_reported(self, device_id: str, fields: Mapping[str, Any], report: Report | None) -> None:
        """Keep the settings that a device has; an older message never replaces a newer."""
        settings = without_names(of_the_device(fields))
        device = await self._records.get(Device, device_id)
        if device is None:
            return
        changes: dict[str, Any] = {"reported": settings, "unlike": noted(device, settings, self._clock.now())}
        if report is None:
            await self._records.change_one(Device, is_("id", device_id), **changes)
            return
        changes |= {"reported_boot": report.boot, "reported_seq": report.seq}
        same_boot = (is_("reported_boot", report.boot), at_most("reported_seq", report.seq))
        earlier_boot = (at_most("reported_boot", report.boot), is_not("reported_boot", report.boot))
        if await self._records.change_one(Device, is_("id", device_id), *same_boot, **changes) is None:
            await self._records.change_one(Device, is_("id", device_id), *earlier_boot, **changes)

    async def came_online(self, device_id: str) -> None:
        """Send again what was sent to a device and not answered; it carries out one id once."""
        unanswered = (
            is_("device_id", device_id),
            is_("status", CommandStatus.SENT),
            above("expires_at", self._clock.now()),
        )
        if await self._records.find(Command, *unanswered, limit=1):
            await self._records.change_all(Command, *unanswered, status=CommandStatus.QUEUED)
