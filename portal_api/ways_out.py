"""Which kinds of messages get nothing through now, and why: not set up here, refused by the provider, over the cap."""

from collections.abc import Mapping

from isocket.domain.contacts import ChannelKind
from isocket.domain.incidents import Severity
from isocket.domain.reach import NOT_CONFIGURED, SPENDING_CAP
from isocket.domain.sending import ProviderHealth, Spending, month_of, spending_id
from portal_api.portal import Portal

PROVIDER_REFUSES = "provider_refuses"  # every provider of this kind refuses us for now
_WHOLE = 100
_COSTLY = (ChannelKind.SMS, ChannelKind.VOICE)


async def closed_ways(portal: Portal, account_id: str, severity: Severity) -> Mapping[ChannelKind, str]:
    """Return the kinds by which an alarm of this account would not get through now, each with the reason."""
    found = dict.fromkeys(await _refusing(portal), PROVIDER_REFUSES)
    if severity is not Severity.CRITICAL and await _spent(portal, account_id):
        found |= dict.fromkeys(_COSTLY, SPENDING_CAP)
    return found | {kind: NOT_CONFIGURED for kind in ChannelKind if kind not in portal.settings.channels}


async def _spent(portal: Portal, account_id: str) -> bool:
    spending = await portal.records.get(Spending, spending_id(account_id, month_of(portal.clock.now())))
    return spending is not None and spending.told_percent >= _WHOLE


async def _refusing(portal: Portal) -> set[ChannelKind]:
    """Return the kinds of which every provider refuses us as an account.

    One of which nothing is noted takes messages: while all goes well nothing is written down.
    """
    now = portal.clock.now()
    known = await portal.records.find(ProviderHealth)
    refusing = {(each.kind, each.name) for each in known if now < each.refused_until}
    names = {
        kind: portal.settings.providers.get(kind) or [each.name for each in known if each.kind is kind]
        for kind, _ in refusing
    }
    return {kind for kind, all_names in names.items() if all((kind, each) in refusing for each in all_names)}
