"""The nouns: frozen values without I/O, each stored field with its handling.

`STORED` lists every class whose instances are kept. Importing this package fails when a field says nothing
about how it may be used.
"""

from isocket.domain import (
    accounts,
    answers,
    api_tokens,
    archives,
    authority_cases,
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
    holds,
    homes,
    incidents,
    listening,
    outages,
    policies,
    problems,
    provider_erasures,
    recipient_visits,
    replays,
    request_notes,
    requests,
    restrictions,
    sending,
    shares,
    statistics,
    stops,
    transfers,
    unheard,
    watches,
)
from isocket.domain.record import Record, stored_classes

STORED: tuple[type[Record], ...] = stored_classes()
