"""What is answered to a text message of a customer's contact while alarms are kept that reached nobody."""

from alerts.stories import story_of
from alerts.wording import Reader
from alerts.wording.account_troubles import unheard_sentence
from isocket.domain.contacts import Contact
from isocket.domain.incidents import Incident
from isocket.domain.unheard import Unheard
from isocket.storage.port import Records, is_

MOST = 50


async def unheard_answer(records: Records, contact: Contact) -> str:
    """Return one text of what nobody heard, in the contact's language; empty where there is nothing.

    Only to a proved number: whoever merely has one that somebody typed in is told nothing of a stranger's alarms.
    It is not marked as seen by this: the customer does that in their account.
    """
    if contact.phone_verified_at is None or contact.paused_at is not None:
        return ""
    kept = await records.find(
        Unheard, is_("account_id", contact.account_id), is_("seen_at", None), order_by="at", descending=True, limit=MOST
    )
    ids = dict.fromkeys(each.incident_id for each in kept)
    found = [await records.get(Incident, each) for each in ids]
    missed = [each for each in found if each is not None and each.acknowledged_at is None]
    if not missed:
        return ""
    return unheard_sentence(await story_of(records, missed[0]), Reader.of(contact), number=len(missed))
