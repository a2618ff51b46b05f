"""The mail to somebody who is invited to staff, when an account is asked for with their address, in every language.

It carries no link: the one of the invitation is in the hands of whoever invited, and only its hash is kept.
"""

from types import MappingProxyType

from isocket.domain.letters import Letter, letter_from


def invited_mail(language: str) -> Letter:
    """Return the mail to who is invited to staff, and with whose address somebody wanted a customer's account.

    To whoever wanted it, the answer looks the same as for any other address.
    """
    return letter_from(_INVITED, language)


_INVITED = MappingProxyType(
    {
        "en": (
            "You are invited to the staff of iSocket",
            (
                "Somebody, most likely you, wanted to use this address for an iSocket account. With this address you "
                "are invited to the staff of iSocket, and nothing about the invitation has changed.\n\n"
                "Open your account with the link that you were given with the invitation. If you do not have it any "
                "more, ask whoever invited you for another.\n\n"
                "If it was not you, do nothing: nothing comes of it.\n"
            ),
        ),
        "fi": (
            "Sinut on kutsuttu iSocketin henkilökuntaan",
            (
                "Joku, luultavasti sinä, halusi käyttää tätä osoitetta iSocket-tilissä. Sinut on kutsuttu tällä "
                "osoitteella iSocketin henkilökuntaan, eikä kutsussa ole muuttunut mitään.\n\n"
                "Avaa tilisi linkistä, jonka sait kutsun mukana. Jos sinulla ei ole sitä enää, pyydä uusi siltä, joka "
                "kutsui sinut.\n\n"
                "Jos se et ollut sinä, älä tee mitään: siitä ei seuraa mitään.\n"
            ),
        ),
        "sv": (
            "Du är inbjuden till personalen på iSocket",
            (
                "Någon, troligen du, ville använda den här adressen för ett iSocket-konto. Med den här adressen är du "
                "inbjuden till personalen på iSocket, och ingenting i inbjudan har ändrats.\n\n"
                "Öppna ditt konto med länken som du fick med inbjudan. Har du den inte kvar, be den som bjöd in dig "
                "om en ny.\n\n"
                "Var det inte du, gör ingenting: det får inga följder.\n"
            ),
        ),
        "de": (
            "Sie sind zur Mitarbeit bei iSocket eingeladen",
            (
                "Jemand, vermutlich Sie, wollte diese Adresse für ein iSocket-Konto benutzen. Mit dieser Adresse sind "
                "Sie zur Mitarbeit bei iSocket eingeladen, und an der Einladung hat sich nichts geändert.\n\n"
                "Eröffnen Sie Ihr Konto mit dem Link, den Sie mit der Einladung erhalten haben. Haben Sie ihn nicht "
                "mehr, bitten Sie die Person, die Sie eingeladen hat, um einen neuen.\n\n"
                "Waren Sie es nicht, tun Sie nichts: Es hat keine Folgen.\n"
            ),
        ),
        "nb": (
            "Du er invitert til de ansatte i iSocket",
            (
                "Noen, trolig du, ville bruke denne adressen for en iSocket-konto. Med denne adressen er du invitert "
                "til de ansatte i iSocket, og ingenting i invitasjonen er endret.\n\n"
                "Åpne kontoen din med lenken du fikk med invitasjonen. Har du den ikke lenger, be den som inviterte "
                "deg om en ny.\n\n"
                "Var det ikke deg, gjør ingenting: det får ingen følger.\n"
            ),
        ),
    }
)
