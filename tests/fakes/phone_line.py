"""A house whose texts and calls go by the genuine SDK to the double of Twilio, and whose hooks are real HTTP."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from alerts.callbacks import routes, status_callback
from alerts.channels.channel import Channel, ChannelKind
from alerts.channels.twilio_sms import TwilioSms
from alerts.channels.twilio_voice import TwilioVoice
from alerts.dispatcher import Dispatcher
from alerts.providers import Providers
from alerts.signatures import TwilioSignature
from alerts.unclear import UnclearDeliveries
from alerts.voice_hooks import voice_url
from isocket.domain.deliveries import Attempt
from isocket.storage.port import is_
from tests.fakes.alert_house import ANNA, PHONES, AlertHouse
from tests.fakes.twilio_people import Person, PlacedCall
from tests.fakes.twilio_server import TwilioDouble

OUR_NUMBER = "+447700900100"


@dataclass
class PhoneLine:
    """A house, the double, and both channels between them."""

    house: AlertHouse
    double: TwilioDouble
    sms: TwilioSms
    voice: TwilioVoice
    public_url: str

    async def alarm_by_call(self, **incident: object) -> PlacedCall:
        """Open an incident, let Anna be called and return the call, which nobody has answered yet."""
        await self.house.ladder({"contact_ids": [ANNA], "channels": ["voice"], "after_s": 0})
        await self.house.incident(**incident)
        await self.house.escalate()
        await self.send()
        return self.double.calls.accepted[PHONES[ANNA]][-1]

    async def send(self) -> None:
        """Send everything that is due now, by texts and calls."""
        dispatcher = Dispatcher(**self._parts())
        while await dispatcher.step():
            pass

    async def look_up(self) -> None:
        """Ask the provider what became of everything whose answer was lost."""
        unclear = UnclearDeliveries(**self._parts())
        while await unclear.step():
            pass

    def _parts(self) -> dict[str, Any]:
        channels: dict[ChannelKind, Channel] = {ChannelKind.SMS: self.sms, ChannelKind.VOICE: self.voice}
        records, clock = self.house.records, self.house.clock
        providers = Providers(channels, records=records, clock=clock)
        return {"records": records, "clock": clock, "providers": providers, "public_url": self.public_url}

    async def answered_by(self, call: PlacedCall, person: Person) -> PlacedCall:
        """Let somebody be called, and take in what the provider reports."""
        played = await self.double.calls.play(call.sid, person)
        await self.house.take_in_receipts()
        return played

    async def attempt_of(self, call: PlacedCall) -> Attempt:
        """Return the attempt that a call belongs to."""
        (found,) = await self.house.records.find(Attempt, is_("id", call.url.rpartition("/")[2]))
        return found


@asynccontextmanager
async def phone_line(**contact: object) -> AsyncIterator[PhoneLine]:
    """Open a line to a furnished house; `contact` changes Anna."""
    house, double = await AlertHouse().furnish(**contact), TwilioDouble()
    await double.start()
    listening = socket.create_server(("127.0.0.1", 0))  # the address is part of what is signed
    public_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    signature = TwilioSignature(auth_tokens=[double.auth_token], public_url=public_url)
    app = web.Application()
    app.add_routes(routes(records=house.records, clock=house.clock, public_url=public_url, signature=signature))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    account = {"account_sid": double.account_sid, "auth_token": double.auth_token, "base_url": double.base_url}
    sms = TwilioSms(
        **account, sender=OUR_NUMBER, status_callback=lambda attempt_id: status_callback(public_url, attempt_id)
    )
    voice = TwilioVoice(
        **account,
        sender=OUR_NUMBER,
        voice_url=lambda attempt_id: voice_url(public_url, attempt_id),
        status_callback=lambda attempt_id: status_callback(public_url, attempt_id),
    )
    yield PhoneLine(house=house, double=double, sms=sms, voice=voice, public_url=public_url)
    for channel in (sms, voice):
        await channel.close()
    await runner.cleanup()
    await double.stop()
