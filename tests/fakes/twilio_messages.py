"""One text message at the double of Twilio, and what is wrong with a request for one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from aiohttp import web

from tests.fakes.twilio_account import API, TwilioAccount, callback_fault
from tests.fakes.twilio_behaviours import error

NUMBER_INVALID = "+15005550001"  # never a valid recipient, as with Twilio's test credentials


@dataclass(slots=True, kw_only=True)
class AcceptedMessage:
    """One message that went out: the double's fact, whatever the client was told."""

    sid: str
    to: str
    sender: str
    body: str
    status_callback: str | None
    created_at: datetime
    form: Mapping[str, str]
    status: str = "queued"
    error_code: int | None = None
    callbacks: list[str] = field(default_factory=list)
    sent_at: datetime | None = None
    deleted: bool = False  # at Twilio; the oracle still counts it


def describe(account: TwilioAccount, message: AcceptedMessage) -> dict[str, object]:
    """Return the resource as Twilio shows it."""
    created = format_datetime(message.created_at.astimezone(UTC))
    sent = None if message.sent_at is None else format_datetime(message.sent_at.astimezone(UTC))
    uri = f"/{API}/Accounts/{account.sid}/Messages/{message.sid}"
    return {
        "account_sid": account.sid, "api_version": API, "body": message.body,
        "date_created": created, "date_sent": sent, "date_updated": created, "direction": "outbound-api",
        "error_code": message.error_code, "error_message": None, "from": message.sender,
        "messaging_service_sid": message.form.get("MessagingServiceSid"), "num_media": "0",
        "num_segments": "1", "price": None, "price_unit": "USD", "sid": message.sid,
        "status": message.status, "subresource_uris": {"media": f"{uri}/Media.json"}, "to": message.to,
        "uri": f"{uri}.json",
    }  # fmt: skip


def find_fault(form: Mapping[str, str]) -> web.Response | None:
    """Return the error for a create request that is wrong in itself."""
    if not form.get("To"):
        return error(21604, 400, "A 'To' phone number is required.")
    if not (form.get("From") or form.get("MessagingServiceSid")):
        return error(21603, 400, "A 'From' phone number is required.")
    if form["To"] == NUMBER_INVALID:
        return error(21211, 400, "Invalid 'To' Phone Number")
    if not form.get("Body"):
        return error(21602, 400, "Message body is required.")
    if len(form["Body"]) > 1600:
        return error(21617, 400, "The concatenated message body exceeds the 1600 character limit")
    return callback_fault(form, "StatusCallback")


def moment(text: str) -> datetime:
    """Return the time that a filter names."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return parsedate_to_datetime(text)
