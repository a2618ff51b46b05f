"""The nouns: frozen values without I/O, each stored field with its handling.

`STORED` lists every class whose instances are kept. Importing this package fails when a field says nothing
about how it may be used.
"""

from isocket.domain import (
    accounts,
    answers,
    api_tokens,
    archives,
    breaches,
    call_offs,
    commands,
    consents,
    contacts,
    deliveries,
    desk,
    devices,
    disclosures,
    endpoints,
    erasures,
    exports,
    factors,
    findings,
    incidents,
    listening,
    outages,
    policies,
    problems,
    recipient_visits,
    replays,
    requests,
    restrictions,
    sending,
    shares,
    stops,
    transfers,
    unheard,
    watches,
)
from isocket.domain.record import Record, stored_classes

__all__ = [
    "STORED",
    "accounts",
    "commands",
    "contacts",
    "deliveries",
    "desk",
    "devices",
    "endpoints",
    "incidents",
    "listening",
    "problems",
]
__all__ += [
    "answers",
    "api_tokens",
    "archives",
    "breaches",
    "call_offs",
    "consents",
    "disclosures",
    "erasures",
    "exports",
    "factors",
    "findings",
    "outages",
    "policies",
    "recipient_visits",
    "replays",
    "requests",
    "restrictions",
    "sending",
    "shares",
    "stops",
    "transfers",
    "unheard",
    "watches",
]

STORED: tuple[type[Record], ...] = stored_classes()
