"""What alarm recipients are told about their own page, and what the owner is told of who is not told any more.

A text carries neither name nor address, and its code is the only run of digits in it; one GSM-7 segment.
"""

from types import MappingProxyType

from isocket.domain.letters import Letter, letter_from, spoken


def page_mail(language: str, *, link: str) -> Letter:
    """Return the mail with the way to the page that shows what we hold of its reader."""
    return letter_from(_PAGE, language, link=link)


def page_code(language: str, code: str) -> str:
    """Return the text with the code for that page."""
    return _CODE[spoken(language)].format(code=code)


def first_contact(language: str, *, page: str) -> str:
    """Return what the first mail to somebody says of where our values came from, and what they may do (Art. 14)."""
    return _FIRST[spoken(language)].format(page=page)


def gap_left(language: str, *, link: str) -> Letter:
    """Return word to the owner that somebody whom they entered was erased at their own wish."""
    return letter_from(_ERASED, language, link=link)


def gap_objected(language: str, *, link: str) -> Letter:
    """Return word to the owner that somebody whom they entered objects to being told."""
    return letter_from(_OBJECTED, language, link=link)


_PAGE = MappingProxyType(
    {
        "en": (
            "What we hold about you",
            (
                "Somebody, most likely you, asked to see what iSocket holds about the reader of this mailbox.\n\n"
                "Your page opens once, within 30 minutes:\n{link}\n\n"
                "There you can correct it, take it with you, stop our messages, object, and be erased.\n"
                "If it was not you, do nothing.\n"
            ),
        ),
        "fi": (
            "Mitä meillä on sinusta",
            (
                "Joku, luultavasti sinä, pyysi nähdä, mitä tietoja iSocketilla on tämän postilaatikon lukijasta.\n\n"
                "Sivusi avautuu kerran, 30 minuutin kuluessa:\n{link}\n\n"
                "Siellä voit oikaista tiedot, ottaa ne mukaasi, lopettaa viestimme, vastustaa käsittelyä ja pyytää "
                "tietojesi poistoa.\nJos se et ollut sinä, älä tee mitään.\n"
            ),
        ),
        "sv": (
            "Vad vi har om dig",
            (
                "Någon, troligen du, bad att få se vad iSocket har om den som läser den här brevlådan.\n\n"
                "Din sida öppnas en gång, inom 30 minuter:\n{link}\n\n"
                "Där kan du rätta uppgifterna, ta dem med dig, stoppa våra meddelanden, invända och få allt raderat.\n"
                "Var det inte du, gör ingenting.\n"
            ),
        ),
        "de": (
            "Was wir über Sie haben",
            (
                "Jemand, vermutlich Sie, wollte sehen, was iSocket über den Leser dieses Postfachs hat.\n\n"
                "Ihre Seite öffnet sich einmal, innerhalb von 30 Minuten:\n{link}\n\n"
                "Dort können Sie Ihre Daten berichtigen, mitnehmen und löschen lassen, unsere Nachrichten "
                "beenden und widersprechen.\n"
                "Waren Sie es nicht, tun Sie nichts.\n"
            ),
        ),
        "nb": (
            "Hva vi har om deg",
            (
                "Noen, trolig du, ba om å få se hva iSocket har om den som leser denne postkassen.\n\n"
                "Siden din åpnes én gang, innen 30 minutter:\n{link}\n\n"
                "Der kan du rette opplysningene, ta dem med deg, stoppe meldingene våre, protestere og "
                "få alt slettet.\n"
                "Var det ikke deg, gjør ingenting.\n"
            ),
        ),
    }
)
_CODE = MappingProxyType(
    {
        "en": "iSocket code {code}: opens the page with what we hold about you. Not asked for? Ignore this.",
        "fi": "iSocket-koodi {code}: avaa sivun, jolla näet tietosi. Jos et pyytänyt tätä, älä tee mitään.",
        "sv": "iSocket-kod {code}: öppnar sidan med det vi har om dig. Bad du inte om den, gör ingenting.",
        "de": "iSocket-Code {code}: öffnet die Seite mit dem, was wir über Sie haben. Nicht angefragt? Nichts tun.",
        "nb": "iSocket-kode {code}: åpner siden med det vi har om deg. Ba du ikke om den, gjør ingenting.",
    }
)
_FIRST = MappingProxyType(
    {
        "en": "A customer of ours entered your name and address, so that you are told of alarms of their "
        "sockets. What we "
        "hold about you, who entered you, and how to stop, object or be erased:\n{page}",
        "fi": "Asiakkaamme antoi nimesi ja osoitteesi, jotta saat tiedon hänen pistorasioidensa hälytyksistä. "
        "Mitä meillä "
        "on sinusta, kuka sinut lisäsi ja miten voit lopettaa viestit, vastustaa käsittelyä tai poistaa "
        "tietosi:\n{page}",
        "sv": "En kund hos oss angav ditt namn och din adress, så att du larmas om kundens uttag. Vad vi har om "
        "dig, vem "
        "som angav dig och hur du stoppar meddelandena, invänder eller får dina uppgifter raderade:\n{page}",
        "de": "Ein Kunde von uns hat Ihren Namen und Ihre Adresse eingetragen, damit Sie von Alarmen seiner "
        "Steckdosen "
        "erfahren. Was wir über Sie haben, wer Sie eingetragen hat und wie Sie die Nachrichten beenden, "
        "widersprechen oder Ihre Daten löschen lassen:\n{page}",
        "nb": "En av kundene våre oppga navnet og adressen din, så du varsles om alarmer fra kundens "
        "stikkontakter. Hva vi har om deg, hvem som oppga deg, og"
        " hvordan du stopper meldingene, protesterer eller får opplysningene dine slettet:\n{page}",
    }
)
_ERASED = MappingProxyType(
    {
        "en": (
            "Somebody is no longer told of your alarms",
            (
                "Somebody whom you entered to be told of alarms had themself erased. They are told of nothing "
                "any more, and "
                "entering them again does not change that.\n\nSee who is told now:\n{link}\n"
            ),
        ),
        "fi": (
            "Joku ei enää saa hälytyksiäsi",
            (
                "Joku, jonka lisäsit hälytysten saajaksi, on poistattanut tietonsa. Hän ei saa enää mitään "
                "viestejä, eikä "
                "uudelleen lisääminen muuta sitä.\n\nKatso, ketkä saavat hälytykset nyt:\n{link}\n"
            ),
        ),
        "sv": (
            "Någon larmas inte längre",
            (
                "Någon som du angett som mottagare av larm har fått sina uppgifter raderade. Personen får inget mer, "
                "och att ange den på nytt ändrar inte det.\n\nSe vem som larmas nu:\n{link}\n"
            ),
        ),
        "de": (
            "Jemand erfährt nicht mehr von Ihren Alarmen",
            (
                "Jemand, den Sie als Empfänger von Alarmen eingetragen haben, hat die eigenen Daten löschen "
                "lassen. Diese Person erhält nichts mehr, und ein neuer Eintrag ändert das nicht.\n\n"
                "Sehen Sie nach, wer jetzt benachrichtigt wird:\n{link}\n"
            ),
        ),
        "nb": (
            "Noen varsles ikke lenger",
            (
                "Noen du har satt opp som mottaker av alarmer, har fått opplysningene sine slettet. "
                "Vedkommende får ingenting mer, og å legge dem inn på nytt endrer ikke det.\n\n"
                "Se hvem som varsles nå:\n{link}\n"
            ),
        ),
    }
)
_OBJECTED = MappingProxyType(
    {
        "en": (
            "Somebody objects to being told of your alarms",
            (
                "Somebody whom you entered to be told of alarms objects to it. They are told of nothing any "
                "more, until they "
                "themself wish otherwise.\n\nSee who is told now:\n{link}\n"
            ),
        ),
        "fi": (
            "Joku vastustaa hälytystesi saamista",
            (
                "Joku, jonka lisäsit hälytysten saajaksi, vastustaa sitä. Hän ei saa enää mitään viestejä, "
                "ellei itse toisin "
                "halua.\n\nKatso, ketkä saavat hälytykset nyt:\n{link}\n"
            ),
        ),
        "sv": (
            "Någon invänder mot att larmas",
            (
                "Någon som du angett som mottagare av larm invänder mot det. Personen får inget mer, tills den "
                "själv vill "
                "något annat.\n\nSe vem som larmas nu:\n{link}\n"
            ),
        ),
        "de": (
            "Jemand widerspricht Ihren Alarmen",
            (
                "Jemand, den Sie als Empfänger von Alarmen eingetragen haben, widerspricht dem. Diese Person "
                "erhält nichts "
                "mehr, bis sie selbst es anders will.\n\nSehen Sie nach, wer jetzt benachrichtigt wird:\n{link}\n"
            ),
        ),
        "nb": (
            "Noen protesterer mot å bli varslet",
            (
                "Noen du har satt opp som mottaker av alarmer, protesterer mot det. Vedkommende får ingenting "
                "mer før de selv "
                "ønsker noe annet.\n\nSe hvem som varsles nå:\n{link}\n"
            ),
        ),
    }
)
