"""From records to devices: commands, and the settings that owners want."""

import json
from datetime import timedelta
from typing import Any

from broker_bridge import topics
from broker_bridge.connection import Connection
from broker_bridge.metrics import BridgeMetrics
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device
from isocket.kit.clock import Clock, to_ms
from isocket.storage.port import Records, above, at_most, is_, one_of
from isocket.storage.worker import claim, settle

LEASE_S = 10.0
ANSWER_GRACE_S = 15.0  # a command carried out at its last moment has so long to tell us


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
        """End the commands that nobody answered in time; return False, since there is no hurry for more."""
        now = self._clock.now()
        ended = {"status": CommandStatus.EXPIRED, "ended_at": now}
        await self._records.change_all(
            Command, is_("status", CommandStatus.QUEUED), at_most("expires_at", now), **ended
        )
        late = now - timedelta(seconds=ANSWER_GRACE_S)
        await self._records.change_all(Command, is_("status", CommandStatus.SENT), at_most("expires_at", late), **ended)
        return False

    async def publish_desired(self) -> bool:
        """Publish one device's wanted settings, retained; return whether there was one."""
        if not self._connection.connected:
            return False
        waiting = await self._records.find(Device, is_("desired_pending", value=True), limit=1)
        if not waiting:
            return False
        device = waiting[0]
        payload = {"version": device.desired_version, **device.desired}
        self._connection.publish(topics.desired(device.id), json.dumps(payload).encode(), qos=1, retain=True)
        await self._records.change_one(
            Device, is_("id", device.id), is_("desired_version", device.desired_version), desired_pending=False
        )
        return True

    async def broker_forgot(self) -> None:
        """The broker knows our session no more, so it may have lost what it kept: publish all wishes again."""
        await self._records.change_all(Device, above("desired_version", 0), desired_pending=True)
        unanswered = one_of("status", (CommandStatus.SENT,))
        await self._records.change_all(
            Command, unanswered, above("expires_at", self._clock.now()), status=CommandStatus.QUEUED
        )
