"""Messages about an account or an address of its own: codes, activation, a new password, in every language.

They are written where they are asked for (the portal) and sent by whoever sends; so their words live here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LANGUAGES = ("en", "fi", "sv", "de", "nb")
_ALSO = MappingProxyType({"no": "nb", "nn": "nb", "da": "nb"})  # near enough to be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One e-mail in words: plain text, no addresses of its own but the one link."""

    subject: str
    text: str


def spoken(tag: str) -> str:
    """Return which of our languages serves somebody who asks for `tag` (`fi`, `fi-FI`); English if none does."""
    first = tag.replace("_", "-").split("-", maxsplit=1)[0].lower()
    language = _ALSO.get(first, first)
    return language if language in LANGUAGES else "en"


def code_text(language: str, code: str) -> str:
    """Return the text that carries a verification code, for SMS and e-mail alike.

    The code is the only run of digits in it, so that a telephone offers it for typing; one GSM-7 segment.
    """
    return _CODE[spoken(language)].format(code=code)


def code_voice_text(language: str, code: str) -> str:
    """Return what a call says that brings a verification code, digit by digit. It is for one hearing: say it again."""
    return _CODE_SPOKEN[spoken(language)].format(code=", ".join(code))


def code_mail(language: str, code: str) -> Letter:
    """Return the e-mail that carries a verification code. The subject does not show it on a locked screen."""
    return Letter(subject=_CODE_SUBJECT[spoken(language)], text=code_text(language, code) + "\n")


def activation_mail(language: str, link: str) -> Letter:
    """Return the e-mail that asks whether somebody wants the account that was asked for with this address."""
    return _letter(_ACTIVATION, language, link)


def known_account_mail(language: str, link: str) -> Letter:
    """Return the e-mail to the holder of an account with whose address somebody registers again.

    `link` leads to choosing a new password. To whoever registered, the answer looks the same in both cases.
    """
    return _letter(_KNOWN_ACCOUNT, language, link)


def reset_mail(language: str, link: str) -> Letter:
    """Return the e-mail with the link to choose a new password, good once and for 30 minutes."""
    return _letter(_RESET, language, link)


def _letter(letters: Mapping[str, tuple[str, str]], language: str, link: str) -> Letter:
    subject, text = letters[spoken(language)]
    return Letter(subject=subject, text=text.format(link=link))


_CODE = MappingProxyType(
    {
        "en": "Your iSocket code is {code}. Somebody entered you as a person to be told of alarms. "
        "If that is not right, ignore this.",
        "fi": "iSocket-koodisi on {code}. Sinut on lisätty hälytysten saajaksi. Jos tämä on väärin, älä tee mitään.",
        "sv": "Din iSocket-kod är {code}. Någon har angett dig som mottagare av larm. Stämmer det inte, gör ingenting.",
        "de": "Ihr iSocket-Code ist {code}. Jemand hat Sie als Empfänger von Alarmen eingetragen. "
        "Falls das nicht stimmt, tun Sie nichts.",
        "nb": "iSocket-koden din er {code}. Noen har satt deg opp som mottaker av alarmer. "
        "Stemmer det ikke, gjør ingenting.",
    }
)
_CODE_SPOKEN = MappingProxyType(
    {
        "en": "This is iSocket. Your code is {code}. Somebody entered you as a person to be told of alarms. "
        "If that is not right, do nothing.",
        "fi": "Tämä on iSocket. Koodisi on {code}. Sinut on lisätty hälytysten saajaksi. "
        "Jos tämä on väärin, älä tee mitään.",
        "sv": "Det här är iSocket. Din kod är {code}. Någon har angett dig som mottagare av larm. "
        "Stämmer det inte, gör ingenting.",
        "de": "Hier ist iSocket. Ihr Code ist {code}. Jemand hat Sie als Empfänger von Alarmen eingetragen. "
        "Falls das nicht stimmt, tun Sie nichts.",
        "nb": "Dette er iSocket. Koden din er {code}. Noen har satt deg opp som mottaker av alarmer. "
        "Stemmer det ikke, gjør ingenting.",
    }
)
_CODE_SUBJECT = MappingProxyType(
    {
        "en": "Your iSocket code",
        "fi": "iSocket-koodisi",
        "sv": "Din iSocket-kod",
        "de": "Ihr iSocket-Code",
        "nb": "iSocket-koden din",
    }
)
_ACTIVATION = MappingProxyType(
    {
        "en": (
            "Activate your iSocket account",
            (
                "Somebody, most likely you, asked for an iSocket account with this address.\n\n"
                "To open it:\n{link}\n\n"
                "If it was not you, do nothing: without the link no account comes to be.\n"
            ),
        ),
        "fi": (
            "Ota iSocket-tilisi käyttöön",
            (
                "Joku, luultavasti sinä, pyysi iSocket-tiliä tällä osoitteella.\n\n"
                "Avaa tili tästä:\n{link}\n\n"
                "Jos se et ollut sinä, älä tee mitään: ilman linkkiä tiliä ei synny.\n"
            ),
        ),
        "sv": (
            "Aktivera ditt iSocket-konto",
            (
                "Någon, troligen du, bad om ett iSocket-konto med den här adressen.\n\n"
                "Öppna kontot här:\n{link}\n\n"
                "Var det inte du, gör ingenting: utan länken blir det inget konto.\n"
            ),
        ),
        "de": (
            "Ihr iSocket-Konto aktivieren",
            (
                "Jemand, vermutlich Sie, hat mit dieser Adresse um ein iSocket-Konto gebeten.\n\n"
                "Konto eröffnen:\n{link}\n\n"
                "Waren Sie es nicht, tun Sie nichts: Ohne den Link entsteht kein Konto.\n"
            ),
        ),
        "nb": (
            "Aktiver iSocket-kontoen din",
            (
                "Noen, trolig du, ba om en iSocket-konto med denne adressen.\n\n"
                "Åpne kontoen her:\n{link}\n\n"
                "Var det ikke deg, gjør ingenting: uten lenken blir det ingen konto.\n"
            ),
        ),
    }
)
_KNOWN_ACCOUNT = MappingProxyType(
    {
        "en": (
            "You have an iSocket account already",
            (
                "Somebody, most likely you, asked for an iSocket account with this address. There is one already, "
                "and nothing in it has changed.\n\n"
                "If you have forgotten the password:\n{link}\n"
            ),
        ),
        "fi": (
            "Sinulla on jo iSocket-tili",
            (
                "Joku, luultavasti sinä, pyysi iSocket-tiliä tällä osoitteella. Tili on jo olemassa, "
                "eikä siinä ole muuttunut mitään.\n\n"
                "Jos olet unohtanut salasanan:\n{link}\n"
            ),
        ),
        "sv": (
            "Du har redan ett iSocket-konto",
            (
                "Någon, troligen du, bad om ett iSocket-konto med den här adressen. Det finns redan ett, "
                "och ingenting i det har ändrats.\n\n"
                "Om du har glömt lösenordet:\n{link}\n"
            ),
        ),
        "de": (
            "Sie haben bereits ein iSocket-Konto",
            (
                "Jemand, vermutlich Sie, hat mit dieser Adresse um ein iSocket-Konto gebeten. Es gibt schon eines, "
                "und daran hat sich nichts geändert.\n\n"
                "Falls Sie das Passwort vergessen haben:\n{link}\n"
            ),
        ),
        "nb": (
            "Du har allerede en iSocket-konto",
            (
                "Noen, trolig du, ba om en iSocket-konto med denne adressen. Det finnes allerede en, "
                "og ingenting i den er endret.\n\n"
                "Hvis du har glemt passordet:\n{link}\n"
            ),
        ),
    }
)
_RESET = MappingProxyType(
    {
        "en": (
            "A new password for iSocket",
            (
                "Somebody, most likely you, wants to choose a new password for the iSocket account with this "
                "address.\n\n"
                "The link works once, within 30 minutes:\n{link}\n\n"
                "If it was not you, do nothing: the old password stays as it is.\n"
            ),
        ),
        "fi": (
            "Uusi salasana iSocketiin",
            (
                "Joku, luultavasti sinä, haluaa valita uuden salasanan tämän osoitteen iSocket-tilille.\n\n"
                "Linkki toimii kerran, 30 minuutin ajan:\n{link}\n\n"
                "Jos se et ollut sinä, älä tee mitään: vanha salasana pysyy ennallaan.\n"
            ),
        ),
        "sv": (
            "Nytt lösenord för iSocket",
            (
                "Någon, troligen du, vill välja ett nytt lösenord för iSocket-kontot med den här adressen.\n\n"
                "Länken fungerar en gång, inom 30 minuter:\n{link}\n\n"
                "Var det inte du, gör ingenting: det gamla lösenordet gäller fortfarande.\n"
            ),
        ),
        "de": (
            "Ein neues Passwort für iSocket",
            (
                "Jemand, vermutlich Sie, möchte für das iSocket-Konto mit dieser Adresse ein neues Passwort "
                "wählen.\n\n"
                "Der Link gilt einmal und 30 Minuten lang:\n{link}\n\n"
                "Waren Sie es nicht, tun Sie nichts: Das alte Passwort bleibt, wie es ist.\n"
            ),
        ),
        "nb": (
            "Nytt passord for iSocket",
            (
                "Noen, trolig du, vil velge et nytt passord for iSocket-kontoen med denne adressen.\n\n"
                "Lenken virker én gang, innen 30 minutter:\n{link}\n\n"
                "Var det ikke deg, gjør ingenting: det gamle passordet gjelder fortsatt.\n"
            ),
        ),
    }
)
