"""Writes one e-mail: headers, plain text and, where given, the same in HTML."""

import re
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import getaddresses

from alerts.channels.channel import Message

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_MESSAGE_ID = re.compile(r"<[^\s<>@]+@[^\s<>@]+>")


class AddressInvalidError(Exception):
    """The text is not the address of exactly one mailbox that plain SMTP can reach."""


class MailInvalidError(Exception):
    """A value would break out of its header, or cannot be written as mail at all."""


class _WholeLineHeader(UnstructuredHeader, BaseHeader):
    # The standard library breaks a word longer than a line into encoded pieces, and an address is then none.
    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _make_policy() -> "EmailPolicy[EmailMessage]":  # the library takes no parameter when it runs
    headers = HeaderRegistry()
    for name in ("list-unsubscribe", "message-id"):
        headers.map_to_type(name, _WholeLineHeader)
    # 7bit: what is not ASCII is encoded, so that no server on the way is asked what it can carry.
    return SMTP.clone(cte_type="7bit", header_factory=headers)


_POLICY = _make_policy()


def parse_mailbox(text: str) -> Address:
    """Return the one mailbox that `text` names, its domain in the ASCII form of international names.

    Raises AddressInvalidError; a list, a display name, quotes, spaces and a local part that is not ASCII are
    invalid.
    """
    local, at, domain = text.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not (at and _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise AddressInvalidError("give one plain address: name@example.org")
    return Address(username=local, domain=domain)


def parse_sender(text: str) -> Address:
    """Return the sender that `text` names, as `Name <name@example.org>` or the bare address.

    Raises AddressInvalidError.
    """
    named = getaddresses([text])
    if len(named) != 1 or _CONTROL.search(text):
        raise AddressInvalidError("give one sender: Name <name@example.org>")
    display_name, address = named[0]
    mailbox = parse_mailbox(address)
    return Address(display_name=display_name, username=mailbox.username, domain=mailbox.domain)


def write_mail(message: Message, *, sender: Address, to: Address, date: datetime) -> tuple[str, bytes]:
    """Return the message's id (in its angle brackets) and the mail as SMTP carries it, dots not yet doubled.

    Without a `message_id`, one is made of the attempt's id. Raises MailInvalidError.
    """
    message_id = message.message_id or f"<{message.attempt_id}@{sender.domain}>"
    if not _MESSAGE_ID.fullmatch(message_id):
        raise MailInvalidError("message_id is not of the form <left@right>")
    mail = EmailMessage(policy=_POLICY)
    try:
        mail["From"] = sender
        mail["To"] = to
        mail["Subject"] = _header(message.subject)
        mail["Message-ID"] = message_id
        mail["Date"] = date
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: holiday notices are not sent in answer
        if message.unsubscribe_url:
            mail["List-Unsubscribe"] = f"<{_header(message.unsubscribe_url)}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
        return message_id, mail.as_bytes()
    except MailInvalidError:
        raise
    except Exception as error:  # whatever the library trips over
        raise MailInvalidError(f"{type(error).__name__} while writing the mail") from error


def _header(value: str) -> str:
    if _CONTROL.search(value):
        raise MailInvalidError("a header's value holds a control character")
    return value
