"""Who was given what about me, when and why (Art. 15(1)(c)): messages, looks of our staff, programs, authorities."""

from pydantic import Field

from isocket.domain.contacts import Contact
from isocket.domain.disclosures import LedgerLine
from isocket.storage.disclosed import Whose, disclosed, of_account, of_person
from isocket.storage.port import Records
from portal_api import cursor
from portal_api.models import Instant, Page, PageQuery, View
from portal_api.problem import ProblemError, not_found
from portal_api.routes import AnyRoute, Call, Route


class DisclosureView(View):
    """One line: who was given which values of whom."""

    id: str = Field(examples=["att_mzxw6ytboi"])
    at: Instant
    to: str = Field(examples=["SMS and voice provider"], description="Who was given it.")
    recipient: str = Field(
        examples=["twilio"], description="Name of a provider, or id of a program or member of our staff."
    )
    way: str = Field(examples=["sms"], description="Channel of a message; empty for anything else.")
    kind: str = Field(examples=["alarm"], description="Kind of a message; empty for anything else.")
    about: str = Field(examples=["con_mzxw6ytboi"], description="Whose values: your account's id, or a contact's.")
    what: list[str] = Field(examples=[["To", "Body"]], description="The fields, as the recipient calls them.")
    purpose: str = Field(examples=["alerts"])
    basis: str = Field(examples=["art6_1_b"], description="Lawful basis, Art. 6(1) GDPR.")
    reason: str = Field(description="Why somebody looked; empty where the purpose says it all.")


class DisclosureQuery(PageQuery):
    """A part of the ledger."""

    contact_id: str | None = Field(
        default=None,
        max_length=64,
        pattern=r"^[A-Za-z0-9_\-]+$",
        description="Only what concerns this contact of yours.",
    )


async def show(call: Call[None, DisclosureQuery]) -> Page[DisclosureView]:
    """Show who was given what about you and the people whom you entered, the newest first.

    Messages are told from the attempts to send them: a provider that was handed one is listed, whatever it answered.
    """
    whose = of_account(call.account.id)
    if call.query.contact_id is not None:
        contact = await call.records.get(Contact, call.query.contact_id)
        if contact is None or contact.account_id != call.account.id:
            raise ProblemError(not_found())
        whose = of_person(contact.id)
    return await page_of_ledger(call.records, whose, call)


async def page_of_ledger(records: Records, whose: Whose, call: Call[None, DisclosureQuery]) -> Page[DisclosureView]:
    """Return the part of somebody's ledger that a query asks for.

    Raises:
        ProblemError: 422: the cursor is none of ours.
    """
    after = cursor.decode(call.query.cursor) if call.query.cursor else None
    try:
        told, goes_on = await disclosed(records, whose, now=call.clock.now(), limit=call.query.limit, after=after)
    except (TypeError, ValueError):
        raise ProblemError(cursor.wrong_list()) from None
    return Page[DisclosureView](items=[_view(each) for each in told], next=cursor.encode(*goes_on) if goes_on else None)


def _view(told: LedgerLine) -> DisclosureView:
    return DisclosureView(
        id=told.id,
        at=told.at,
        to=told.to,
        recipient=told.recipient,
        way=told.way,
        kind=told.kind,
        about=told.subject_id,
        what=list(told.what),
        purpose=told.purpose,
        basis=told.basis,
        reason=told.reason,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/privacy/disclosures",
        handler=show,
        summary="Who was given what about me, when and why",
        query=DisclosureQuery,
        answers={200: Page[DisclosureView]},
        problems=(404,),
    ),
)
