"""A mail server on loopback that keeps what it took, and can refuse, hang up or fall silent as told."""

import asyncio
import email
import email.policy
import ssl
from collections import defaultdict, deque
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.fakes.patience import PATIENCE_S


class SmtpStep(StrEnum):
    """Where in the conversation the server misbehaves."""

    NOWHERE = "nowhere"
    REFUSE_RECIPIENT = "refuse_recipient"
    DROP_AT_RECIPIENT = "drop_at_recipient"
    HANG_AT_RECIPIENT = "hang_at_recipient"
    REFUSE_TEXT = "refuse_text"
    DROP_BEFORE_TAKING = "drop_before_taking"
    DROP_AFTER_TAKING = "drop_after_taking"
    HANG_AFTER_TAKING = "hang_after_taking"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpBehaviour:
    """What happens to one mail; `answer` is the SMTP answer of a refusal."""

    step: SmtpStep
    answer: str = ""


TAKE = SmtpBehaviour(step=SmtpStep.NOWHERE)
DROP_AT_RECIPIENT = SmtpBehaviour(step=SmtpStep.DROP_AT_RECIPIENT)
HANG_AT_RECIPIENT = SmtpBehaviour(step=SmtpStep.HANG_AT_RECIPIENT)
DROP_BEFORE_TAKING = SmtpBehaviour(step=SmtpStep.DROP_BEFORE_TAKING)
DROP_AFTER_TAKING = SmtpBehaviour(step=SmtpStep.DROP_AFTER_TAKING)
HANG_AFTER_TAKING = SmtpBehaviour(step=SmtpStep.HANG_AFTER_TAKING)


def refuse_recipient(answer: str = "550 5.1.1 no such mailbox") -> SmtpBehaviour:
    """Return a refusal of the recipient with this SMTP answer."""
    return SmtpBehaviour(step=SmtpStep.REFUSE_RECIPIENT, answer=answer)


def refuse_text(answer: str = "554 5.6.0 not this one") -> SmtpBehaviour:
    """Return a refusal after the text was sent, with this SMTP answer."""
    return SmtpBehaviour(step=SmtpStep.REFUSE_TEXT, answer=answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenMail:
    """One mail that the server took, whatever the client was told; `raw` is as it came, dots undone."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    raw: bytes
    over_tls: bool
    parsed: EmailMessage


class SmtpSink:
    """A mail server on a free loopback port, in the running loop. `accepted` is the oracle of duplicates."""

    def __init__(
        self,
        *,
        user: str | None = None,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        tls_from_start: bool = False,
    ) -> None:
        """With `tls`, speak it from the start or offer STARTTLS; with `user`, know that one sign-in."""
        self.messages: list[TakenMail] = []
        self.accepted: defaultdict[str, list[TakenMail]] = defaultdict(list)
        self.connections = 0
        self.logins = 0
        self._starttls = None if tls_from_start else tls
        self._tls_from_start = tls if tls_from_start else None
        self._login = (user, password) if user and password else None
        self._scripts: defaultdict[str, deque[SmtpBehaviour]] = defaultdict(deque)
        self.silent = asyncio.Event()  # a conversation hangs
        self._stopping = asyncio.Event()
        self._arrived = asyncio.Event()
        self._talks: list[SMTP] = []
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on; known once started."""
        assert self._server is not None, "start the sink first"
        port = self._server.sockets[0].getsockname()[1]
        assert isinstance(port, int)
        return port

    @property
    def url(self) -> str:
        """The address to give the channel."""
        return f"smtp://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._talk, "127.0.0.1", 0, ssl=self._tls_from_start)

    async def stop(self) -> None:
        """Close the port and every conversation."""
        self._stopping.set()
        if self._server is not None:
            self._server.close()
            for talk in self._talks:
                _abort(talk)
            tasks = [talk._handler_coroutine for talk in self._talks if talk._handler_coroutine is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    def script(self, address: str, *behaviours: SmtpBehaviour) -> None:
        """Treat the next mails to `address` so, one each; after the last, take them."""
        self._scripts[address].extend(behaviours)

    async def wait_for_mail(self, address: str, count: int = 1) -> list[TakenMail]:
        """Return what came for `address` once there are `count`; TimeoutError when they do not come."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.accepted[address]) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.accepted[address]

    def _talk(self) -> SMTP:
        self.connections += 1
        authenticator = self._authenticate if self._login else None
        talk = SMTP(
            self,
            hostname="sink.example.org",
            enable_SMTPUTF8=False,
            auth_require_tls=False,
            auth_exclude_mechanism=None if self._login else ["LOGIN", "PLAIN"],
            authenticator=authenticator,
            tls_context=self._starttls,
            loop=asyncio.get_running_loop(),
        )
        self._talks.append(talk)
        return talk

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: LoginPassword
    ) -> AuthResult:
        self.logins += 1
        given = (auth_data.login.decode(), auth_data.password.decode())
        return AuthResult(success=given == self._login, handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer RCPT TO as the script for this address says (aiosmtpd's hook)."""
        script = self._scripts[address]
        how = script[0] if script else TAKE
        if how.step is SmtpStep.REFUSE_RECIPIENT:
            script.popleft()
            return how.answer
        if how.step in {SmtpStep.DROP_AT_RECIPIENT, SmtpStep.HANG_AT_RECIPIENT}:
            script.popleft()
            return await self._go_silent(server, hang=how.step is SmtpStep.HANG_AT_RECIPIENT)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Answer the end of DATA as the script for the recipient says (aiosmtpd's hook)."""
        script = self._scripts[envelope.rcpt_tos[0]]
        how = script.popleft() if script else TAKE
        if how.step is SmtpStep.REFUSE_TEXT:
            return how.answer
        if how.step is SmtpStep.DROP_BEFORE_TAKING:
            return await self._go_silent(server, hang=False)
        self._take(envelope, over_tls=session.ssl is not None or self._tls_from_start is not None)
        if how.step in {SmtpStep.DROP_AFTER_TAKING, SmtpStep.HANG_AFTER_TAKING}:
            return await self._go_silent(server, hang=how.step is SmtpStep.HANG_AFTER_TAKING)
        return "250 2.0.0 queued as 1A2B3C"

    async def _go_silent(self, server: SMTP, *, hang: bool) -> str:
        if hang:
            self.silent.set()
            await self._stopping.wait()
        else:
            _abort(server)
        return "421 4.3.2 closing"

    def _take(self, envelope: Envelope, *, over_tls: bool) -> None:
        raw = envelope.content
        assert isinstance(raw, bytes)
        parsed = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        mail = TakenMail(
            mail_from=envelope.mail_from or "",
            rcpt_tos=tuple(envelope.rcpt_tos),
            raw=raw,
            over_tls=over_tls,
            parsed=parsed,
        )
        self.messages.append(mail)
        for address in mail.rcpt_tos:
            self.accepted[address].append(mail)
        self._arrived.set()


def _abort(talk: SMTP) -> None:
    if isinstance(talk.transport, asyncio.Transport):
        talk.transport.abort()
