"""Mails to the holder of an account about what was done with it, each with the way to end everything."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from isocket.domain.accounts import Account
from isocket.domain.letters import Letter, spoken
from isocket.kit.clock import to_ms
from portal_api.outgoing import notice_to
from portal_api.portal import Portal
from portal_api.tickets import Ticket

NOT_ME_PATH = "/not-me"
NOT_ME_S = 7 * 86_400.0


class Change(StrEnum):
    """What happened to how somebody signs in."""

    TOTP_ADDED = "totp_added"
    TOTP_REMOVED = "totp_removed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    WRONG_FACTOR = "wrong_factor"
    SIGNED_IN = "signed_in"


async def security_notice(portal: Portal, account: Account, change: Change, **words: str | int) -> None:
    """Tell the holder of an account by mail what happened, with a link that ends everything if it was not them.

    The link carries the account's credential epoch and the moment: it is over as soon as everything was ended once,
    and not before, or whoever took the account would end it by choosing another password.
    """
    now = portal.clock.now()
    said = (account.id, account.credential_epoch, to_ms(now))
    ticket = portal.tickets.issue(Ticket.NOT_ME, *said, now=now, lasts_s=NOT_ME_S)
    letter = change_mail(account.language, change, portal.settings.link(f"{NOT_ME_PATH}?ticket={ticket}"), **words)
    await portal.records.add_all([notice_to(account, letter, now)])


def change_mail(language: str, change: Change, link: str, **words: str | int) -> Letter:
    """Return the e-mail that says what happened; `words` fill in what varies."""
    tongue = spoken(language)
    said = _CHANGES[change][tongue].format(**words)
    return Letter(subject=_SUBJECT[tongue], text=f"{said}\n\n{_IF_NOT[tongue]}\n{link}\n")


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
_SUBJECT: Mapping[str, str] = MappingProxyType(
    {
        "en": "Signing in to your iSocket account",
        "fi": "iSocket-tilillesi kirjautuminen",
        "sv": "Inloggning på ditt iSocket-konto",
        "de": "Anmeldung an Ihrem iSocket-Konto",
        "nb": "Innlogging på iSocket-kontoen din",
    }
)
_IF_NOT: Mapping[str, str] = MappingProxyType(
    {
        "en": "If it was not you, sign everybody out and lock the password here:",
        "fi": "Jos se et ollut sinä, kirjaa kaikki ulos ja lukitse salasana tästä:",
        "sv": "Var det inte du, logga ut alla och lås lösenordet här:",
        "de": "Waren Sie es nicht, melden Sie hier alle ab und sperren Sie das Passwort:",
        "nb": "Var det ikke deg, logg ut alle og sperr passordet her:",
    }
)
_CHANGES: Mapping[Change, Mapping[str, str]] = MappingProxyType(
    {
        Change.TOTP_ADDED: {
            "en": "An app that shows codes was added: signing in asks for a code from now on.",
            "fi": "Koodisovellus lisättiin: kirjautuessa kysytään tästä lähtien koodi.",
            "sv": "En app som visar koder lades till: från och med nu krävs en kod vid inloggning.",
            "de": "Eine App, die Codes zeigt, wurde hinzugefügt: Beim Anmelden wird ab jetzt ein Code verlangt.",
            "nb": "En app som viser koder, ble lagt til: fra nå av kreves en kode ved innlogging.",
        },
        Change.TOTP_REMOVED: {
            "en": "The app that shows codes was removed from your account.",
            "fi": "Koodisovellus poistettiin tililtäsi.",
            "sv": "Appen som visar koder togs bort från ditt konto.",
            "de": "Die App, die Codes zeigt, wurde von Ihrem Konto entfernt.",
            "nb": "Appen som viser koder, ble fjernet fra kontoen din.",
        },
        Change.PASSKEY_ADDED: {
            "en": "A passkey was added to your account: whoever has it can sign in.",
            "fi": "Tilillesi lisättiin pääsyavain: sen haltija voi kirjautua.",
            "sv": "En nyckel (passkey) lades till i ditt konto: den som har den kan logga in.",
            "de": "Ein Passkey wurde Ihrem Konto hinzugefügt: Wer ihn hat, kann sich anmelden.",
            "nb": "En passnøkkel ble lagt til kontoen din: den som har den, kan logge inn.",
        },
        Change.PASSKEY_REMOVED: {
            "en": "A passkey was removed from your account.",
            "fi": "Pääsyavain poistettiin tililtäsi.",
            "sv": "En nyckel (passkey) togs bort från ditt konto.",
            "de": "Ein Passkey wurde von Ihrem Konto entfernt.",
            "nb": "En passnøkkel ble fjernet fra kontoen din.",
        },
        Change.RECOVERY_CODES_MADE: {
            "en": "New recovery codes were made. The ones before do not work any more.",
            "fi": "Uudet varakoodit luotiin. Aiemmat eivät enää toimi.",
            "sv": "Nya återställningskoder skapades. De tidigare fungerar inte längre.",
            "de": "Neue Wiederherstellungscodes wurden erzeugt. Die bisherigen gelten nicht mehr.",
            "nb": "Nye gjenopprettingskoder ble laget. De tidligere virker ikke lenger.",
        },
        Change.RECOVERY_CODE_USED: {
            "en": "A recovery code was used. Codes left: {number}.",
            "fi": "Varakoodi käytettiin. Koodeja jäljellä: {number}.",
            "sv": "En återställningskod användes. Koder kvar: {number}.",
            "de": "Ein Wiederherstellungscode wurde benutzt. Verbleibende Codes: {number}.",
            "nb": "En gjenopprettingskode ble brukt. Koder igjen: {number}.",
        },
        Change.WRONG_FACTOR: {
            "en": "Your password was typed, and after it a wrong code. If you only mistyped it, all is well.",
            "fi": "Salasanasi annettiin oikein ja sen jälkeen väärä koodi. Jos vain näppäilit väärin, kaikki on hyvin.",
            "sv": "Ditt lösenord angavs rätt, och sedan en fel kod. Om du bara skrev fel är allt i sin ordning.",
            "de": "Ihr Passwort wurde richtig eingegeben, danach ein falscher Code. "
            "Haben Sie sich nur vertippt, ist alles gut.",
            "nb": "Passordet ditt ble oppgitt riktig, og så en feil kode. Skrev du bare feil, er alt i orden.",
        },
        Change.SIGNED_IN: {
            "en": "Somebody signed in from a place or program not seen at your account for {days} days: {agent}, {at}.",
            "fi": "Tilillesi kirjauduttiin paikasta tai ohjelmasta, jota ei ole nähty {days} päivään: {agent}, {at}.",
            "sv": "Någon loggade in från en plats eller ett program som inte setts på {days} dagar: {agent}, {at}.",
            "de": "Anmeldung von einem Ort oder Programm aus, das seit {days} Tagen nicht vorkam: {agent}, {at}.",
            "nb": "Noen logget inn fra et sted eller program som ikke er sett på {days} dager: {agent}, {at}.",
        },
    }
)
