"""A ladder that was of no use: written down, told to the account by its own address, and kept to be seen."""

from alerts.notices import notice_of_exhaustion
from alerts.rounds import Round
from alerts.timeline import incident_line
from isocket.domain.accounts import Account
from isocket.domain.incidents import Happening
from isocket.domain.record import Record
from isocket.domain.unheard import UNANSWERED, unheard_of
from isocket.kit.clock import to_ms
from isocket.kit.logs import get_logger
from isocket.storage.port import Records

log = get_logger(__name__)

NOBODY_REACHED = "nobody_reached"
NO_RECIPIENT = "no_recipient"


async def say_that_it_is_exhausted(records: Records, round_: Round, reason: str, *, public_url: str) -> None:
    """Write it once for each reason and each time that the ladder began anew."""
    incident = round_.incident
    anew = () if incident.told_from is None else (to_ms(incident.told_from),)
    made: list[Record] = [
        incident_line(incident, Happening.EXHAUSTED, reason, *anew, at=round_.now, reason=reason),
        unheard_of(incident, reason, round_.now),
    ]
    account = await records.get(Account, incident.account_id)
    if account is not None:
        told, key = reason == UNANSWERED, (reason, *anew)
        made.append(
            notice_of_exhaustion(account, round_.story, told=told, key=key, public_url=public_url, now=round_.now)
        )
    if await records.add_all(made):
        log.warning("incident_exhausted", incident_id=incident.id, reason=reason)
