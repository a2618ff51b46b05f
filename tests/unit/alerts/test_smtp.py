"""E-mail by SMTP, against a real mail server on loopback."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from aiosmtplib import SMTP
from aiosmtplib.protocol import SMTPProtocol
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from alerts.channels.channel import Message
from alerts.channels.mail_text import AddressInvalidError
from alerts.channels.smtp import SmtpMail, SmtpUrlError, parse_smtp_url
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear
from tests.fakes import smtp_server
from tests.fakes.patience import PATIENCE_S, out_of_time
from tests.fakes.smtp_server import SmtpBehaviour, SmtpSink

TO = "ada@example.org"
SENDER = "iSocket <no-reply@example.org>"
CONTACT, MESSAGE, ACCOUNT = RefusalScope.CONTACT, RefusalScope.MESSAGE, RefusalScope.ACCOUNT


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    sink = SmtpSink()
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
def channel(sink: SmtpSink) -> SmtpMail:
    return SmtpMail(url=sink.url, sender=SENDER, connect_s=PATIENCE_S, total_s=PATIENCE_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsPair:
    """A server's side and that of a client that trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsPair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    both = tmp_path_factory.mktemp("tls") / "both.pem"
    both.write_bytes(certificate + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(both)
    return TlsPair(server=server, client=ssl.create_default_context(cadata=certificate.decode()))


def _message(
    *,
    to: str = TO,
    subject: str = "Mains lost",
    text: str = "Mökki: mains lost 14:02",
    html: str | None = None,
    unsubscribe_url: str | None = None,
    message_id: str | None = "<delivery-1@example.org>",
) -> Message:
    return Message(
        attempt_id="attempt-1",
        to=to,
        subject=subject,
        text=text,
        html=html,
        unsubscribe_url=unsubscribe_url,
        message_id=message_id,
    )


def _only_mail(sink: SmtpSink) -> EmailMessage:
    assert len(sink.messages) == 1
    return sink.messages[0].parsed


def _part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


async def test_a_mail_taken_is_sent_under_its_message_id_without_a_receipt(channel: SmtpMail) -> None:
    assert await channel.send(_message()) == Sent(provider_id="<delivery-1@example.org>", receipt_expected=False)


async def test_the_mail_goes_to_one_recipient_from_our_sender(sink: SmtpSink, channel: SmtpMail) -> None:
    await channel.send(_message())
    assert (sink.messages[0].mail_from, sink.messages[0].rcpt_tos) == ("no-reply@example.org", (TO,))


async def test_the_headers_say_what_a_machine_sent_when_to_whom(sink: SmtpSink, channel: SmtpMail) -> None:
    await channel.send(_message(subject="Mökki: mains lost 14:02 €"))
    mail = _only_mail(sink)
    names = ("From", "To", "Subject", "Message-ID", "Auto-Submitted", "List-Unsubscribe")
    assert {name: mail[name] for name in names} == {
        "From": SENDER,
        "To": TO,
        "Subject": "Mökki: mains lost 14:02 €",
        "Message-ID": "<delivery-1@example.org>",
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": None,
    }


async def test_the_mail_is_dated_by_our_clock(sink: SmtpSink) -> None:
    instant = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    class StandingClock:
        def now(self) -> datetime:
            return instant

        def monotonic_s(self) -> float:
            return 0.0

        async def sleep(self, seconds: float) -> None: ...

        async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
            return event.is_set()

    await SmtpMail(url=sink.url, sender=SENDER, clock=StandingClock()).send(_message())
    assert _only_mail(sink)["Date"].datetime == instant


async def test_without_a_message_id_the_attempt_gives_one(sink: SmtpSink, channel: SmtpMail) -> None:
    outcome = await channel.send(_message(message_id=None))
    assert outcome == Sent(provider_id="<attempt-1@example.org>", receipt_expected=False)
    assert _only_mail(sink)["Message-ID"] == "<attempt-1@example.org>"


async def test_one_click_unsubscribing_stands_in_one_unbroken_line(sink: SmtpSink, channel: SmtpMail) -> None:
    url = "https://cloud.example.org/unsubscribe/" + "x" * 200
    await channel.send(_message(unsubscribe_url=url))
    lines = sink.messages[0].raw.split(b"\r\n")
    assert f"List-Unsubscribe: <{url}>".encode() in lines
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines


async def test_text_and_html_are_alternatives(sink: SmtpSink, channel: SmtpMail) -> None:
    await channel.send(_message(text="plain å", html="<p>rich å</p>"))
    mail = _only_mail(sink)
    assert mail.get_content_type() == "multipart/alternative"
    assert (_part(mail, "plain"), _part(mail, "html")) == ("plain å\n", "<p>rich å</p>\n")


async def test_without_html_the_mail_is_plain(sink: SmtpSink, channel: SmtpMail) -> None:
    await channel.send(_message())
    assert _only_mail(sink).get_content_type() == "text/plain"


async def test_lines_of_dots_do_not_end_the_mail(sink: SmtpSink, channel: SmtpMail) -> None:
    await channel.send(_message(text=".\n..\n.\nend"))
    assert _part(_only_mail(sink), "plain") == ".\n..\n.\nend\n"


async def test_what_is_sent_is_plain_ascii_in_lines_that_every_server_takes(sink: SmtpSink, channel: SmtpMail) -> None:
    await channel.send(_message(text="ä" * 3000 + "\r" + "b" * 3000, subject="ö" * 300))
    raw = sink.messages[0].raw
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.org,eve@example.org", "ada@example.org;eve@example.org", "ada@example.org eve@example.org",
        "Ada <ada@example.org>", "ada@example.org\r\nBcc: eve@example.org", "ada@example.org\n", "ada", "@example.org",
        "ada@", "", '"ada"@example.org', "ada@exa mple.org", "ada@-example.org", "ada@example..org", "ädä@example.org",
        "ada@" + "x" * 64 + ".org",
    ],
)  # fmt: skip
async def test_what_is_not_one_plain_address_does_not_even_leave(sink: SmtpSink, channel: SmtpMail, to: str) -> None:
    assert await channel.send(_message(to=to)) == Refused(reason="address_invalid", scope=CONTACT)
    assert sink.connections == 0


async def test_an_international_domain_is_sent_in_its_ascii_form(sink: SmtpSink, channel: SmtpMail) -> None:
    await channel.send(_message(to="ada@mökki.example"))
    assert sink.messages[0].rcpt_tos == ("ada@xn--mkki-5qa.example",)


@pytest.mark.parametrize(
    "message",
    [
        _message(subject="Mains lost\r\nBcc: eve@example.org"),
        _message(subject="Mains lost\nBcc: eve@example.org"),
        _message(subject="bell\x07"),
        _message(unsubscribe_url="https://cloud.example.org/u\r\nBcc: eve@example.org"),
        _message(message_id="<a@example.org>\r\nBcc: eve@example.org"),
        _message(message_id="no brackets"),
        _message(text="\ud800"),
    ],
)
async def test_a_header_that_would_break_out_is_refused_before_it_leaves(
    sink: SmtpSink, channel: SmtpMail, message: Message
) -> None:
    assert await channel.send(message) == Refused(reason="mail_invalid", scope=MESSAGE)
    assert sink.connections == 0


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (smtp_server.refuse_recipient("450 4.2.0 greylisted"), TryLater(reason="server_said_4.2.0")),
        (smtp_server.refuse_recipient("421 going down"), TryLater(reason="server_said_421")),
        (
            smtp_server.refuse_recipient("550 5.1.1 no such mailbox"),
            Refused(reason="recipient_refused", scope=CONTACT, code="5.1.1"),
        ),
        (
            smtp_server.refuse_recipient("550 no such mailbox"),
            Refused(reason="recipient_refused", scope=CONTACT, code="550"),
        ),
        (
            smtp_server.refuse_recipient("554 5.7.1 relaying denied"),
            Refused(reason="policy", scope=MESSAGE, code="5.7.1"),
        ),
        (
            smtp_server.refuse_recipient("530 5.7.0 sign in first"),
            Refused(reason="credentials", scope=ACCOUNT, code="5.7.0"),
        ),
        (smtp_server.refuse_text("451 4.3.0 disk full"), TryLater(reason="server_said_4.3.0")),
        (
            smtp_server.refuse_text("554 5.6.0 looks like spam"),
            Refused(reason="mail_refused", scope=MESSAGE, code="5.6.0"),
        ),
    ],
)
async def test_what_the_server_did_not_take_is_told_apart(
    sink: SmtpSink, channel: SmtpMail, behaviour: SmtpBehaviour, outcome: Outcome
) -> None:
    sink.script(TO, behaviour)
    assert await channel.send(_message()) == outcome
    assert sink.messages == []


@pytest.mark.parametrize("behaviour", [smtp_server.DROP_AT_RECIPIENT, smtp_server.HANG_AT_RECIPIENT])
async def test_a_break_before_the_text_is_tried_later(
    sink: SmtpSink, channel: SmtpMail, behaviour: SmtpBehaviour
) -> None:
    sink.script(TO, behaviour)
    assert isinstance(await out_of_time(channel.send(_message()), sink.silent, limit_s=PATIENCE_S), TryLater)


@pytest.mark.parametrize(
    "behaviour",
    [smtp_server.DROP_BEFORE_TAKING, smtp_server.DROP_AFTER_TAKING, smtp_server.HANG_AFTER_TAKING],
)
async def test_a_break_after_the_text_is_unclear_and_nothing_is_repeated(
    sink: SmtpSink, channel: SmtpMail, behaviour: SmtpBehaviour
) -> None:
    sink.script(TO, behaviour)
    assert isinstance(await out_of_time(channel.send(_message()), sink.silent, limit_s=PATIENCE_S), Unclear)
    assert sink.connections == 1


async def test_a_refused_connection_is_tried_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    assert isinstance(await SmtpMail(url=f"smtp://127.0.0.1:{port}").send(_message()), TryLater)


async def test_a_server_that_says_nothing_is_tried_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        outcome = await SmtpMail(url=url, connect_s=0.2).send(_message())
    assert isinstance(outcome, TryLater)


async def test_tls_that_fails_is_tried_later(sink: SmtpSink) -> None:
    outcome = await SmtpMail(url=sink.url.replace("smtp:", "smtps:"), connect_s=PATIENCE_S).send(_message())
    assert isinstance(outcome, TryLater)


async def _send_with_login(url_part: str) -> tuple[Outcome, int]:
    sink = SmtpSink(user="ops", password="p@ss")
    await sink.start()
    channel = SmtpMail(url=f"smtp://{url_part}@127.0.0.1:{sink.port}", sender=SENDER)
    outcome = await channel.send(_message())
    await sink.stop()
    return outcome, len(sink.messages)


async def test_a_user_and_password_of_the_address_sign_in() -> None:
    outcome, taken = await _send_with_login("ops:p%40ss")
    assert (type(outcome), taken) == (Sent, 1)


async def test_a_wrong_password_refuses_for_the_whole_account() -> None:
    outcome, taken = await _send_with_login("ops:wrong")
    assert outcome == Refused(reason="credentials", scope=ACCOUNT, code="5.7.8")
    assert taken == 0


async def test_a_server_without_sign_in_is_the_operators_matter(sink: SmtpSink) -> None:
    outcome = await SmtpMail(url=f"smtp://ops:secret@127.0.0.1:{sink.port}").send(_message())
    assert outcome == Refused(reason="server_cannot_do_it", scope=ACCOUNT)


@pytest.mark.parametrize("from_start", [True, False])
async def test_the_mail_goes_over_tls_when_asked(tls: TlsPair, from_start: bool) -> None:
    sink = SmtpSink(user="ops", password="secret", tls=tls.server, tls_from_start=from_start)
    await sink.start()
    channel = SmtpMail(url=f"smtps://ops:secret@localhost:{sink.port}", sender=SENDER, tls_context=tls.client)
    channel._server = replace(channel._server, tls_from_start=from_start, starttls=not from_start)
    outcome = await channel.send(_message())
    await sink.stop()
    assert (type(outcome), [mail.over_tls for mail in sink.messages]) == (Sent, [True])


@pytest.mark.clause("C5-08")
async def test_a_certificate_that_is_not_trusted_gets_no_mail(tls: TlsPair) -> None:
    sink = SmtpSink(tls=tls.server, tls_from_start=True)
    await sink.start()
    outcome = await SmtpMail(url=f"smtps://localhost:{sink.port}", sender=SENDER).send(_message())
    await sink.stop()
    assert (type(outcome), sink.messages) == (TryLater, [])


async def test_where_starttls_is_required_but_not_offered_the_password_stays_here() -> None:
    sink = SmtpSink(user="ops", password="secret")
    await sink.start()
    channel = SmtpMail(url=f"smtp://ops:secret@127.0.0.1:{sink.port}", sender=SENDER)
    channel._server = replace(channel._server, starttls=True)  # as for a host that is not this machine
    outcome = await channel.send(_message())
    await sink.stop()
    assert outcome == Refused(reason="server_cannot_do_it", scope=ACCOUNT)
    assert sink.logins == 0


async def test_what_breaks_before_anything_left_is_tried_later(
    channel: SmtpMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise AttributeError

    monkeypatch.setattr(SMTP, "__init__", break_down)
    assert await channel.send(_message()) == TryLater(reason="nothing_sent: AttributeError")


async def test_a_mail_that_cannot_be_written_is_refused(channel: SmtpMail, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr(EmailMessage, "as_bytes", break_down)
    assert await channel.send(_message()) == Refused(reason="mail_invalid", scope=MESSAGE)


@pytest.mark.parametrize("name", ["write", "close"])
async def test_a_mail_that_was_taken_is_sent_although_the_goodbye_breaks(
    sink: SmtpSink, channel: SmtpMail, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    owner = SMTPProtocol if name == "write" else SMTP
    usual = getattr(owner, name)

    def break_down(of: object, *given: bytes) -> None:
        usual(of, *given)
        if given in {(b"QUIT\r\n",), ()}:
            raise RuntimeError

    monkeypatch.setattr(owner, name, break_down)
    assert isinstance(await channel.send(_message()), Sent)
    assert len(sink.accepted[TO]) == 1


async def test_a_mail_cannot_be_looked_up(channel: SmtpMail) -> None:
    outcome = await channel.look_up(_message(), datetime(2026, 11, 22, tzinfo=UTC))
    assert outcome == Unclear(reason="smtp_cannot_be_asked")


@pytest.mark.parametrize(
    ("url", "port", "tls_from_start", "starttls"),
    [
        ("smtp://mail.example.org", 25, False, None),
        ("smtp://mail.example.org:2525/", 2525, False, None),
        ("smtp://u:p@mail.example.org", 587, False, True),
        ("smtps://mail.example.org", 465, True, False),
        ("smtps://u:p@mail.example.org:4650", 4650, True, False),
        ("smtp://u:p@127.0.0.1", 587, False, False),
        ("smtp://u:p@[::1]:25", 25, False, False),
        ("smtp://localhost", 25, False, False),
        ("smtp://u:p@127.example.org", 587, False, True),
    ],
)
def test_an_address_says_where_and_how_safely(url: str, port: int, tls_from_start: bool, starttls: bool | None) -> None:
    server = parse_smtp_url(url)
    assert (server.port, server.tls_from_start, server.starttls) == (port, tls_from_start, starttls)


@pytest.mark.parametrize(
    "url",
    [
        "", "mail.example.org:25", "http://mail.example.org", "smtp://", "smtp://:25", "smtp://mail.example.org:x",
        "smtp://mail.example.org:99999", "smtp://mail.example.org:0", "smtp://user@mail.example.org", "smtp://mail.example.org/path",
        "smtp://mail.example.org?tls=1", "smtp://[::1", "smtp://u:se/cret@mail.example.org",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SmtpUrlError, match="smtps://user:password@mail") as caught:
        parse_smtp_url(url)
    assert not url or url not in str(caught.value)


def test_the_password_does_not_show_when_the_server_is_printed() -> None:
    assert "secret" not in repr(parse_smtp_url("smtps://u:secret@mail.example.org"))


@pytest.mark.parametrize("sender", ["iSocket", "", "a@example.org, b@example.org", "iSocket <a@b\r\nBcc: c@d>"])
def test_a_sender_that_is_not_one_address_is_refused_at_the_start(sender: str) -> None:
    with pytest.raises(AddressInvalidError):
        SmtpMail(url="smtp://localhost", sender=sender)
