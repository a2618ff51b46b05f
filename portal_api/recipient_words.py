"""The words of the pages of alarm recipients, in every language: they have no account in which one would be chosen."""

from collections.abc import Mapping
from types import MappingProxyType

from isocket.domain.letters import spoken

KEYS = (
    "title", "ask", "address", "send", "sent", "code", "open", "press", "over", "lead", "entered", "name", "phone",
    "email", "ways", "paused", "nobody", "messages", "handed", "why", "save", "stop", "stop_why", "object",
    "object_why", "return", "return_why", "erase", "erase_why", "file", "saved", "stopped", "objected", "returned",
    "erased", "contact", "complain", "no_address", "no_name", "wrong_code", "gone_owner",
    "again",
)  # fmt: skip


def words_in(tag: str) -> Mapping[str, str]:
    """Return the words in the language that serves somebody who asks for `tag`."""
    return _WORDS[spoken(tag)]


def best_language(accepted: str) -> str:
    """Return which of our languages a browser's `Accept-Language` asks for first."""
    for each in accepted.split(","):
        tag = each.partition(";")[0].strip()
        if tag and (spoken(tag) != "en" or tag.lower().startswith("en")):
            return spoken(tag)
    return "en"


_TEXTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": (
            "What we hold about you",
            (
                "You are told of alarms, or were? Give the number or mailbox by which, and we send you the way to "
                "your page."
            ),
            "E-mail address or telephone number",
            "Send",
            "If we hold this address, a link or a code is on its way to it.",
            "Code from the text message",
            "Open my page",
            "Press the button to open your page. It opens once.",
            "This link or code is not good, not any more, or was used already. Ask for a new one.",
            (
                "This is everything that we hold about you. It came from the customers who entered you to be told "
                "of alarms."
            ),
            "Entered by",
            "Name",
            "Telephone",
            "E-mail",
            "You are told by",
            "You are told of nothing: you asked for it.",
            "No customer has you entered.",
            "What was sent to you",
            "What an authority was handed",
            "What it is used for",
            "Save the name",
            "Stop all messages",
            "Nothing more is sent. Whoever entered you learns that you are not told.",
            "Object",
            "As stopping, and nobody can have you asked again.",
            "Take messages up again",
            "You are told of alarms again.",
            "Erase me",
            "Everything about you goes. Whoever entered you learns of the gap; entering you again reaches nobody.",
            "Fetch it all as a file",
            "The name is saved.",
            "Done: nothing more is sent to you.",
            "Done: nothing more is sent to you, and nobody can have you asked again.",
            "Done: you are told again.",
            "Done: you are erased. This page has ended.",
            "Who answers for it",
            "You may complain to",
            "Write an e-mail address, or a telephone number such as +358401234567.",
            "Write a name of at most 120 characters.",
            "This code is not right, not any more, or was used already. Try again, or ask for a new one.",
            "a customer whose account is gone",
            "Ask for a new code",
        ),
        "fi": (
            "Mitä meillä on sinusta",
            (
                "Saatko tai saitko hälytyksiä? Anna numero tai sähköpostiosoite, johon ne tulevat, niin lähetämme "
                "tien sivullesi."
            ),
            "Sähköpostiosoite tai puhelinnumero",
            "Lähetä",
            "Jos meillä on tämä osoite, linkki tai koodi on matkalla siihen.",
            "Tekstiviestissä tullut koodi",
            "Avaa sivuni",
            "Avaa sivusi painikkeesta. Se avautuu kerran.",
            "Linkki tai koodi ei kelpaa, on vanhentunut tai jo käytetty. Pyydä uusi.",
            (
                "Tässä on kaikki, mitä meillä on sinusta. Tiedot antoivat asiakkaat, jotka lisäsivät sinut "
                "hälytysten saajaksi."
            ),
            "Lisännyt",
            "Nimi",
            "Puhelin",
            "Sähköposti",
            "Saat viestit",
            "Et saa mitään viestejä: olet itse pyytänyt niin.",
            "Yksikään asiakas ei ole lisännyt sinua.",
            "Mitä sinulle on lähetetty",
            "Mitä viranomaiselle on annettu",
            "Mihin tietoja käytetään",
            "Tallenna nimi",
            "Lopeta kaikki viestit",
            "Mitään ei enää lähetetä. Sinut lisännyt saa tietää, ettet saa hälytyksiä.",
            "Vastusta käsittelyä",
            "Kuten lopettaminen, eikä kukaan voi pyytää sinua uudelleen.",
            "Ota viestit taas vastaan",
            "Saat taas hälytykset.",
            "Poista tietoni",
            "Kaikki tietosi poistetaan. Sinut lisännyt saa tietää aukosta; uudelleen lisääminen ei tavoita ketään.",
            "Nouda kaikki tiedostona",
            "Nimi on tallennettu.",
            "Valmis: sinulle ei lähetetä enää mitään.",
            "Valmis: sinulle ei lähetetä enää mitään, eikä kukaan voi pyytää sinua uudelleen.",
            "Valmis: saat taas viestit.",
            "Valmis: tietosi on poistettu. Tämä sivu on päättynyt.",
            "Kuka vastaa tiedoista",
            "Voit valittaa viranomaiselle",
            "Kirjoita sähköpostiosoite tai puhelinnumero, esimerkiksi +358401234567.",
            "Kirjoita nimi, enintään 120 merkkiä.",
            "Koodi ei kelpaa, on vanhentunut tai jo käytetty. Yritä uudelleen tai pyydä uusi.",
            "asiakas, jonka tiliä ei enää ole",
            "Pyydä uusi koodi",
        ),
        "sv": (
            "Vad vi har om dig",
            "Larmas du, eller har du larmats? Ange numret eller brevlådan, så skickar vi vägen till din sida.",
            "E-postadress eller telefonnummer",
            "Skicka",
            "Om vi har den här adressen är en länk eller en kod på väg till den.",
            "Koden från sms:et",
            "Öppna min sida",
            "Tryck på knappen för att öppna din sida. Den öppnas en gång.",
            "Länken eller koden gäller inte, gäller inte längre eller är redan använd. Be om en ny.",
            "Det här är allt vi har om dig. Det kom från kunderna som angav dig som mottagare av larm.",
            "Angiven av",
            "Namn",
            "Telefon",
            "E-post",
            "Du larmas genom",
            "Du får inget: du har själv bett om det.",
            "Ingen kund har angett dig.",
            "Vad som skickats till dig",
            "Vad en myndighet har fått",
            "Vad det används till",
            "Spara namnet",
            "Stoppa alla meddelanden",
            "Inget mer skickas. Den som angav dig får veta att du inte larmas.",
            "Invänd",
            "Som att stoppa, och ingen kan låta fråga dig igen.",
            "Ta emot meddelanden igen",
            "Du larmas igen.",
            "Radera mig",
            "Allt om dig försvinner. Den som angav dig får veta om luckan; att ange dig på nytt når ingen.",
            "Hämta allt som en fil",
            "Namnet är sparat.",
            "Klart: inget mer skickas till dig.",
            "Klart: inget mer skickas till dig, och ingen kan låta fråga dig igen.",
            "Klart: du larmas igen.",
            "Klart: du är raderad. Den här sidan är slut.",
            "Vem som ansvarar",
            "Du kan klaga hos",
            "Skriv en e-postadress eller ett telefonnummer, till exempel +358401234567.",
            "Skriv ett namn på högst 120 tecken.",
            "Koden är fel, gäller inte längre eller är redan använd. Försök igen eller be om en ny.",
            "en kund vars konto inte finns kvar",
            "Be om en ny kod",
        ),
        "de": (
            "Was wir über Sie haben",
            (
                "Werden oder wurden Sie bei Alarmen benachrichtigt? Geben Sie Nummer oder Postfach an; wir schicken "
                "Ihnen den "
                "Weg zu Ihrer Seite."
            ),
            "E-Mail-Adresse oder Telefonnummer",
            "Senden",
            "Wenn wir diese Adresse haben, ist ein Link oder ein Code unterwegs.",
            "Code aus der SMS",
            "Meine Seite öffnen",
            "Öffnen Sie Ihre Seite mit dem Knopf. Sie öffnet sich einmal.",
            "Dieser Link oder Code gilt nicht, nicht mehr oder wurde schon benutzt. Fordern Sie einen neuen an.",
            (
                "Das ist alles, was wir über Sie haben. Es kam von den Kunden, die Sie als Empfänger von Alarmen "
                "eintrugen."
            ),
            "Eingetragen von",
            "Name",
            "Telefon",
            "E-Mail",
            "Sie werden benachrichtigt per",
            "Sie erhalten nichts: Sie haben darum gebeten.",
            "Kein Kunde hat Sie eingetragen.",
            "Was Ihnen gesendet wurde",
            "Was eine Behörde bekommen hat",
            "Wofür es verwendet wird",
            "Namen speichern",
            "Alle Nachrichten beenden",
            "Es wird nichts mehr gesendet. Wer Sie eingetragen hat, erfährt, dass Sie nicht benachrichtigt werden.",
            "Widersprechen",
            "Wie Beenden, und niemand kann Sie erneut fragen lassen.",
            "Nachrichten wieder annehmen",
            "Sie werden wieder benachrichtigt.",
            "Mich löschen",
            (
                "Alles über Sie verschwindet. Wer Sie eintrug, erfährt von der Lücke; ein neuer Eintrag erreicht "
                "niemanden."
            ),
            "Alles als Datei holen",
            "Der Name ist gespeichert.",
            "Erledigt: Ihnen wird nichts mehr gesendet.",
            "Erledigt: Ihnen wird nichts mehr gesendet, und niemand kann Sie erneut fragen lassen.",
            "Erledigt: Sie werden wieder benachrichtigt.",
            "Erledigt: Sie sind gelöscht. Diese Seite ist zu Ende.",
            "Wer dafür verantwortlich ist",
            "Sie können sich beschweren bei",
            "Geben Sie eine E-Mail-Adresse oder eine Telefonnummer wie +358401234567 an.",
            "Geben Sie einen Namen mit höchstens 120 Zeichen an.",
            (
                "Der Code ist falsch, gilt nicht mehr oder wurde schon benutzt. Versuchen Sie es noch einmal oder "
                "fordern Sie einen neuen an."
            ),
            "ein Kunde, dessen Konto es nicht mehr gibt",
            "Einen neuen Code anfordern",
        ),
        "nb": (
            "Hva vi har om deg",
            "Varsles du, eller ble du varslet? Oppgi nummeret eller postkassen, så sender vi veien til siden din.",
            "E-postadresse eller telefonnummer",
            "Send",
            "Hvis vi har denne adressen, er en lenke eller kode på vei til den.",
            "Koden fra tekstmeldingen",
            "Åpne siden min",
            "Trykk på knappen for å åpne siden din. Den åpnes én gang.",
            "Lenken eller koden gjelder ikke, ikke lenger, eller er allerede brukt. Be om en ny.",
            "Dette er alt vi har om deg. Det kom fra kundene som satte deg opp som mottaker av alarmer.",
            "Satt opp av",
            "Navn",
            "Telefon",
            "E-post",
            "Du varsles med",
            "Du får ingenting: du har selv bedt om det.",
            "Ingen kunde har satt deg opp.",
            "Hva som er sendt til deg",
            "Hva en myndighet har fått",
            "Hva det brukes til",
            "Lagre navnet",
            "Stopp alle meldinger",
            "Ingenting mer sendes. Den som satte deg opp, får vite at du ikke varsles.",
            "Protester",
            "Som å stoppe, og ingen kan få deg spurt igjen.",
            "Ta imot meldinger igjen",
            "Du varsles igjen.",
            "Slett meg",
            "Alt om deg forsvinner. Den som satte deg opp, får vite om hullet; å sette deg opp igjen når ingen.",
            "Hent alt som en fil",
            "Navnet er lagret.",
            "Ferdig: ingenting mer sendes til deg.",
            "Ferdig: ingenting mer sendes til deg, og ingen kan få deg spurt igjen.",
            "Ferdig: du varsles igjen.",
            "Ferdig: du er slettet. Denne siden er avsluttet.",
            "Hvem som er ansvarlig",
            "Du kan klage til",
            "Skriv en e-postadresse eller et telefonnummer som +358401234567.",
            "Skriv et navn på høyst 120 tegn.",
            "Koden er feil, gjelder ikke lenger eller er allerede brukt. Prøv igjen, eller be om en ny.",
            "en kunde som ikke har konto lenger",
            "Be om en ny kode",
        ),
    }
)
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {language: MappingProxyType(dict(zip(KEYS, texts, strict=True))) for language, texts in _TEXTS.items()}
)
