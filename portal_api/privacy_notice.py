"""What is done with people's values, for anybody to read: the notice (Art. 13 and 14) and the whole inventory."""

from collections.abc import Iterable

from pydantic import Field

from isocket.domain.collected import COOKIES, FORM_FIELDS, LOG_KEYS, OUTGOING, TAB_NOTES
from isocket.domain.inventory import Subject, inventory
from isocket.domain.processing import DECISIONS, FIGURES, MEASURES, RIGHTS, Activity, activities
from portal_api.models import View
from portal_api.routes import Access, AnyRoute, Call, Route


class RecipientView(View):
    """Somebody outside who gets a value, and where they are."""

    who: str = Field(examples=["SMS and voice provider"])
    country: str = Field(examples=["US"])
    safeguard: str = Field(
        examples=["standard contractual clauses (EU) 2021/914"],
        description="By what it is covered that values leave the EEA; empty where they do not.",
    )


class ActivityView(View):
    """One purpose, on one lawful basis."""

    purpose: str = Field(examples=["alerts"])
    what_for: str
    basis: str = Field(examples=["performance of a contract, Art. 6(1)(b)"])
    categories: list[str] = Field(examples=[["name", "telephone number"]])
    kept: list[str] = Field(examples=[["1 year after it was made"]])
    recipients: list[RecipientView]


class CookieView(View):
    """A cookie. There are none but those without which nobody could sign in."""

    name: str = Field(examples=["__Host-sid"])
    purpose: str
    life: str


class TabNoteView(View):
    """What our pages note in their tab of a browser; it is sent to nobody."""

    key: str = Field(examples=["typed"])
    purpose: str
    life: str


class NoticeView(View):
    """Who answers for what is stored about people, and what they may ask for."""

    controller: str = Field(examples=["iSocket Systems Ltd, 2579967-2, PL 106, 78201 Varkaus, Finland"])
    contact: str = Field(examples=["mailto:privacy@example.org"])
    for_customers: list[ActivityView] = Field(description="Art. 13: from you yourself, and from your sockets.")
    for_alarm_recipients: list[ActivityView] = Field(description="Art. 14: from the customer who entered you.")
    source_of_alarm_recipients: str
    rights: list[str]
    automated_decisions: str
    figures: str = Field(description="What is counted of many customers together.")
    cookies: list[CookieView]
    tab_notes: list[TabNoteView]
    measures: list[str]


class FieldView(View):
    """One stored field. Where it tells nothing about a person, all but the names are empty."""

    collection: str = Field(examples=["contacts"])
    field: str = Field(examples=["phone"])
    personal: bool
    category: str
    subjects: list[str]
    purpose: str
    basis: str
    keep: str
    export: str
    on_erasure: str
    recipients: list[str]
    sealed: bool


class OutgoingView(View):
    """What one kind of provider is handed."""

    way: str = Field(examples=["sms"])
    recipient: str
    fields: list[str]
    personal: list[str]


class InventoryView(View):
    """Every stored field, and all that passes through beside."""

    fields: list[FieldView]
    cookies: list[CookieView]
    tab_notes: list[TabNoteView]
    forms: dict[str, str] = Field(description="What pages ask for about people, and why.")
    outgoing: list[OutgoingView]
    log_keys: list[str] = Field(description="All that a log line may carry: ids, counts and fixed words.")


async def notice(call: Call[None, None]) -> NoticeView:
    """Say who answers for personal data here, what is done with it and why, who gets it, and what people may ask."""
    controller = call.portal.settings.controller
    return NoticeView(
        controller=controller.name,
        contact=controller.contact,
        for_customers=_shown(activities(controller, subject=Subject.CUSTOMER)),
        for_alarm_recipients=_shown(activities(controller, subject=Subject.RECIPIENT)),
        source_of_alarm_recipients="The customer who wants you to be told of alarms entered your name and addresses.",
        rights=list(RIGHTS),
        automated_decisions=DECISIONS,
        figures=FIGURES,
        cookies=_cookies(),
        tab_notes=_tab_notes(),
        measures=list(MEASURES),
    )


async def show_inventory(_: Call[None, None]) -> InventoryView:
    """Show every field that is stored, with purpose, lawful basis, retention, export, erasure and recipients."""
    return InventoryView(
        fields=[
            FieldView(
                collection=each.collection,
                field=each.field,
                personal=each.personal,
                category=each.category,
                subjects=list(each.subjects),
                purpose=each.purpose,
                basis=each.basis,
                keep=each.keep,
                export=each.export,
                on_erasure=each.on_erasure,
                recipients=list(each.recipients),
                sealed=each.sealed,
            )
            for each in inventory()
        ],
        cookies=_cookies(),
        tab_notes=_tab_notes(),
        forms=dict(FORM_FIELDS),
        outgoing=[
            OutgoingView(
                way=way, recipient=each.recipient.value, fields=list(each.fields), personal=list(each.personal)
            )
            for way, each in OUTGOING.items()
        ],
        log_keys=sorted(LOG_KEYS),
    )


def _shown(found: Iterable[Activity]) -> list[ActivityView]:
    return [
        ActivityView(
            purpose=each.purpose,
            what_for=each.what_for,
            basis=each.basis,
            categories=list(each.categories),
            kept=list(each.kept),
            recipients=[
                RecipientView(who=told.who, country=told.country, safeguard=told.safeguard) for told in each.recipients
            ],
        )
        for each in found
    ]


def _cookies() -> list[CookieView]:
    return [CookieView(name=each.name, purpose=each.purpose, life=each.life) for each in COOKIES]


def _tab_notes() -> list[TabNoteView]:
    return [TabNoteView(key=each.key, purpose=each.purpose, life=each.life) for each in TAB_NOTES]


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/privacy/notice",
        handler=notice,
        summary="What is done with personal data",
        access=Access.PUBLIC,
        answers={200: NoticeView},
    ),
    Route(
        method="GET",
        path="/privacy/inventory",
        handler=show_inventory,
        summary="Every stored field, and why",
        access=Access.PUBLIC,
        answers={200: InventoryView},
    ),
)
