"""Which way of reaching people is real here, and which ends on the desk."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from alerts.callbacks import status_callback
from alerts.channels.channel import Channel, ChannelKind
from alerts.channels.mail_text import AddressInvalidError
from alerts.channels.smtp import SmtpMail, SmtpUrlError
from alerts.channels.twilio_sms import TwilioSms
from alerts.desk import DeskChannel
from isocket.app.addresses import is_loopback
from isocket.app.settings import Settings
from isocket.app.settings_sources import SettingsError
from isocket.kit.clock import Clock
from isocket.storage.port import Records

KINDS = (ChannelKind.SMS, ChannelKind.EMAIL)


@dataclass(frozen=True, slots=True)
class Channels:
    """One channel for each kind that can be had; what goes by another fails visibly."""

    by_kind: Mapping[ChannelKind, Channel]

    @classmethod
    def from_settings(cls, settings: Settings, *, records: Records, clock: Clock) -> Self:
        """Return Twilio and SMTP where they are set up, else the desk where somebody can open it.

        Raises:
            SettingsError: the mail server's or the sender's address cannot be used.
        """
        found: dict[ChannelKind, Channel] = {}
        if desk_can_be_opened(settings):
            found = {kind: DeskChannel(kind, records=records, clock=clock) for kind in KINDS}
        sms = twilio_of(settings)
        mail = smtp_of(settings, clock)
        if sms is not None:
            found[ChannelKind.SMS] = sms
        if mail is not None:
            found[ChannelKind.EMAIL] = mail
        return cls(found)

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for `stop`, then give the connections back."""
        await stop.wait()
        for channel in self.by_kind.values():
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
        return frozenset(KINDS)
    given = {ChannelKind.SMS: settings.twilio_account_sid, ChannelKind.EMAIL: settings.smtp_url}
    return frozenset(kind for kind, provider in given.items() if provider is not None)


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


def smtp_of(settings: Settings, clock: Clock) -> SmtpMail | None:
    """Return the channel for e-mail by SMTP, None where it is not set up.

    Raises:
        SettingsError: the mail server's or the sender's address cannot be used.
    """
    if settings.smtp_url is None:
        return None
    try:
        return SmtpMail(url=settings.smtp_url.get_secret_value(), sender=settings.mail_from, clock=clock)
    except SmtpUrlError as error:
        raise SettingsError([f"ISOCKET_SMTP_URL: {error}"]) from None
    except AddressInvalidError as error:
        raise SettingsError([f"ISOCKET_MAIL_FROM: {error}"]) from None
