"""Mails about sharing a socket: the invitation, and what became of it, in every language.

None of them carries words that a customer chose: an invitation goes to any address that is typed in, and must not be
a way of sending somebody else's advertisement. Who invites is named by the address they proved to hold. What is mailed
later names nobody: it lies among one person's messages, and the other may be erased.
"""

from types import MappingProxyType

from isocket.domain.letters import Letter, letter_from


def share_invitation(language: str, *, owner: str, link: str, days: int) -> Letter:
    """Return the mail that asks somebody whether they want to see a socket of the holder of `owner`'s address."""
    return letter_from(_INVITATION, language, owner=owner, link=link, days=str(days))


def share_accepted(language: str, *, link: str) -> Letter:
    """Return the mail that tells an owner that somebody took their invitation."""
    return letter_from(_ACCEPTED, language, link=link)


def share_left(language: str, *, link: str) -> Letter:
    """Return the mail that tells an owner that a guest gave the socket back."""
    return letter_from(_LEFT, language, link=link)


def share_ended(language: str) -> Letter:
    """Return the mail that tells a guest that a socket is not shared with them any more."""
    return letter_from(_ENDED, language)


_INVITATION = MappingProxyType(
    {
        "en": (
            "Somebody shares an iSocket with you",
            (
                "{owner} wants to share a socket with you.\n\n"
                "To accept, sign in with this address, or open an account with it:\n{link}\n\n"
                "The link works for {days} days. If you do not want this, do nothing.\n"
            ),
        ),
        "fi": (
            "Sinulle jaetaan iSocket-laite",
            (
                "{owner} haluaa jakaa laitteen kanssasi.\n\n"
                "Hyväksy kirjautumalla tällä osoitteella tai avaamalla sillä tili:\n{link}\n\n"
                "Linkki toimii {days} päivää. Jos et halua tätä, älä tee mitään.\n"
            ),
        ),
        "sv": (
            "Någon delar en iSocket med dig",
            (
                "{owner} vill dela en enhet med dig.\n\n"
                "Tacka ja genom att logga in med den här adressen eller skapa ett konto med den:\n{link}\n\n"
                "Länken gäller i {days} dagar. Vill du inte, gör ingenting.\n"
            ),
        ),
        "de": (
            "Jemand teilt einen iSocket mit Ihnen",
            (
                "{owner} möchte ein Gerät mit Ihnen teilen.\n\n"
                "Zum Annehmen melden Sie sich mit dieser Adresse an oder eröffnen Sie damit ein Konto:\n{link}\n\n"
                "Der Link gilt {days} Tage. Wenn Sie das nicht möchten, tun Sie nichts.\n"
            ),
        ),
        "nb": (
            "Noen deler en iSocket med deg",
            (
                "{owner} vil dele en enhet med deg.\n\n"
                "Si ja ved å logge inn med denne adressen, eller åpne en konto med den:\n{link}\n\n"
                "Lenken virker i {days} dager. Vil du ikke, gjør ingenting.\n"
            ),
        ),
    }
)
_ACCEPTED = MappingProxyType(
    {
        "en": (
            "Your invitation to a socket was accepted",
            "Somebody accepted your invitation and sees your socket from now on.\n\nWho sees it:\n{link}\n",
        ),
        "fi": (
            "Kutsusi laitteeseen hyväksyttiin",
            "Kutsusi hyväksyttiin, ja laitteesi näkyy kutsutulle tästä lähtien.\n\nKetkä näkevät sen:\n{link}\n",
        ),
        "sv": (
            "Din inbjudan till en enhet har accepterats",
            "Någon har tackat ja till din inbjudan och ser din enhet från och med nu.\n\nVilka som ser den:\n{link}\n",
        ),
        "de": (
            "Ihre Einladung zu einem Gerät wurde angenommen",
            "Jemand hat Ihre Einladung angenommen und sieht Ihr Gerät ab jetzt.\n\nWer es sieht:\n{link}\n",
        ),
        "nb": (
            "Invitasjonen din til en enhet er godtatt",
            "Noen har godtatt invitasjonen og ser enheten din fra nå av.\n\nHvem som ser den:\n{link}\n",
        ),
    }
)
_LEFT = MappingProxyType(
    {
        "en": (
            "Somebody gave back a shared socket",
            "Somebody with whom you shared your socket gave it back and sees it no more.\n\nWho sees it:\n{link}\n",
        ),
        "fi": (
            "Laitteesi jakaminen päättyi",
            "Joku, jolle jaoit laitteesi, luopui siitä eikä näe sitä enää.\n\nKetkä näkevät sen:\n{link}\n",
        ),
        "sv": (
            "Någon lämnade tillbaka en delad enhet",
            "Någon som du delade din enhet med ser den inte längre.\n\nVilka som ser den:\n{link}\n",
        ),
        "de": (
            "Jemand hat ein geteiltes Gerät zurückgegeben",
            (
                "Jemand, mit dem Sie Ihr Gerät teilten, hat es zurückgegeben und sieht es nicht mehr.\n\n"
                "Wer es sieht:\n{link}\n"
            ),
        ),
        "nb": (
            "Noen ga tilbake en delt enhet",
            "Noen som du delte enheten din med, ser den ikke lenger.\n\nHvem som ser den:\n{link}\n",
        ),
    }
)
_ENDED = MappingProxyType(
    {
        "en": (
            "A socket is not shared with you any more",
            "A socket that was shared with you is not any more. You need not do anything.\n",
        ),
        "fi": (
            "Laitetta ei enää jaeta kanssasi",
            "Erästä laitetta ei enää jaeta kanssasi. Sinun ei tarvitse tehdä mitään.\n",
        ),
        "sv": (
            "En enhet delas inte längre med dig",
            "En enhet som delades med dig delas inte längre. Du behöver inte göra något.\n",
        ),
        "de": (
            "Ein Gerät wird nicht mehr mit Ihnen geteilt",
            "Ein Gerät, das mit Ihnen geteilt wurde, wird es nicht mehr. Sie müssen nichts tun.\n",
        ),
        "nb": (
            "En enhet deles ikke lenger med deg",
            "En enhet som ble delt med deg, deles ikke lenger. Du trenger ikke gjøre noe.\n",
        ),
    }
)
