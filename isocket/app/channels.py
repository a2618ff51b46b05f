"""Which way of reaching people is real here, and which ends on the desk."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from alerts import elks_hooks
from alerts.callbacks import status_callback
from alerts.channels.channel import Channel, ChannelKind
from alerts.channels.elks_sms import ElksSms
from alerts.channels.phone_numbers import is_number
from alerts.channels.smtp import SmtpMail
from alerts.channels.twilio_sms import TwilioSms
from alerts.channels.twilio_voice import TwilioVoice
from alerts.channels.web_push import WebPush
from alerts.channels.webhook import Webhook
from alerts.desk import DeskChannel
from alerts.endpoints import Endpoints
from alerts.signatures import AddressProof
from alerts.voice_hooks import voice_url
from isocket.app.settings import Settings
from isocket.kit.clock import Clock
from isocket.kit.loopback import is_loopback
from isocket.storage.port import Records

KINDS = (ChannelKind.SMS, ChannelKind.VOICE, ChannelKind.EMAIL)
"""What the desk stands in for where no provider is set up."""

ALWAYS = (ChannelKind.PUSH, ChannelKind.WEBHOOK)
"""What needs no provider: browsers and programs are called directly."""


@dataclass(frozen=True, slots=True)
class Channels:
    """For each kind that can be had its provider, or several, the preferred one first.

    What goes by a kind that is missing fails visibly.
    """

    in_order: Mapping[ChannelKind, tuple[Channel, ...]]

    @classmethod
    def from_settings(
        cls, settings: Settings, *, records: Records, clock: Clock, push_key: EllipticCurvePrivateKey
    ) -> Self:
        """Return the providers that are set up, and for each kind without one the desk where somebody can open it."""
        ways: dict[ChannelKind, tuple[Channel | None, ...]] = {
            ChannelKind.SMS: (twilio_of(settings), elks_of(settings)),
            ChannelKind.VOICE: (voice_of(settings),),
            ChannelKind.EMAIL: (smtp_of(settings, clock),),
            **_to_endpoints(settings, records=records, clock=clock, push_key=push_key),
        }
        found = {kind: tuple(each for each in way if each is not None) for kind, way in ways.items()}
        if desk_can_be_opened(settings):
            for kind in KINDS:
                found[kind] = found[kind] or (DeskChannel(kind, records=records, clock=clock),)
        return cls({kind: way for kind, way in found.items() if way})

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for `stop`, then give the connections back."""
        await stop.wait()
        for channel in chain.from_iterable(self.in_order.values()):
            await channel.close()


def desk_can_be_opened(settings: Settings) -> bool:
    """Return whether the desk is seen by whoever sits at this machine and by nobody else.

    It asks nobody to sign in. A portal on loopback may still be everybody's, behind a proxy that leaves no trace
    in its requests; a public address elsewhere tells that it is.
    """
    return settings.http.is_loopback and is_loopback(urlsplit(settings.origin).hostname or "")


def kinds_that_arrive(settings: Settings) -> frozenset[ChannelKind]:
    """Return the kinds of channel by which somebody gets a message: by a provider, or on a desk that can be opened."""
    if desk_can_be_opened(settings):
        return frozenset((*KINDS, *ALWAYS))
    return _kinds_with_a_provider(settings)


def ends_on_the_desk(settings: Settings) -> bool:
    """Return whether some kind of message ends on a desk that can be opened."""
    return desk_can_be_opened(settings) and not _kinds_with_a_provider(settings).issuperset(KINDS)


def _kinds_with_a_provider(settings: Settings) -> frozenset[ChannelKind]:
    return frozenset((*providers_of(settings), *ALWAYS))


def providers_of(settings: Settings) -> dict[ChannelKind, tuple[str, ...]]:
    """Return the names of the providers of each kind for which there is one or several, without a connection."""
    texts = (
        (settings.twilio_account_sid, TwilioSms.name),
        (settings.elks_username, ElksSms.name),
    )
    named = {
        ChannelKind.SMS: tuple(name for account, name in texts if account is not None),
        ChannelKind.VOICE: (TwilioVoice.name,) if _calling_number(settings) else (),
        ChannelKind.EMAIL: (SmtpMail.name,) if settings.smtp_url else (),
    }
    return {kind: names for kind, names in named.items() if names}


def _to_endpoints(
    settings: Settings, *, records: Records, clock: Clock, push_key: EllipticCurvePrivateKey
) -> dict[ChannelKind, tuple[Channel, ...]]:
    endpoints = Endpoints(records=records, clock=clock, public_url=settings.origin)
    loopback = settings.webhook_targets == "loopback"
    push = WebPush(endpoints=endpoints, clock=clock, key=push_key, contact=settings.security_contact, loopback=loopback)
    return {
        ChannelKind.PUSH: (push,),
        ChannelKind.WEBHOOK: (Webhook(endpoints=endpoints, clock=clock, loopback=loopback),),
    }


def twilio_of(settings: Settings) -> TwilioSms | None:
    """Return the channel for SMS by Twilio, None where it is not set up."""
    sid, token, sender = settings.twilio_account_sid, settings.twilio_auth_token, settings.twilio_from
    if sid is None or token is None or sender is None:
        return None
    return TwilioSms(
        account_sid=sid,
        auth_token=token.get_secret_value(),
        sender=sender,
        base_url=settings.twilio_base_url,
        status_callback=lambda attempt_id: status_callback(settings.origin, attempt_id),
    )


def elks_of(settings: Settings) -> ElksSms | None:
    """Return the channel for SMS by 46elks, None where it is not set up."""
    proof, sender = elks_proof(settings), settings.elks_from
    if settings.elks_username is None or settings.elks_password is None or proof is None or sender is None:
        return None
    return ElksSms(
        username=settings.elks_username,
        password=settings.elks_password.get_secret_value(),
        sender=sender,
        base_url=settings.elks_base_url,
        status_callback=lambda attempt_id: elks_hooks.status_callback(settings.origin, proof, attempt_id),
    )


def elks_proof(settings: Settings) -> AddressProof | None:
    """Return what proves callbacks of 46elks, None where it is not set up."""
    password = settings.elks_password
    return None if password is None else AddressProof(password.get_secret_value())


def voice_of(settings: Settings) -> TwilioVoice | None:
    """Return the channel for calls by Twilio, None where it is not set up or has no number to call from."""
    sid, token, sender = settings.twilio_account_sid, settings.twilio_auth_token, _calling_number(settings)
    if sid is None or token is None or sender is None:
        return None
    return TwilioVoice(
        account_sid=sid,
        auth_token=token.get_secret_value(),
        sender=sender,
        base_url=settings.twilio_base_url,
        voice_url=lambda attempt_id: voice_url(settings.origin, attempt_id),
        status_callback=lambda attempt_id: status_callback(settings.origin, attempt_id),
    )


def _calling_number(settings: Settings) -> str | None:
    """Return the number to call from: neither a sender's name nor a messaging service can call."""
    number = settings.twilio_voice_from or settings.twilio_from
    return number if number is not None and is_number(number) else None


def smtp_of(settings: Settings, clock: Clock) -> SmtpMail | None:
    """Return the channel for e-mail by SMTP, None where it is not set up."""
    if settings.smtp_url is None:
        return None
    return SmtpMail(url=settings.smtp_url.get_secret_value(), sender=settings.mail_from, clock=clock)
