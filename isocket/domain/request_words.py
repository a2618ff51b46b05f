"""The words of the letters about requests by right, in every language."""

from collections.abc import Mapping
from types import MappingProxyType

from isocket.domain.requests import Right

KINDS: Mapping[str, Mapping[Right, str]] = MappingProxyType(
    {
        "en": {
            Right.ACCESS: "access to your data",
            Right.RECTIFICATION: "correction of your data",
            Right.ERASURE: "erasure of your data",
            Right.RESTRICTION: "restriction of processing",
            Right.OBJECTION: "objection to processing",
            Right.PORTABILITY: "your data to take elsewhere",
        },
        "fi": {
            Right.ACCESS: "pääsy omiin tietoihin",
            Right.RECTIFICATION: "tietojen oikaiseminen",
            Right.ERASURE: "tietojen poistaminen",
            Right.RESTRICTION: "käsittelyn rajoittaminen",
            Right.OBJECTION: "käsittelyn vastustaminen",
            Right.PORTABILITY: "tietojen siirtäminen",
        },
        "sv": {
            Right.ACCESS: "tillgång till dina uppgifter",
            Right.RECTIFICATION: "rättelse av dina uppgifter",
            Right.ERASURE: "radering av dina uppgifter",
            Right.RESTRICTION: "begränsning av behandlingen",
            Right.OBJECTION: "invändning mot behandlingen",
            Right.PORTABILITY: "dina uppgifter att flytta",
        },
        "de": {
            Right.ACCESS: "Auskunft über Ihre Daten",
            Right.RECTIFICATION: "Berichtigung Ihrer Daten",
            Right.ERASURE: "Löschung Ihrer Daten",
            Right.RESTRICTION: "Einschränkung der Verarbeitung",
            Right.OBJECTION: "Widerspruch gegen die Verarbeitung",
            Right.PORTABILITY: "Ihre Daten zum Mitnehmen",
        },
        "nb": {
            Right.ACCESS: "innsyn i opplysningene dine",
            Right.RECTIFICATION: "retting av opplysningene dine",
            Right.ERASURE: "sletting av opplysningene dine",
            Right.RESTRICTION: "begrensning av behandlingen",
            Right.OBJECTION: "protest mot behandlingen",
            Right.PORTABILITY: "opplysningene dine å ta med",
        },
    }
)
WHO = MappingProxyType(
    {
        "en": (
            "Did you ask us about your data?",
            (
                "Somebody, most likely you, asked iSocket with this address for: {kind}.\n\n"
                "Confirm that it was you, within 14 days:\n{link}\n\n"
                "If it was not you, do nothing. This mail says nothing of whether we hold anything about you.\n"
            ),
        ),
        "fi": (
            "Pyysitkö meiltä jotain tiedoistasi?",
            (
                "Joku, luultavasti sinä, esitti iSocketille tällä osoitteella pyynnön: {kind}.\n\n"
                "Vahvista 14 päivän kuluessa, että se olit sinä:\n{link}\n\n"
                "Jos se et ollut sinä, älä tee mitään. Tämä viesti ei kerro, onko meillä tietoja sinusta.\n"
            ),
        ),
        "sv": (
            "Bad du oss om något som gäller dina uppgifter?",
            (
                "Någon, troligen du, bad iSocket med den här adressen om: {kind}.\n\n"
                "Bekräfta inom 14 dagar att det var du:\n{link}\n\n"
                "Var det inte du, gör ingenting. Det här meddelandet säger inget om huruvida vi har uppgifter om dig.\n"
            ),
        ),
        "de": (
            "Haben Sie uns nach Ihren Daten gefragt?",
            (
                "Jemand, vermutlich Sie, bat iSocket mit dieser Adresse um: {kind}.\n\n"
                "Bestätigen Sie innerhalb von 14 Tagen, dass Sie es waren:\n{link}\n\n"
                "Waren Sie es nicht, tun Sie nichts. Diese Nachricht sagt nicht, ob wir etwas über Sie "
                "gespeichert haben.\n"
            ),
        ),
        "nb": (
            "Ba du oss om noe som gjelder opplysningene dine?",
            (
                "Noen, trolig du, ba iSocket med denne adressen om: {kind}.\n\n"
                "Bekreft innen 14 dager at det var deg:\n{link}\n\n"
                "Var det ikke deg, gjør ingenting. Denne e-posten sier ikke om vi har opplysninger om deg.\n"
            ),
        ),
    }
)
RECEIVED = MappingProxyType(
    {
        "en": (
            "We have your request",
            (
                "Thank you. We know now that it was you who asked for: {kind}.\n\n"
                "You get an answer by {day} at the latest. How far it has come:\n{link}\n"
            ),
        ),
        "fi": (
            "Olemme saaneet pyyntösi",
            (
                "Kiitos. Tiedämme nyt, että pyyntö on sinulta: {kind}.\n\n"
                "Saat vastauksen viimeistään {day}. Pyynnön tilanne:\n{link}\n"
            ),
        ),
        "sv": (
            "Vi har din begäran",
            (
                "Tack. Vi vet nu att det var du som bad om: {kind}.\n\n"
                "Du får svar senast {day}. Så långt har det kommit:\n{link}\n"
            ),
        ),
        "de": (
            "Wir haben Ihre Anfrage erhalten",
            (
                "Danke. Wir wissen nun, dass die Anfrage von Ihnen kommt: {kind}.\n\n"
                "Sie erhalten spätestens am {day} eine Antwort. Wie weit wir damit sind:\n{link}\n"
            ),
        ),
        "nb": (
            "Vi har mottatt forespørselen din",
            (
                "Takk. Vi vet nå at det var du som ba om: {kind}.\n\n"
                "Du får svar senest {day}. Hvor langt det har kommet:\n{link}\n"
            ),
        ),
    }
)
EXTENDED = MappingProxyType(
    {
        "en": (
            "Your request takes longer",
            (
                "You asked us for: {kind}. We cannot answer within a month. You get an answer by {day} at the "
                "latest.\n\n"
                "The reason:\n{words}\n"
            ),
        ),
        "fi": (
            "Pyyntösi käsittely kestää kauemmin",
            (
                "Pyysit: {kind}. Emme pysty vastaamaan kuukauden kuluessa. Saat vastauksen viimeistään {day}.\n\n"
                "Syy:\n{words}\n"
            ),
        ),
        "sv": (
            "Din begäran tar längre tid",
            "Du bad om: {kind}. Vi kan inte svara inom en månad. Du får svar senast {day}.\n\nSkälet:\n{words}\n",
        ),
        "de": (
            "Ihre Anfrage dauert länger",
            (
                "Sie baten um: {kind}. Wir können nicht innerhalb eines Monats antworten. Sie erhalten "
                "spätestens am {day} "
                "eine Antwort.\n\nDer Grund:\n{words}\n"
            ),
        ),
        "nb": (
            "Forespørselen din tar lengre tid",
            "Du ba om: {kind}. Vi kan ikke svare innen en måned. Du får svar senest {day}.\n\nGrunnen:\n{words}\n",
        ),
    }
)
LATE = MappingProxyType(
    {
        "en": (
            "Our answer is late",
            (
                "You asked us for: {kind}. You should have had an answer by {day}, and have not. We are sorry; "
                "whoever is "
                "responsible was told, and the answer follows.\n"
            ),
        ),
        "fi": (
            "Vastauksemme on myöhässä",
            (
                "Pyysit: {kind}. Vastauksen piti tulla viimeistään {day}, eikä se ole tullut. Pahoittelemme; "
                "asiasta vastaava "
                "on saanut tiedon, ja vastaus seuraa.\n"
            ),
        ),
        "sv": (
            "Vårt svar är försenat",
            (
                "Du bad om: {kind}. Du skulle ha fått svar senast {day}, men har inte fått det. Vi beklagar; den "
                "ansvariga vet "
                "om det, och svaret följer.\n"
            ),
        ),
        "de": (
            "Unsere Antwort verspätet sich",
            (
                "Sie baten um: {kind}. Sie hätten bis {day} eine Antwort haben sollen und haben keine. Es tut uns "
                "leid; wer "
                "verantwortlich ist, weiß es, und die Antwort folgt.\n"
            ),
        ),
        "nb": (
            "Svaret vårt er forsinket",
            (
                "Du ba om: {kind}. Du skulle ha fått svar senest {day}, men har ikke fått det. Vi beklager; den "
                "ansvarlige "
                "vet om det, og svaret følger.\n"
            ),
        ),
    }
)
ANSWERED = MappingProxyType(
    {
        "en": ("Our answer to your request", "You asked us for: {kind}. Our answer:\n\n{words}\n"),
        "fi": ("Vastauksemme pyyntöösi", "Pyysit: {kind}. Vastauksemme:\n\n{words}\n"),
        "sv": ("Vårt svar på din begäran", "Du bad om: {kind}. Vårt svar:\n\n{words}\n"),
        "de": ("Unsere Antwort auf Ihre Anfrage", "Sie baten um: {kind}. Unsere Antwort:\n\n{words}\n"),
        "nb": ("Svaret vårt på forespørselen din", "Du ba om: {kind}. Svaret vårt:\n\n{words}\n"),
    }
)
REFUSED = MappingProxyType(
    {
        "en": (
            "We cannot do what you asked for",
            "You asked us for: {kind}. We cannot do it, for this reason:\n\n{words}\n",
        ),
        "fi": ("Emme voi toteuttaa pyyntöäsi", "Pyysit: {kind}. Emme voi toteuttaa sitä. Syy:\n\n{words}\n"),
        "sv": (
            "Vi kan inte göra det du bad om",
            "Du bad om: {kind}. Vi kan inte göra det, av detta skäl:\n\n{words}\n",
        ),
        "de": (
            "Wir können Ihrer Anfrage nicht nachkommen",
            "Sie baten um: {kind}. Wir können dem nicht nachkommen, aus diesem Grund:\n\n{words}\n",
        ),
        "nb": (
            "Vi kan ikke gjøre det du ba om",
            "Du ba om: {kind}. Vi kan ikke gjøre det, av denne grunn:\n\n{words}\n",
        ),
    }
)
COMPLAINT = MappingProxyType(
    {
        "en": "You may complain to a data protection authority, for instance {name} ({web}), and go to court. "
        "If you tell us first, we may be able to put it right.\n",
        "fi": "Voit tehdä valituksen tietosuojaviranomaiselle, esimerkiksi {name} ({web}), ja viedä asian "
        "tuomioistuimeen. Jos kerrot ensin meille, voimme ehkä korjata asian.\n",
        "sv": "Du kan klaga hos en dataskyddsmyndighet, till exempel {name} ({web}), och gå till domstol. "
        "Säger du till oss först kan vi kanske rätta till det.\n",
        "de": "Sie können sich bei einer Datenschutzbehörde beschweren, zum Beispiel {name} ({web}), und vor Gericht "
        "gehen. Sagen Sie es zuerst uns, können wir es vielleicht in Ordnung bringen.\n",
        "nb": "Du kan klage til en datatilsynsmyndighet, for eksempel {name} ({web}), og gå til domstolen. "
        "Sier du fra til oss først, kan vi kanskje rette det opp.\n",
    }
)
COPY = MappingProxyType(
    {
        "en": "A copy of everything is being made. Sign in to fetch it; nobody else gets it: {link}",
        "fi": "Kopio kaikista tiedoistasi on tekeillä. Nouda se kirjautumalla; kukaan muu ei saa sitä: {link}",
        "sv": "En kopia av allt håller på att göras. Logga in för att hämta den; ingen annan får den: {link}",
        "de": "Eine Kopie von allem wird erstellt. Melden Sie sich an, um sie abzuholen; niemand sonst bekommt "
        "sie: {link}",
        "nb": "En kopi av alt lages nå. Logg inn for å hente den; ingen andre får den: {link}",
    }
)
ERASURE = MappingProxyType(
    {
        "en": "Your account will be erased on {day}. Until then you can sign in and stop it. The receipt: {link}",
        "fi": "Tilisi poistetaan {day}. Siihen asti voit kirjautua ja perua sen. Kuitti: {link}",
        "sv": "Ditt konto raderas {day}. Fram till dess kan du logga in och stoppa det. Kvittot: {link}",
        "de": "Ihr Konto wird am {day} gelöscht. Bis dahin können Sie sich anmelden und es aufhalten. Die "
        "Quittung: {link}",
        "nb": "Kontoen din blir slettet {day}. Fram til da kan du logge inn og stoppe det. Kvitteringen: {link}",
    }
)
PAGE = MappingProxyType(
    {
        "en": "You are somebody who is told of alarms. Your own page shows everything that we hold of you; "
        "there you can "
        "correct it, stop our messages, object, and be erased: {link}",
        "fi": "Saat hälytyksiä. Oma sivusi näyttää kaiken, mitä meillä on sinusta; siellä voit oikaista tiedot, "
        "lopettaa "
        "viestit, vastustaa käsittelyä ja pyytää tietojesi poistoa: {link}",
        "sv": "Du är någon som larmas. Din egen sida visar allt vi har om dig; där kan du rätta det, stoppa våra "
        "meddelanden, invända och få allt raderat: {link}",
        "de": "Sie werden bei Alarmen benachrichtigt. Ihre eigene Seite zeigt alles, was wir über Sie haben; "
        "dort können "
        "Sie Ihre Daten berichtigen und löschen lassen, unsere Nachrichten beenden und widersprechen: {link}",
        "nb": "Du er en som varsles ved alarm. Din egen side viser alt vi har om deg; der kan du rette det, stoppe "
        "meldingene våre, protestere og få alt slettet: {link}",
    }
)
NO_MORE = MappingProxyType(
    {
        "en": "It is done. You are told of nothing any more, and entering you again does not change that. "
        "Whoever entered "
        "you knows that you are not told.",
        "fi": "Se on tehty. Et saa enää mitään viestejä, eikä uudelleen lisääminen muuta sitä. Sinut lisännyt "
        "tietää, "
        "ettet saa hälytyksiä.",
        "sv": "Det är klart. Du får inget mer, och att ange dig på nytt ändrar inte det. Den som angav dig vet "
        "att du inte "
        "larmas.",
        "de": "Es ist erledigt. Sie erhalten nichts mehr, und ein neuer Eintrag ändert das nicht. Wer Sie "
        "eingetragen hat, "
        "weiß, dass Sie nicht benachrichtigt werden.",
        "nb": "Det er gjort. Du får ingenting mer, og å legge deg inn på nytt endrer ikke det. Den som oppga "
        "deg, vet at du "
        "ikke varsles.",
    }
)
NEWSLETTER = MappingProxyType(
    {
        "en": "It is done: the newsletter comes no more to this mailbox. Of your having asked for it nothing is kept "
        "but a keyed hash, by which it stays so.",
        "fi": "Se on tehty: uutiskirjettä ei enää tule tähän sähköpostiosoitteeseen. Tilauksestasi säilytetään vain "
        "avaimella laskettu tiiviste, jotta näin myös pysyy.",
        "sv": "Det är klart: nyhetsbrevet kommer inte längre till den här brevlådan. Av din beställning sparas bara "
        "ett kontrollvärde med nyckel, så att det förblir så.",
        "de": "Es ist erledigt: Der Newsletter kommt nicht mehr in dieses Postfach. Von Ihrer Bestellung bleibt nur "
        "ein mit einem Schlüssel berechneter Prüfwert, damit es dabei bleibt.",
        "nb": "Det er gjort: nyhetsbrevet kommer ikke lenger til denne postkassen. Av bestillingen din beholdes bare "
        "en kontrollverdi med nøkkel, så det forblir slik.",
    }
)
