"""Messages about an account or an address of its own: codes, activation, a new password, in every language.

They are written where they are asked for (the portal) and sent by whoever sends; so their words live here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LANGUAGES = ("en", "fi", "sv", "de", "nb")
_SERVING = MappingProxyType({each: each for each in LANGUAGES} | {"no": "nb", "nn": "nb", "da": "nb"})  # near enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One e-mail in words: plain text, no addresses of its own but the one link."""

    subject: str
    text: str


def spoken(tag: str) -> str:
    """Return which of our languages serves somebody who asks for `tag` (`fi`, `fi-FI`); English if none does."""
    return _serving(tag) or LANGUAGES[0]


def is_spoken(tag: str) -> bool:
    """Return whether one of our languages serves somebody who asks for `tag`, without falling back to English."""
    return _serving(tag) is not None


def _serving(tag: str) -> str | None:
    return _SERVING.get(tag.replace("_", "-").split("-", maxsplit=1)[0].lower())


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
    return letter_from(_ACTIVATION, language, link=link)


def known_account_mail(language: str, link: str) -> Letter:
    """Return the e-mail to the holder of an account with whose address somebody registers again.

    `link` leads to choosing a new password. To whoever registered, the answer looks the same in both cases.
    """
    return letter_from(_KNOWN_ACCOUNT, language, link=link)


def reset_mail(language: str, link: str) -> Letter:
    """Return the e-mail with the link to choose a new password, good once and for 30 minutes."""
    return letter_from(_RESET, language, link=link)


def new_address_mail(language: str, link: str) -> Letter:
    """Return the e-mail to a new mailbox that somebody wants for their account."""
    return letter_from(_NEW_ADDRESS, language, link=link)


def old_address_mail(language: str, link: str) -> Letter:
    """Return the e-mail to the mailbox until now; `link` takes the change back for a week."""
    return letter_from(_OLD_ADDRESS, language, link=link)


def letter_from(letters: Mapping[str, tuple[str, str]], language: str, /, **said: str) -> Letter:
    """Return the e-mail of a table of subjects and texts by language, with what is `said` filled in."""
    subject, text = letters[spoken(language)]
    return Letter(subject=subject, text=text.format(**said))


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
_NEW_ADDRESS = MappingProxyType(
    {
        "en": (
            "A new address for your iSocket account",
            (
                "Somebody, most likely you, wants to use this address for their iSocket account.\n\n"
                "To use it from now on, within 24 hours:\n{link}\n\n"
                "If it was not you, do nothing: without the link nothing changes.\n"
            ),
        ),
        "fi": (
            "iSocket-tilin uusi osoite",
            (
                "Joku, luultavasti sinä, haluaa käyttää tätä osoitetta iSocket-tilissään.\n\n"
                "Ota se käyttöön 24 tunnin kuluessa:\n{link}\n\n"
                "Jos se et ollut sinä, älä tee mitään: ilman linkkiä mikään ei muutu.\n"
            ),
        ),
        "sv": (
            "Ny adress för ditt iSocket-konto",
            (
                "Någon, troligen du, vill använda den här adressen för sitt iSocket-konto.\n\n"
                "Börja använda den inom 24 timmar:\n{link}\n\n"
                "Var det inte du, gör ingenting: utan länken ändras ingenting.\n"
            ),
        ),
        "de": (
            "Eine neue Adresse für Ihr iSocket-Konto",
            (
                "Jemand, vermutlich Sie, möchte diese Adresse für sein iSocket-Konto benutzen.\n\n"
                "Ab sofort benutzen, innerhalb von 24 Stunden:\n{link}\n\n"
                "Waren Sie es nicht, tun Sie nichts: Ohne den Link ändert sich nichts.\n"
            ),
        ),
        "nb": (
            "Ny adresse for iSocket-kontoen din",
            (
                "Noen, trolig du, vil bruke denne adressen for sin iSocket-konto.\n\n"
                "Ta den i bruk innen 24 timer:\n{link}\n\n"
                "Var det ikke deg, gjør ingenting: uten lenken endres ingenting.\n"
            ),
        ),
    }
)
_OLD_ADDRESS = MappingProxyType(
    {
        "en": (
            "The address of your iSocket account is being changed",
            (
                "Somebody who is signed in to your iSocket account wants to use another e-mail address for it.\n\n"
                "If it was not you, keep the old one. The link works for 7 days, also after the change; "
                "it signs everybody out and locks the password:\n{link}\n"
            ),
        ),
        "fi": (
            "iSocket-tilisi osoitetta vaihdetaan",
            (
                "Joku iSocket-tilillesi kirjautunut haluaa vaihtaa sen sähköpostiosoitteen.\n\n"
                "Jos se et ollut sinä, pidä vanha osoite. Linkki toimii 7 päivää, myös vaihdon jälkeen; "
                "se kirjaa kaikki ulos ja lukitsee salasanan:\n{link}\n"
            ),
        ),
        "sv": (
            "Adressen till ditt iSocket-konto håller på att ändras",
            (
                "Någon som är inloggad på ditt iSocket-konto vill använda en annan e-postadress för det.\n\n"
                "Var det inte du, behåll den gamla. Länken fungerar i 7 dagar, även efter ändringen; "
                "den loggar ut alla och låser lösenordet:\n{link}\n"
            ),
        ),
        "de": (
            "Die Adresse Ihres iSocket-Kontos wird geändert",
            (
                "Jemand, der an Ihrem iSocket-Konto angemeldet ist, möchte dafür eine andere E-Mail-Adresse "
                "benutzen.\n\n"
                "Waren Sie es nicht, behalten Sie die alte. Der Link gilt 7 Tage, auch nach der Änderung; "
                "er meldet alle ab und sperrt das Passwort:\n{link}\n"
            ),
        ),
        "nb": (
            "Adressen til iSocket-kontoen din er i ferd med å endres",
            (
                "Noen som er logget inn på iSocket-kontoen din, vil bruke en annen e-postadresse for den.\n\n"
                "Var det ikke deg, behold den gamle. Lenken virker i 7 dager, også etter endringen; "
                "den logger ut alle og sperrer passordet:\n{link}\n"
            ),
        ),
    }
)
