"""From records to devices: commands, and the settings that owners want."""

import asyncio
import json
from typing import Any

from broker_bridge import topics
from broker_bridge.connection import Connection
from broker_bridge.metrics import BridgeMetrics
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device
from isocket.domain.settings import for_device
from isocket.kit.clock import Clock, to_ms
from isocket.storage.port import Records, above, at_most, change_every, is_, one_of
from isocket.storage.worker import claim, settle

LEASE_S = 10.0
AT_ONCE = 64


class Outgoing:
    """Publishes what waits. Every step may run twice: a device carries out one command id once."""

    def __init__(self, *, records: Records, connection: Connection[Any], clock: Clock, metrics: BridgeMetrics) -> None:
        self._records = records
        self._connection = connection
        self._clock = clock
        self._metrics = metrics

    async def send_command(self) -> bool:
        """Publish one queued command, never retained; return whether there was one."""
        if not self._connection.connected:
            return False
        queued = is_("status", CommandStatus.QUEUED)
        command = await claim(self._records, Command, queued, clock=self._clock, lease_s=LEASE_S, order_by="created_at")
        if command is None:
            return False
        now = self._clock.now()
        if command.expires_at <= now:
            await settle(self._records, command, status=CommandStatus.EXPIRED, ended_at=now)
            return True
        payload = {
            "id": command.id,
            "name": command.name,
            "args": command.args,
            "expires": to_ms(command.expires_at),
        }
        self._connection.publish(topics.command(command.device_id), json.dumps(payload).encode(), qos=1)
        await settle(self._records, command, status=CommandStatus.SENT, sent_at=now, lease_until=now)
        self._metrics.command_sent()
        return True

    async def expire_commands(self) -> bool:
        """End the commands that nobody answered in time; return False, since there is no hurry for more.

        One that was carried out at its last moment is settled by its answer all the same, see `answers.py`.
        """
        now = self._clock.now()
        waiting = one_of("status", (CommandStatus.QUEUED, CommandStatus.SENT))
        ended: dict[str, Any] = {"status": CommandStatus.EXPIRED, "ended_at": now}
        await change_every(self._records, Command, waiting, at_most("expires_at", now), **ended)
        return False

    async def publish_desired(self) -> bool:
        """Publish the wanted settings of some devices, retained; return whether there were any."""
        if not self._connection.connected:
            return False
        waiting = await self._records.find(Device, is_("desired_pending", value=True), limit=AT_ONCE)
        for device in waiting:
            payload = {"version": device.desired_version, **for_device(device.desired)}
            self._connection.publish(topics.desired(device.id), json.dumps(payload).encode(), qos=1, retain=True)
        await asyncio.gather(*(self._note_published(device) for device in waiting))
        return bool(waiting)

    async def _note_published(self, device: Device) -> None:
        as_published = is_("desired_version", device.desired_version)
        await self._records.change_one(Device, is_("id", device.id), as_published, desired_pending=False)

    async def publish_all_again(self) -> None:
        """Publish everything that stands once more: we came to a broker, and it or we may have died with it unsaid.

        Wanted settings are retained, so a repetition changes nothing; a device carries out one command id once. What
        was asked for first is queued again first, as some of it goes out before the last page is written.
        """
        await change_every(self._records, Device, above("desired_version", 0), desired_pending=True)
        await change_every(
            self._records,
            Command,
            is_("status", CommandStatus.SENT),
            above("expires_at", self._clock.now()),
            order_by="created_at",
            status=CommandStatus.QUEUED,
        )
