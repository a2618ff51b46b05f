"""Mails to the holder of an account about what was done with it."""

from types import MappingProxyType

from isocket.domain.letters import Letter, spoken


def password_changed_mail(language: str, link: str) -> Letter:
    """Return the e-mail that follows a new password; `link` is where to choose another, if it was a stranger."""
    subject, text = _PASSWORD_CHANGED[spoken(language)]
    return Letter(subject=subject, text=text.format(link=link))


_PASSWORD_CHANGED = MappingProxyType(
    {
        "en": (
            "Your iSocket password was changed",
            (
                "The password of your iSocket account was changed just now, and everybody was signed out.\n\n"
                "If it was not you, choose a new one at once:\n{link}\n"
            ),
        ),
        "fi": (
            "iSocket-salasanasi vaihdettiin",
            (
                "iSocket-tilisi salasana vaihdettiin juuri, ja kaikki kirjattiin ulos.\n\n"
                "Jos se et ollut sinä, valitse heti uusi:\n{link}\n"
            ),
        ),
        "sv": (
            "Ditt iSocket-lösenord har ändrats",
            (
                "Lösenordet till ditt iSocket-konto ändrades nyss, och alla loggades ut.\n\n"
                "Var det inte du, välj genast ett nytt:\n{link}\n"
            ),
        ),
        "de": (
            "Ihr iSocket-Passwort wurde geändert",
            (
                "Das Passwort Ihres iSocket-Kontos wurde soeben geändert, und alle wurden abgemeldet.\n\n"
                "Waren Sie es nicht, wählen Sie sofort ein neues:\n{link}\n"
            ),
        ),
        "nb": (
            "iSocket-passordet ditt er endret",
            (
                "Passordet til iSocket-kontoen din ble nettopp endret, og alle ble logget ut.\n\n"
                "Var det ikke deg, velg et nytt med en gang:\n{link}\n"
            ),
        ),
    }
)
