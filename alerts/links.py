"""The reader's own links in an e-mail: whoever has the mail has them, and nobody else can guess them.

A token is 256 random bits; stored is only its hash, the token itself stands in the sealed text.
"""

from isocket.domain.deliveries import Delivery
from isocket.kit.ids import token_hash
from isocket.storage.port import Records, is_

INCIDENT_PATH = "/hooks/incident"
UNSUBSCRIBE_PATH = "/hooks/unsubscribe"
LONGEST_TOKEN = 64


def incident_url(public_url: str, token: str) -> str:
    """Return the address of the page that shows an incident, with a button that acknowledges it."""
    return f"{public_url.rstrip('/')}{INCIDENT_PATH}/{token}"


def unsubscribe_url(public_url: str, token: str) -> str:
    """Return the address by which the reader stops our messages."""
    return f"{public_url.rstrip('/')}{UNSUBSCRIBE_PATH}/{token}"


async def delivery_of(records: Records, token: str) -> Delivery | None:
    """Return the delivery that carries this token, None if none does."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    found = await records.find(Delivery, is_("link_hash", token_hash(token)), limit=1)
    return found[0] if found else None
