"""What the settings say of money, and of who answers for personal data, as the rooms know it."""

from isocket.app.settings import Settings
from isocket.domain.processing import Controller, Office
from isocket.domain.tariff import Tariff, parse_prices, to_micro


def tariff_of(settings: Settings) -> Tariff:
    """Return what messages cost here and how much an account may spend."""
    return Tariff(
        prices=parse_prices(settings.prices),
        cap_micro=to_micro(settings.spending_cap),
        reserve_micro=to_micro(settings.spending_reserve),
        currency=settings.currency,
    )


def controller_of(settings: Settings) -> Controller:
    """Return who answers for personal data here, and where the providers are."""
    return Controller(
        name=settings.controller,
        contact=settings.privacy_contact,
        sms_country=settings.sms_provider_country,
        mail_country=settings.mail_provider_country,
        safeguard=settings.transfer_safeguard,
    )


def office_of(settings: Settings) -> Office:
    """Return where requests about personal data are answered."""
    return Office(country=settings.office_country, time_zone=settings.office_time_zone)
