"""E-mail by SMTP, in steps of our own: it must be known whether the text had gone when something broke."""

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from alerts.channels.channel import ChannelKind, Message
from alerts.channels.mail_text import (
    AddressInvalidError,
    MailInvalidError,
    parse_mailbox,
    parse_sender,
    write_mail,
)
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear
from isocket.kit.clock import Clock, SystemClock
from isocket.kit.loopback import is_loopback

_ENHANCED_CODE = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"(?m)^\.")
_START_INPUT = 354
_AUTH_MISSING = frozenset({530, 534, 535, 538})


class SmtpUrlError(ValueError):
    """The mail server's address cannot be used; the message says how it should look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed over.

    `tls_from_start` is smtps. `starttls`: True is required, False never, None where the server offers it.
    """

    host: str
    port: int
    tls_from_start: bool
    starttls: bool | None
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_smtp_url(url: str) -> MailServer:
    """Return the server that `smtp://` or `smtps://[user:password@]host[:port]` names.

    User and password are percent-decoded. Over smtp, STARTTLS is used where offered and required when there
    is a password; to this machine itself it is left out, because local servers' certificates rarely fit.
    Raises SmtpUrlError, whose message never holds the address itself.
    """
    example = "it should look like smtps://user:password@mail.example.org:465"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SmtpUrlError(f"the mail server's address cannot be read: {example}") from error
    if parts.scheme not in {"smtp", "smtps"}:
        raise SmtpUrlError(f"the mail server's address starts neither with smtp:// nor smtps://: {example}")
    if not host:
        raise SmtpUrlError(f"the mail server's address names no host: {example}")
    if port == 0:
        raise SmtpUrlError(f"the mail server's address names port 0, where nothing can be reached: {example}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise SmtpUrlError(f"the mail server's address has something after the port: {example}")
    if (parts.username is None) != (parts.password is None):
        raise SmtpUrlError(f"the mail server's address gives a user or a password, not both: {example}")
    secure = parts.scheme == "smtps"
    user = unquote(parts.username) if parts.username else None
    return MailServer(
        host=host,
        port=port or (465 if secure else 587 if user else 25),
        tls_from_start=secure,
        starttls=False if secure or is_loopback(host) else True if user else None,
        user=user,
        password=unquote(parts.password) if parts.password else None,
    )


class SmtpMail:
    """The channel for e-mail: one connection for each message, one recipient for each mail."""

    kind = ChannelKind.EMAIL
    name = "smtp"

    def __init__(
        self,
        *,
        url: str,
        sender: str = "iSocket <no-reply@localhost>",
        connect_s: float = 10.0,
        total_s: float = 30.0,
        tls_context: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Raise SmtpUrlError or AddressInvalidError; nothing is opened before the first message.

        `connect_s` limits each of reaching the server and its greeting, `total_s` the whole message.
        `tls_context` replaces the usual trust, for a mail server with a certificate authority of its own.
        `clock` dates the mail.
        """
        self._server = parse_smtp_url(url)
        self._sender = parse_sender(sender)
        self._connect_s = connect_s
        self._total_s = total_s
        self._tls_context = tls_context
        self._clock = clock or SystemClock()

    async def send(self, message: Message) -> Outcome:
        """Hand the mail to the server, once; see Channel.send. `Sent.provider_id` is the Message-ID."""
        try:
            to = parse_mailbox(message.to)
            message_id, mail = write_mail(message, sender=self._sender, to=to, date=self._clock.now())
        except AddressInvalidError:
            return Refused(reason="address_invalid", scope=RefusalScope.CONTACT)
        except MailInvalidError:
            return Refused(reason="mail_invalid", scope=RefusalScope.MESSAGE)
        try:
            handover = _Handover(smtp=self._client(), sender=self._sender, to=to, mail=mail)
        except Exception as error:  # noqa: BLE001 - whatever the library trips over, nothing has left
            return TryLater(reason=f"nothing_sent: {type(error).__name__}")
        return await self._settle(handover, message_id)

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        """Return Unclear: a mail server cannot be asked what became of a mail."""
        del message, sent_after
        return Unclear(reason="smtp_cannot_be_asked")

    async def close(self) -> None:
        """Do nothing: no connection outlives its message."""

    def _client(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls_from_start,
            start_tls=server.starttls,
            local_hostname=self._sender.domain,  # asking the resolver for our own name can take many seconds
            timeout=self._total_s,
            tls_context=self._tls_context,
        )

    async def _settle(self, handover: "_Handover", message_id: str) -> Outcome:
        try:
            async with asyncio.timeout(self._total_s):
                await handover.run(connect_s=self._connect_s, answer_s=self._total_s)
        except SMTPResponseException as error:
            return _read_refusal(error, handover)
        except Exception as error:  # noqa: BLE001 - whatever broke, what counts is whether the text had gone
            return _read_break(error, handover)
        finally:
            handover.hang_up()
        return Sent(provider_id=message_id, receipt_expected=False)


@dataclass(slots=True, kw_only=True)
class _Handover:
    """One conversation with the mail server. After `text_began_to_leave` the server may have the mail."""

    smtp: SMTP
    sender: Address
    to: Address
    mail: bytes
    text_began_to_leave: bool = False

    async def run(self, *, connect_s: float, answer_s: float) -> None:
        """Return when the server has taken the mail; raise aiosmtplib's errors, OSError or TimeoutError."""
        await self.smtp.connect(timeout=connect_s)
        await self.smtp.mail(self.sender.addr_spec)
        await self.smtp.rcpt(self.to.addr_spec)
        go_on = await self.smtp.execute_command(b"DATA")
        if go_on.code != _START_INPUT:
            raise SMTPResponseException(go_on.code, go_on.message)
        protocol = self.smtp.protocol
        if protocol is None or not protocol.is_connected:
            raise ConnectionResetError("the server hung up")
        text = _LEADING_DOT.sub(b"..", _LINE_END.sub(b"\r\n", self.mail))
        end = b".\r\n" if text.endswith(b"\r\n") else b"\r\n.\r\n"
        self.text_began_to_leave = True
        protocol.write(text + end)
        answer = await protocol.read_response(timeout=answer_s)
        if not 200 <= answer.code < 300:  # noqa: PLR2004 - SMTP's range of success
            raise SMTPResponseException(answer.code, answer.message)

    def hang_up(self) -> None:
        """Say goodbye without waiting for the answer, and close; what breaks here says nothing of the mail."""
        protocol = self.smtp.protocol
        if protocol is not None and protocol.is_connected:
            with suppress(Exception):
                protocol.write(b"QUIT\r\n")
        with suppress(Exception):
            self.smtp.close()


def _read_refusal(error: SMTPResponseException, handover: _Handover) -> Outcome:
    code = _code(error)
    if not 400 <= error.code < 600:  # noqa: PLR2004 - outside: not an answer SMTP knows
        return _read_break(error, handover)
    if error.code < 500:  # noqa: PLR2004 - SMTP's border between "not now" and "no"
        return TryLater(reason=f"server_said_{code}")
    if isinstance(error, SMTPAuthenticationError) or error.code in _AUTH_MISSING:
        return Refused(reason="credentials", scope=RefusalScope.ACCOUNT, code=code)
    if isinstance(error, (SMTPConnectResponseError, SMTPHeloError)):
        return Refused(reason="server_refuses_us", scope=RefusalScope.ACCOUNT, code=code)
    if isinstance(error, SMTPSenderRefused):
        return Refused(reason="sender_refused", scope=RefusalScope.ACCOUNT, code=code)
    if isinstance(error, SMTPRecipientRefused):
        return _read_recipient_refusal(code)
    return Refused(reason="mail_refused", scope=RefusalScope.MESSAGE, code=code)


def _read_recipient_refusal(code: str) -> Outcome:
    # RFC 3463: 5.7.x is policy. It may be about us as well as about the mailbox, so it is not held against
    # the contact for good.
    if code.startswith("5.7."):
        return Refused(reason="policy", scope=RefusalScope.MESSAGE, code=code)
    return Refused(reason="recipient_refused", scope=RefusalScope.CONTACT, code=code)


def _read_break(error: Exception, handover: _Handover) -> Outcome:
    if handover.text_began_to_leave:
        return Unclear(reason=f"answer_lost: {type(error).__name__}")
    if isinstance(error, SMTPNotSupported) or type(error) is SMTPException:
        # The server offers no STARTTLS or no way to sign in: an operator's matter.
        return Refused(reason="server_cannot_do_it", scope=RefusalScope.ACCOUNT)
    return TryLater(reason=f"nothing_sent: {type(error).__name__}")


def _code(error: SMTPResponseException) -> str:
    # The enhanced code of RFC 3463 says more; the server's words are left out, they may hold the address.
    enhanced = _ENHANCED_CODE.match(error.message)
    return enhanced.group(1) if enhanced else str(error.code)
