"""Who a message speaks to: only as long as its number or mailbox still is that person's.

Addresses change hands. Whoever has the old one must not act as somebody who has a new one; nor does a browser or a
program that was taken away.
"""

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery
from isocket.domain.endpoints import ENDPOINT_KINDS, Endpoint
from isocket.domain.recipients import address_of
from isocket.storage.port import Records


async def reader_of(records: Records, message: Delivery) -> Contact | None:
    """Return the contact whom this message went to; None who was removed, or has another address by now."""
    contact = None if message.contact_id is None else await records.get(Contact, message.contact_id)
    if contact is None:
        return None
    if message.channel in ENDPOINT_KINDS:
        endpoint = await records.get(Endpoint, message.address) if message.address else None
        return contact if endpoint is not None and endpoint.contact_id == contact.id else None
    return contact if _is_theirs(contact, message) else None


def _is_theirs(contact: Contact, message: Delivery) -> bool:
    if message.address:
        return address_of(contact, message.channel) == message.address
    # An old message keeps no address. A proof from before it tells that the address is still the same.
    proofs = [contact.email_verified_at]
    if message.channel is not ChannelKind.EMAIL:
        proofs = [contact.phone_verified_at, contact.voice_verified_at]
    return any(proof is not None and proof <= message.created_at for proof in proofs)
