"""Mails about a socket that changes hands, in every language; none carries words that a customer chose."""

from types import MappingProxyType

from isocket.domain.letters import Letter, letter_from


def transfer_offer(language: str, *, owner: str, link: str, days: int) -> Letter:
    """Return the mail that asks somebody whether they take over a socket of the holder of `owner`'s address."""
    return letter_from(_OFFER, language, owner=owner, link=link, days=str(days))


def transfer_done(language: str) -> Letter:
    """Return the mail that tells who offered a socket that it is another's now; it names nobody."""
    return letter_from(_DONE, language)


def transfer_received(language: str, *, link: str) -> Letter:
    """Return the mail that tells who took a socket that it is theirs, and what is left to do."""
    return letter_from(_RECEIVED, language, link=link)


_OFFER = MappingProxyType(
    {
        "en": (
            "Somebody hands an iSocket over to you",
            (
                "{owner} wants to hand a socket over to you. It becomes yours, and nothing of theirs stays in it.\n\n"
                "To take it, sign in with this address, or open an account with it:\n{link}\n\n"
                "The link works for {days} days. If you do not want it, do nothing.\n"
            ),
        ),
        "fi": (
            "Sinulle luovutetaan iSocket-laite",
            (
                "{owner} haluaa luovuttaa laitteen sinulle. Siitä tulee sinun, eikä hänen tietojaan jää siihen.\n\n"
                "Ota se vastaan kirjautumalla tällä osoitteella tai avaamalla sillä tili:\n{link}\n\n"
                "Linkki toimii {days} päivää. Jos et halua laitetta, älä tee mitään.\n"
            ),
        ),
        "sv": (
            "Någon överlåter en iSocket till dig",
            (
                "{owner} vill överlåta en enhet till dig. Den blir din, och inget från den förra ägaren blir kvar.\n\n"
                "Ta emot den genom att logga in med den här adressen eller skapa ett konto med den:\n{link}\n\n"
                "Länken gäller i {days} dagar. Vill du inte ha den, gör ingenting.\n"
            ),
        ),
        "de": (
            "Jemand übergibt Ihnen einen iSocket",
            (
                "{owner} möchte Ihnen ein Gerät übergeben. Es wird Ihres, und nichts vom Vorbesitzer bleibt darin.\n\n"
                "Zum Übernehmen melden Sie sich mit dieser Adresse an oder eröffnen Sie damit ein Konto:\n{link}\n\n"
                "Der Link gilt {days} Tage. Wenn Sie das Gerät nicht möchten, tun Sie nichts.\n"
            ),
        ),
        "nb": (
            "Noen overlater en iSocket til deg",
            (
                "{owner} vil overlate en enhet til deg. Den blir din, og ingenting fra forrige eier blir igjen.\n\n"
                "Ta imot den ved å logge inn med denne adressen, eller åpne en konto med den:\n{link}\n\n"
                "Lenken virker i {days} dager. Vil du ikke ha den, gjør ingenting.\n"
            ),
        ),
    }
)
_DONE = MappingProxyType(
    {
        "en": (
            "Your socket was taken over",
            "The socket that you offered was taken over. What it reported to you is removed.\n",
        ),
        "fi": (
            "Laitteesi otettiin vastaan",
            "Laite, jonka luovutit, otettiin vastaan. Sen sinulle lähettämät tiedot on poistettu.\n",
        ),
        "sv": (
            "Din enhet har tagits över",
            "Enheten som du erbjöd har tagits över. Det som den rapporterade till dig är borttaget.\n",
        ),
        "de": (
            "Ihr Gerät wurde übernommen",
            "Das angebotene Gerät wurde übernommen. Was es Ihnen gemeldet hat, ist gelöscht.\n",
        ),
        "nb": (
            "Enheten din er overtatt",
            "Enheten som du tilbød, er overtatt. Det den meldte til deg, er fjernet.\n",
        ),
    }
)
_RECEIVED = MappingProxyType(
    {
        "en": (
            "A socket is yours now",
            "The socket is set as it left the factory. Look whom its alarms reach:\n{link}\n",
        ),
        "fi": (
            "Laite on nyt sinun",
            "Laitteessa on tehdasasetukset. Tarkista, kenelle sen hälytykset menevät:\n{link}\n",
        ),
        "sv": (
            "En enhet är din nu",
            "Enheten har fabriksinställningar. Se efter vilka dess larm når:\n{link}\n",
        ),
        "de": (
            "Ein Gerät gehört jetzt Ihnen",
            "Das Gerät hat die Werkseinstellungen. Prüfen Sie, wen seine Alarme erreichen:\n{link}\n",
        ),
        "nb": (
            "En enhet er din nå",
            "Enheten har fabrikkinnstillinger. Se etter hvem alarmene når:\n{link}\n",
        ),
    }
)
