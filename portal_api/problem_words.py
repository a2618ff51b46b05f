"""Refusals that a person may meet on a page, in the five languages; whatever is not here is said in English.

The words of a field that is wrong, and refusals that only programs meet, stay English: their `type` says the same in
every language.
"""

from collections.abc import Mapping
from types import MappingProxyType

from isocket.domain.letters import LANGUAGES

ENGLISH_TITLES: Mapping[int, str] = MappingProxyType(
    {
        400: "That was not understood",
        401: "You are not signed in",
        403: "That is not allowed",
        404: "Not found",
        405: "That cannot be done",
        409: "Not as things are now",
        412: "It was changed meanwhile",
        413: "That is too long",
        415: "That was not understood",
        422: "Something is not right yet",
        429: "Too many tries",
        500: "Something broke on our side",
        503: "We are not there just now",
    }
)
"""What stands above a refusal on a page, by its status. Programs get the name of the status, such as `Conflict`."""

_OLD = (
    "Sivu on vanhentunut. Lataa se uudelleen ja toista.",
    "Sidan är inaktuell. Ladda den igen och gör om.",
    "Die Seite ist veraltet. Laden Sie sie neu und wiederholen Sie es.",
    "Siden er utdatert. Last den på nytt og gjenta.",
)
_WORDS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(  # fi, sv, de, nb
    {
        "not-found": (
            ("Ei löydy", "Täällä ei ole mitään sinulle."),
            ("Finns inte", "Här finns inget för dig."),
            ("Nicht gefunden", "Hier ist nichts für Sie."),
            ("Finnes ikke", "Her er det ingenting for deg."),
        ),
        "not-signed-in": (
            ("Kirjautuminen puuttuu", "Kirjaudu ensin sisään."),
            ("Inte inloggad", "Logga in först."),
            ("Nicht angemeldet", "Melden Sie sich zuerst an."),
            ("Ikke logget inn", "Logg inn først."),
        ),
        "wrong-credentials": (
            ("Kirjautuminen ei onnistu", "Osoite tai salasana on väärin, tai tiliä ei ole vielä otettu käyttöön."),
            ("Inloggningen lyckas inte", "Adressen eller lösenordet är fel, eller så är kontot inte aktiverat än."),
            (
                "Anmeldung nicht möglich",
                "Adresse oder Passwort ist falsch, oder das Konto ist noch nicht aktiviert.",
            ),
            ("Innloggingen lykkes ikke", "Adressen eller passordet er feil, eller kontoen er ikke aktivert ennå."),
        ),
        "wrong-passkey": (
            (
                "Kirjautuminen ei onnistu",
                "Tällä pääsyavaimella ei pääse tänne, tai aika loppui. Yritä uudelleen tai käytä salasanaa.",
            ),
            (
                "Inloggningen lyckas inte",
                "Inloggningsnyckeln öppnar inget här, eller så tog det för lång tid. Försök igen eller med lösenordet.",
            ),
            (
                "Anmeldung nicht möglich",
                "Der Passkey öffnet hier nichts, oder es dauerte zu lange. Versuchen Sie es neu oder mit Passwort.",
            ),
            (
                "Innloggingen lykkes ikke",
                "Tilgangsnøkkelen åpner ingenting her, eller det tok for lang tid. Prøv igjen, eller bruk passordet.",
            ),
        ),
        "wrong-password": (
            ("Väärä salasana", "Salasana on väärin."),
            ("Fel lösenord", "Lösenordet är fel."),
            ("Falsches Passwort", "Das Passwort ist falsch."),
            ("Feil passord", "Passordet er feil."),
        ),
        "time-is-over": (
            ("Aika on päättynyt", "Aika, jonka sinulla oli pääsy, on päättynyt."),
            ("Tiden är ute", "Tiden som du hade tillträde är ute."),
            ("Die Zeit ist abgelaufen", "Die Zeit, für die Sie Zugang hatten, ist abgelaufen."),
            ("Tiden er ute", "Tiden du hadde tilgang, er ute."),
        ),
        "too-many": (
            ("Liian monta yritystä", "Liian monta yritystä. Odota hetki ja yritä uudelleen."),
            ("För många försök", "För många försök. Vänta en stund och försök igen."),
            ("Zu viele Versuche", "Zu viele Versuche. Warten Sie etwas und versuchen Sie es dann noch einmal."),
            ("For mange forsøk", "For mange forsøk. Vent litt og prøv igjen."),
        ),
        "foreign-origin": (
            ("Kielletty", "Tämä ei tullut meidän sivultamme."),
            ("Förbjudet", "Det här kom inte från någon av våra sidor."),
            ("Nicht erlaubt", "Das kam nicht von einer unserer Seiten."),
            ("Ikke tillatt", "Dette kom ikke fra en av våre sider."),
        ),
        "csrf": tuple(zip(("Kielletty", "Förbjudet", "Nicht erlaubt", "Ikke tillatt"), _OLD, strict=True)),
        "old-page": tuple(zip(("Vanhentunut", "Inaktuell", "Veraltet", "Utdatert"), _OLD, strict=True)),
        "try-later": (
            (
                "Ei juuri nyt",
                "Tätä ei voi tehdä juuri nyt. Yritä vartin kuluttua. Ellei se huomenna onnistu, kirjoita: {about}",
            ),
            (
                "Inte just nu",
                "Det här går inte just nu. Försök igen om en kvart. Går det inte i morgon heller, skriv till {about}",
            ),
            (
                "Nicht im Moment",
                "Versuchen Sie es in einer Viertelstunde wieder. Geht es auch morgen nicht, schreiben Sie an {about}",
            ),
            (
                "Ikke akkurat nå",
                "Dette går ikke akkurat nå. Prøv igjen om et kvarter. Går det ikke i morgen heller, skriv til {about}",
            ),
        ),
        "method": (
            ("Ei mahdollista", "Tätä ei voi tehdä täällä."),
            ("Går inte", "Det här går inte att göra här."),
            ("Nicht möglich", "Das geht hier nicht."),
            ("Ikke mulig", "Dette kan ikke gjøres her."),
        ),
        "too-long": (
            ("Liian pitkä", "Lähetetty on liian pitkä."),
            ("För långt", "Det som skickades är för långt."),
            ("Zu lang", "Was gesendet wurde, ist zu lang."),
            ("For langt", "Det som ble sendt, er for langt."),
        ),
        "bad-request": (
            ("Virheellinen pyyntö", "Pyyntöä ei voi ymmärtää."),
            ("Felaktig begäran", "Begäran går inte att förstå."),
            ("Ungültige Anfrage", "Diese Anfrage ist nicht zu verstehen."),
            ("Ugyldig forespørsel", "Forespørselen kan ikke forstås."),
        ),
        "changed-meanwhile": (
            ("Muuttunut välillä", "Tämä on muuttunut sen jälkeen kun luit sen. Hae se uudelleen ja toista muutos."),
            ("Ändrat under tiden", "Det här har ändrats sedan du läste det. Hämta det igen och gör om ändringen."),
            (
                "Inzwischen geändert",
                "Das wurde geändert, seit Sie es gelesen haben. Holen Sie es neu, und ändern Sie dann.",
            ),
            ("Endret i mellomtiden", "Dette er endret siden du leste det. Hent det på nytt og gjenta endringen."),
        ),
        "our-fault": (
            ("Virhe meillä", "Jotain meni rikki meidän päässämme. Kerro meille tämä numero: {about}."),
            ("Fel hos oss", "Något gick sönder hos oss. Berätta för oss det här numret: {about}."),
            ("Fehler bei uns", "Bei uns ist etwas kaputtgegangen. Nennen Sie uns diese Nummer: {about}."),
            ("Feil hos oss", "Noe gikk i stykker hos oss. Gi oss dette nummeret: {about}."),
        ),
        "store-unavailable": (
            ("Ei käytettävissä", "Emme saa yhteyttä omaan tallennukseemme. Yritä hetken päästä uudelleen."),
            ("Inte tillgängligt", "Vi når inte vår egen lagring. Försök igen om en stund."),
            ("Nicht verfügbar", "Wir erreichen unseren eigenen Speicher nicht. Versuchen Sie es gleich noch einmal."),
            ("Ikke tilgjengelig", "Vi når ikke vårt eget lager. Prøv igjen om litt."),
        ),
    }
)


def title_and_detail(kind: str, language: str) -> tuple[str, str] | None:
    """Return both in a language other than English; None where English is all there is."""
    words = _WORDS.get(kind)
    return None if words is None or language == LANGUAGES[0] else words[LANGUAGES.index(language) - 1]
