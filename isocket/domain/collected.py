"""What passes through the house beside stored records: each thing is declared here, or the tests fail.

What sockets report, cookies, notes in a browser's tab, keys of log lines, fields of forms, what leaves for a provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from isocket.domain.handling import Basis, Export, Handling, Keep, OnErasure, Purpose, Recipient

TELEMETRY_HANDLING = Handling(
    purpose=Purpose.SERVICE,
    basis=Basis.CONTRACT,
    keep=Keep.REPORTS,
    export=Export.PORTABLE,
    on_erasure=OnErasure.DELETE,
)
TELEMETRY_COLLECTION = "telemetry"
TELEMETRY = (
    "boot", "seq", "ts", "relay", "relay_cause", "aux", "mains", "battery_pct", "charging", "temp_c", "input", "armed",
    "signal_dbm", "signal_pct", "credit", "fw", "uptime_s", "cause", "active", "value", "probe",
)  # fmt: skip
"""The fields of state and alarm reports; they tell when a house is used, so they are personal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One cookie that a browser gets from us."""

    name: str
    purpose: str
    life: str


COOKIES = (
    Cookie(name="__Host-sid", purpose="keeps you signed in; without it nobody can be", life="24 h unused, 30 days"),
    Cookie(name="sid", purpose="the same where the portal is reached without HTTPS", life="24 h unused, 30 days"),
)
COOKIE_NAMES = frozenset(each.name for each in COOKIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class TabNote:
    """What our pages note in the session storage of one tab, under this key; it is sent to nobody."""

    key: str
    purpose: str
    life: str


TAB_NOTES = (
    TabNote(
        key="typed",
        purpose="what you typed into a form, without passwords and codes, and your address: so that it is there again "
        "where the form is not taken because you have to sign in or to prove who you are, its page is out of date, "
        "it is refused, there were too many tries, something broke on our side or we cannot be reached",
        life="until the next page; where the form is not taken, until you are back at it or the tab is closed",
    ),
)

FORM_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "username": "e-mail address: signs you in, and is where alarms go first",
        "password": "kept as a hash only",
        "old_password": "shows that it is you; kept nowhere",
        "confirm": "your own address, typed out so that nothing happens by a slip; kept nowhere",
        "name": "what you, a socket, a part of it, or a person to be told is called",
        "time_zone": "times in messages are yours",
        "language": "messages are in it",
        "place": "where a socket is, in your own words",
        "phone": "telephone of a person to be told",
        "email": "e-mail address of a person to be told",
        "address": "number or mailbox by which somebody is told of alarms",
        "act": "what somebody decides about what is held about them",
        "kind": "what somebody asks for by right",
        "reason": "why a member of staff looks at a customer, who will read it",
        "once": "makes that a form of staff which is sent again makes nothing a second time; kept nowhere",
        "seen": "which state of a file the page of staff showed; kept nowhere",
        "evidence": "what staff saw of who asks; gone with the decision",
        "authority": "which authority asks for something",
        "legal_basis": "by which law it asks",
        "paper": "digest of a court's decision",
        "fields_asked": "which fields of a customer an authority gets",
        "begins": "from when on an authority gets them",
        "ends": "until when an authority gets them",
        "silent_why": "by which law the customer may not be told yet",
        "ground": "why something of a customer is held",
        "parts": "what of a customer is held",
        "reference": "number of a claim or an order",
        "review_on": "by when staff look again whether it is needed still",
        "ends_on": "when it ends by itself",
        "silent_until": "until when an order forbids to tell the customer",
        "received_on": "on which day a letter came",
        "proof": "by what staff know who asks",
        "show": "which part of a list",
        "cursor": "behind which line a list goes on; kept nowhere",
        "postal": "where a letter goes that answers one",
        "words": "what they ask for, in their own words",
        "country": "where they live; it names the authority to which they may complain",
        "channel": "by which way a code or a message goes",
        "code": "proves that an address is theirs",
        "credential": "what your passkey signed; of a new one its public half is kept",
        "ticket": "shows that the page before was answered rightly; kept nowhere",
        "purpose": "what a program that you let in needs it for, as you were told",
        "token": "from a link in a message; shows that the mailbox or telephone is yours",
        "device_id": "which socket, from its label",
        "claim_code": "proves that you hold the socket",
        "csrf": "proves that the form is ours; kept nowhere",
        "next": "the page to go to afterwards; kept nowhere",
        "back": "the page to go back to; kept nowhere",
        "call": "a call on the demonstration's desk",
        "agree": "that you want the newsletter; nobody ticks it for you",
        "newsletter": "whether you want the newsletter",
        "statistics": "whether you object to being counted",
        "surveys": "whether you object to being asked for an opinion",
        "alarms": "what becomes of alarms while your data is only kept",
        "on": "whether something is to begin or to end",
        "version": "which version of the privacy policy you have seen",
        "what": "what happened to people's data, as staff note it",
        "risk": "what a breach may do to people",
        "event": "whether a breach is an event of the product",
        "aware_at": "when we knew of a breach",
        "began_at": "when a breach began",
        "ended_at": "when a breach ended",
        "scope": "which fields a breach opened",
        "provider": "which provider was broken into",
        "looked": "who looked that should not",
        "accounts": "which accounts a breach concerns",
        "duty": "which duty to an authority",
        "at": "when an authority was told, or a hole was closed",
        "happened": "what whoever is concerned is told",
        "consequences": "what it may mean for them",
        "measures": "what we do about it",
        "done": "what was done about it",
        "advice": "what they can do",
    }
)
"""What may be asked for on a page about a person, and why. Numbers and choices that steer a socket are settings."""

LOG_KEYS = frozenset({
    "account_id", "answer", "api_token_id", "archive_id", "attempt_id", "attempt_state", "breach_id", "broker",
    "case_id", "cause", "channel", "collection", "command_id", "contact_id", "delivery_id", "device_id", "devices",
    "endpoint_id", "erasure_id", "error", "error_id", "export_id", "family", "fields", "fleet", "folder", "free_at",
    "hit", "hold_id", "home_id", "homes", "incident_id", "incidents", "kind", "lane", "last_words", "lock", "messages",
    "method", "ms", "name", "number", "orderly", "outage_id", "part", "passed_over", "percent", "person_id", "persons",
    "pid", "places", "portal", "problem", "provider", "rate", "reads_ended", "reason", "receipt_id", "records",
    "replay_id", "reports", "request_id", "restarts", "returncode", "roles", "route", "sender", "service",
    "session_id", "session_present", "share_id", "signal", "size", "stage", "state", "status", "steps",
    "substitution_id", "times", "transfer_id", "until", "waiting", "words", "worker",
})  # fmt: skip
"""Every key that a log line may carry beside its event, level, logger and time: ids, counts and fixed words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What one kind of provider is handed. `personal` names the fields of it that tell about a person."""

    recipient: Recipient
    fields: tuple[str, ...]
    personal: tuple[str, ...]


OUTGOING: Mapping[str, Outgoing] = MappingProxyType(
    {
        "sms": Outgoing(
            recipient=Recipient.SMS_VOICE_PROVIDER,
            fields=("To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ContentRetention",
                    "AddressRetention"),
            personal=("To", "Body"),
        ),
        "sms by 46elks": Outgoing(
            recipient=Recipient.SMS_VOICE_PROVIDER,
            fields=("from", "to", "message", "whendelivered", "dontlog"),
            personal=("to", "message"),
        ),
        "voice": Outgoing(
            recipient=Recipient.SMS_VOICE_PROVIDER,
            fields=("To", "From", "Url", "Method", "StatusCallback", "StatusCallbackMethod", "StatusCallbackEvent",
                    "Timeout", "TimeLimit"),
            personal=("To",),
        ),
        "email": Outgoing(
            recipient=Recipient.MAIL_PROVIDER,
            fields=("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Unsubscribe",
                    "List-Unsubscribe-Post", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "body"),
            personal=("To", "Subject", "body"),
        ),
        "push": Outgoing(
            recipient=Recipient.PUSH_SERVICE,
            fields=("endpoint", "Authorization", "TTL", "Urgency", "Topic", "ciphertext"),
            personal=("endpoint", "ciphertext"),
        ),
        "webhook": Outgoing(
            recipient=Recipient.WEBHOOK_RECEIVER, fields=("url", "signature", "body"), personal=("url", "body")
        ),
    }
)  # fmt: skip
