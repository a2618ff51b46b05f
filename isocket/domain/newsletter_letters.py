"""The words around the newsletter, in every language: the question to the mailbox, and the end of each mail."""

from collections.abc import Mapping
from types import MappingProxyType

from isocket.domain.letters import Letter, letter_from, spoken

ONE_CLICK_PATH = "/api/v1/newsletter/leave"
LEAVE_PATH = "/newsletter/leave"
CONFIRM_PATH = "/newsletter/confirm"


def confirmation_mail(language: str, link: str) -> Letter:
    """Return the mail that asks a mailbox whether it wants the newsletter. Nothing comes without an answer."""
    return letter_from(_CONFIRMATION, language, link=link)


def newsletter_text(language: str, text: str, *, leave: str, sender: str) -> str:
    """Return a newsletter with its end: why it comes, how to stop it, and who sends it."""
    return f"{text.rstrip()}\n\n-- \n" + _END[spoken(language)].format(leave=leave) + f"{sender}\n"


_CONFIRMATION: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": (
            "Do you want the iSocket newsletter?",
            (
                "Somebody, most likely you, asked for the iSocket newsletter for this address.\n\n"
                "If you want it, open this page and press the button:\n{link}\n\n"
                "If not, do nothing: nothing will come, and the address is forgotten in 30 days.\n"
            ),
        ),
        "fi": (
            "Haluatko iSocket-uutiskirjeen?",
            (
                "Joku, luultavasti sinä, tilasi iSocket-uutiskirjeen tähän osoitteeseen.\n\n"
                "Jos haluat sen, avaa tämä sivu ja paina painiketta:\n{link}\n\n"
                "Jos et, älä tee mitään: mitään ei tule, ja osoite unohdetaan 30 päivässä.\n"
            ),
        ),
        "sv": (
            "Vill du ha iSockets nyhetsbrev?",
            (
                "Någon, troligen du, bad om iSockets nyhetsbrev till den här adressen.\n\n"
                "Vill du ha det, öppna den här sidan och tryck på knappen:\n{link}\n\n"
                "Om inte, gör ingenting: det kommer inget, och adressen glöms om 30 dagar.\n"
            ),
        ),
        "de": (
            "Möchten Sie den iSocket-Newsletter?",
            (
                "Jemand, vermutlich Sie, hat für diese Adresse den iSocket-Newsletter bestellt.\n\n"
                "Wenn Sie ihn möchten, öffnen Sie diese Seite und drücken Sie den Knopf:\n{link}\n\n"
                "Wenn nicht, tun Sie nichts: Es kommt keiner, und die Adresse ist in 30 Tagen vergessen.\n"
            ),
        ),
        "nb": (
            "Vil du ha iSocket-nyhetsbrevet?",
            (
                "Noen, trolig du, ba om iSocket-nyhetsbrevet til denne adressen.\n\n"
                "Vil du ha det, åpne denne siden og trykk på knappen:\n{link}\n\n"
                "Hvis ikke, gjør ingenting: det kommer ikke, og adressen glemmes om 30 dager.\n"
            ),
        ),
    }
)
_END: Mapping[str, str] = MappingProxyType(
    {
        "en": "You get this because you asked for it. To stop it, open this page and press the button:\n{leave}\n",
        "fi": "Saat tämän, koska tilasit sen. Lopeta avaamalla tämä sivu ja painamalla painiketta:\n{leave}\n",
        "sv": "Du får det här för att du bad om det. Stoppa det: öppna sidan och tryck på knappen:\n{leave}\n",
        "de": "Sie bekommen dies, weil Sie darum gebeten haben. Zum Abbestellen öffnen Sie diese Seite und drücken "
        "Sie den Knopf:\n{leave}\n",
        "nb": "Du får dette fordi du ba om det. For å stoppe det, åpne denne siden og trykk på knappen:\n{leave}\n",
    }
)
