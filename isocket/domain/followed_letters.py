"""What the holder of an account is told by mail once staff did what a letter asked for: an objection, a correction."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from isocket.domain.letters import Letter, letter_from, spoken

ALARMS = "alarms"
"""Being told of alarms, which is objected to by a pause and so is no `ObjectionTo`."""


def objected_mail(language: str, uses: Sequence[str], page: str) -> Letter:
    """Return word that an account's data is not used any more for `uses`: values of `ObjectionTo`, or `ALARMS`."""
    lines = "\n".join(_USES[spoken(language)][each] for each in uses)
    return letter_from(_OBJECTED, language, uses=lines, page=page)


def taken_back_mail(language: str, uses: Sequence[str], page: str) -> Letter:
    """Return word that an objection of an account to `uses`, as above, does not hold any more."""
    said = spoken(language)
    subject, text = _TAKEN_BACK[said]
    words = {**_USES[said], ALARMS: _ALARMS_AGAIN[said]}
    return Letter(subject=subject, text=text.format(uses="\n".join(words[each] for each in uses), page=page))


def corrected_mail(language: str, values: Mapping[str, str], page: str) -> Letter:
    """Return word of what an account says now: `values` by `name`, `language` or `time_zone`."""
    labels = _LABELS[spoken(language)]
    lines = "\n".join(f"{labels[name]}: {value or '-'}" for name, value in values.items())
    return letter_from(_CORRECTED, language, values=lines, page=page)


_OBJECTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": (
            "What your iSocket data is not used for any more",
            "As you asked, your data is not used any more for:\n\n{uses}\n\nYou can change that here:\n{page}\n",
        ),
        "fi": (
            "Mihin iSocket-tietojasi ei enää käytetä",
            "Pyyntösi mukaan tietojasi ei enää käytetä tähän:\n\n{uses}\n\nVoit muuttaa asian täällä:\n{page}\n",
        ),
        "sv": (
            "Vad dina iSocket-uppgifter inte längre används till",
            "Som du begärde används dina uppgifter inte längre till:\n\n{uses}\n\nDu kan ändra det här:\n{page}\n",
        ),
        "de": (
            "Wofür Ihre iSocket-Daten nicht mehr verwendet werden",
            (
                "Wie gewünscht werden Ihre Daten nicht mehr verwendet für:\n\n{uses}\n\nSie können das hier ändern:\n"
                "{page}\n"
            ),
        ),
        "nb": (
            "Hva iSocket-opplysningene dine ikke lenger brukes til",
            "Som du ba om, brukes opplysningene dine ikke lenger til:\n\n{uses}\n\nDu kan endre det her:\n{page}\n",
        ),
    }
)
_USES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        language: MappingProxyType({"newsletter": letters, "statistics": figures, "surveys": asked, ALARMS: alarms})
        for language, letters, figures, asked, alarms in (
            (
                "en",
                "the newsletter",
                "statistics",
                "surveys and reviews",
                "alarms to you: YOU YOURSELF ARE TOLD OF NO ALARM; other people are told as before",
            ),
            (
                "fi",
                "uutiskirje",
                "tilastot",
                "kyselyt ja arvostelut",
                "hälytykset sinulle: SINULLE EI LÄHETETÄ HÄLYTYKSIÄ; muille lähetetään kuten ennenkin",
            ),
            (
                "sv",
                "nyhetsbrevet",
                "statistik",
                "enkäter och omdömen",
                "larm till dig: DU SJÄLV FÅR INGA LARM; andra får dem som förut",
            ),
            (
                "de",
                "den Newsletter",
                "Statistik",
                "Umfragen und Bewertungen",
                "Alarme an Sie: SIE SELBST WERDEN NICHT ALARMIERT; andere wie bisher",
            ),
            (
                "nb",
                "nyhetsbrevet",
                "statistikk",
                "undersøkelser og anmeldelser",
                "alarmer til deg: DU SELV BLIR IKKE VARSLET; andre varsles som før",
            ),
        )
    }
)
_TAKEN_BACK: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": (
            "What your iSocket data may be used for again",
            "As you asked, your objection does not hold any more for:\n\n{uses}\n\nYou can change that here:\n{page}\n",
        ),
        "fi": (
            "Mihin iSocket-tietojasi saa taas käyttää",
            "Pyyntösi mukaan vastustuksesi ei enää koske tätä:\n\n{uses}\n\nVoit muuttaa asian täällä:\n{page}\n",
        ),
        "sv": (
            "Vad dina iSocket-uppgifter får användas till igen",
            "Som du begärde gäller din invändning inte längre:\n\n{uses}\n\nDu kan ändra det här:\n{page}\n",
        ),
        "de": (
            "Wofür Ihre iSocket-Daten wieder verwendet werden dürfen",
            "Wie gewünscht gilt Ihr Widerspruch nicht mehr für:\n\n{uses}\n\nSie können das hier ändern:\n{page}\n",
        ),
        "nb": (
            "Hva iSocket-opplysningene dine kan brukes til igjen",
            "Som du ba om, gjelder innsigelsen din ikke lenger:\n\n{uses}\n\nDu kan endre det her:\n{page}\n",
        ),
    }
)
_ALARMS_AGAIN: Mapping[str, str] = MappingProxyType(
    {
        "en": "alarms to you: you yourself are told of alarms again",
        "fi": "hälytykset sinulle: sinulle lähetetään taas hälytyksiä",
        "sv": "larm till dig: du får larm igen",
        "de": "Alarme an Sie: Sie werden wieder alarmiert",
        "nb": "alarmer til deg: du blir varslet igjen",
    }
)
_CORRECTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": (
            "Your iSocket data was corrected",
            (
                "As you asked, we corrected what we hold about you. It says now:\n\n{values}\n\n"
                "You can change that here:\n{page}\n"
            ),
        ),
        "fi": (
            "iSocket-tietosi on oikaistu",
            "Pyyntösi mukaan oikaisimme tietosi. Nyt ne ovat:\n\n{values}\n\nVoit muuttaa niitä täällä:\n{page}\n",
        ),
        "sv": (
            "Dina iSocket-uppgifter har rättats",
            "Som du begärde har vi rättat dina uppgifter. De är nu:\n\n{values}\n\nDu kan ändra dem här:\n{page}\n",
        ),
        "de": (
            "Ihre iSocket-Daten wurden berichtigt",
            (
                "Wie gewünscht haben wir Ihre Daten berichtigt. Sie lauten jetzt:\n\n{values}\n\n"
                "Sie können sie hier ändern:\n{page}\n"
            ),
        ),
        "nb": (
            "iSocket-opplysningene dine er rettet",
            "Som du ba om, har vi rettet opplysningene dine. De er nå:\n\n{values}\n\nDu kan endre dem her:\n{page}\n",
        ),
    }
)
_LABELS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        language: MappingProxyType({"name": name, "language": spoken_in, "time_zone": zone})
        for language, name, spoken_in, zone in (
            ("en", "Name", "Language", "Time zone"),
            ("fi", "Nimi", "Kieli", "Aikavyöhyke"),
            ("sv", "Namn", "Språk", "Tidszon"),
            ("de", "Name", "Sprache", "Zeitzone"),
            ("nb", "Navn", "Språk", "Tidssone"),
        )
    }
)
