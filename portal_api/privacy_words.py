"""What the holder of an account is told about being erased, in every language; a text fits one GSM-7 segment."""

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from isocket.domain.letters import spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """One message in both forms. The text names neither person nor account."""

    subject: str
    mail: str
    text: str


def asked(language: str, *, day: datetime, link: str, page: str) -> Farewell:
    """Return word that an account will be erased on `day`; `link` shows the receipt, `page` is where to stop it."""
    subject, mail, text = _ASKED[spoken(language)]
    said = {"day": f"{day:%Y-%m-%d}", "link": link, "page": page}
    return Farewell(subject=subject, mail=mail.format(**said), text=text.format(**said))


def undone(language: str) -> Farewell:
    """Return word that an account stays after all."""
    subject, mail, text = _UNDONE[spoken(language)]
    return Farewell(subject=subject, mail=mail, text=text)


_ASKED = MappingProxyType(
    {
        "en": (
            "Your iSocket account will be erased",
            (
                "Your account and everything about it will be erased on {day}. From then on your sockets "
                "are not watched and nobody is alarmed.\n\n"
                "If it was not you, or you think better of it, sign in before then and stop it:\n{page}\n"
                "\nKeep this address; it shows the receipt, also when you cannot sign in any more:\n"
                "{link}\n"
            ),
            "iSocket: your account will be erased on {day}. Not you? Sign in before then and stop it.",
        ),
        "fi": (
            "iSocket-tilisi poistetaan",
            (
                "Tilisi ja kaikki siihen liittyvä poistetaan {day}. Sen jälkeen pistorasioitasi ei valvota "
                "eikä kukaan saa hälytyksiä.\n\n"
                "Jos se et ollut sinä tai muutat mielesi, kirjaudu sisään ennen sitä ja peruuta:\n{page}\n"
                "\nSäilytä tämä osoite; siitä näet kuitin silloinkin, kun et enää voi kirjautua:\n{link}\n"
            ),
            "iSocket: tilisi poistetaan {day}. Etkö pyytänyt tätä? Kirjaudu sisään ja peruuta.",
        ),
        "sv": (
            "Ditt iSocket-konto raderas",
            (
                "Ditt konto och allt som hör till det raderas {day}. Därefter övervakas inte dina uttag "
                "och ingen larmas.\n\n"
                "Var det inte du, eller ångrar du dig, logga in innan dess och stoppa det:\n{page}\n\n"
                "Spara den här adressen; den visar kvittot även när du inte kan logga in längre:\n{link}\n"
            ),
            "iSocket: ditt konto raderas {day}. Inte du? Logga in innan dess och stoppa det.",
        ),
        "de": (
            "Ihr iSocket-Konto wird gelöscht",
            (
                "Ihr Konto und alles, was dazu gehört, wird am {day} gelöscht. Danach werden Ihre "
                "Steckdosen nicht mehr überwacht und niemand wird alarmiert.\n\n"
                "Waren Sie es nicht oder überlegen Sie es sich anders, melden Sie sich vorher an und "
                "halten Sie es auf:\n{page}\n\n"
                "Heben Sie diese Adresse auf; sie zeigt die Quittung auch dann, wenn Sie sich nicht mehr "
                "anmelden können:\n{link}\n"
            ),
            "iSocket: Ihr Konto wird am {day} gelöscht. Nicht von Ihnen? Vorher anmelden und aufhalten.",
        ),
        "nb": (
            "iSocket-kontoen din blir slettet",
            (
                "Kontoen din og alt som hører til den, blir slettet {day}. Etter det overvåkes ikke "
                "kontaktene dine, og ingen varsles.\n\n"
                "Var det ikke deg, eller ombestemmer du deg, logg inn før det og stopp det:\n{page}\n\n"
                "Ta vare på denne adressen; den viser kvitteringen også når du ikke kan logge inn lenger:\n"
                "{link}\n"
            ),
            "iSocket: kontoen din blir slettet {day}. Ikke deg? Logg inn før det og stopp det.",
        ),
    }
)
_UNDONE = MappingProxyType(
    {
        "en": (
            "Your iSocket account stays",
            "Your account will not be erased; everything stays as it is.\n",
            "iSocket: your account will not be erased after all.",
        ),
        "fi": (
            "iSocket-tilisi säilyy",
            "Tiliäsi ei poisteta; kaikki säilyy ennallaan.\n",
            "iSocket: tiliäsi ei sittenkään poisteta.",
        ),
        "sv": (
            "Ditt iSocket-konto finns kvar",
            "Ditt konto raderas inte; allt förblir som det är.\n",
            "iSocket: ditt konto raderas inte.",
        ),
        "de": (
            "Ihr iSocket-Konto bleibt",
            "Ihr Konto wird nicht gelöscht; alles bleibt, wie es ist.\n",
            "iSocket: Ihr Konto wird doch nicht gelöscht.",
        ),
        "nb": (
            "iSocket-kontoen din blir værende",
            "Kontoen din blir ikke slettet; alt forblir som det er.\n",
            "iSocket: kontoen din blir likevel ikke slettet.",
        ),
    }
)
