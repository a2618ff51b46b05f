"""What anybody may ask for by right (Art. 15 to 21): the wish, the proof of who asks, and how far it has come.

Whoever asks learns nothing of whether we hold anything: the same answer, the same work, the same mail. Only who reads
that mail and presses the button is looked for among those we know.
"""

import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, ConfigDict, Field

from isocket.domain.authorities import authority_of
from isocket.domain.contacts import ChannelKind
from isocket.domain.countries import countries
from isocket.domain.deadlines import FIRST_MONTHS, end_of_months
from isocket.domain.deliveries import Delivery
from isocket.domain.request_letters import who_are_you
from isocket.domain.requests import Proof, RequestChannel, RequestState, Right, RightsRequest
from isocket.kit.ids import new_id, new_token, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.port import is_
from portal_api.limits import Rate
from portal_api.models import Body, Instant, LinkToken, OneLine, Query, View
from portal_api.portal import Portal
from portal_api.privacy_fulfilment import fulfil
from portal_api.problem import Problem, bad_link, not_found
from portal_api.recipient_acts import entries_of
from portal_api.registration import account_of
from portal_api.request_mail import letter_id, letter_to
from portal_api.routes import Access, AnyRoute, Call, Route
from portal_api.usernames import Language, Username

log = get_logger(__name__)

PROOF_LIFE = timedelta(days=14)
REQUESTS_CLIENT = Rate(name="request_client", tries=20, per_s=3600)
_PURPOSE = "rights"


def _lines(text: str) -> str:
    """Refuse what is not seen but acts; new lines stay."""
    if any(unicodedata.category(each) in {"Cc", "Cs"} and each not in "\n\r\t" for each in text):
        raise ValueError("Use plain characters.")
    return text.replace("\r\n", "\n").strip()


def _country(text: str) -> str:
    if text and text not in countries():
        raise ValueError("Write a country by its two letters (ISO 3166), such as `FI`.")
    return text


Words = Annotated[str, Field(max_length=4000), AfterValidator(_lines)]
"""What somebody says, on as many lines as they like."""
Country = Annotated[str, Field(max_length=2), AfterValidator(_country)]
"""A country (ISO 3166), or nothing."""


class RightsWish(Body):
    """What is asked for, and the mailbox to which we may answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "access",
                    "email": "neighbour@example.org",
                    "words": "Somebody entered me as a person to be told of alarms. What do you know of me?",
                    "country": "FI",
                    "language": "en",
                }
            ]
        }
    )

    kind: Annotated[Right, Field(strict=False)]
    email: Username
    name: OneLine = ""
    words: Words = ""
    language: Language = "en"
    country: Country = Field(default="", description="Where you live: it names the authority in our answer.")


class AuthorityView(View):
    """To whom one may complain."""

    country: str = Field(examples=["FI"])
    name: str = Field(examples=["Tietosuojavaltuutetun toimisto"])
    web: str = Field(examples=["https://tietosuoja.fi"])


class RequestAccepted(View):
    """We will see to it. A mail asks whoever reads it whether it was them."""

    status: str = Field(default="accepted", examples=["accepted"])
    due_at: Instant = Field(description="You have an answer by then, or word that it takes longer.")
    authority: AuthorityView


class ProofOfMailbox(LinkToken):
    """The answer from the mailbox."""


class RequestQuery(Query):
    """Which request."""

    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_\-]+$")


class RequestView(View):
    """How far a request has come. It names nobody; its address stands in the mail to whoever asked."""

    id: str = Field(examples=["rrq_mzxw6ytboi"])
    kind: Right
    state: RequestState
    received_at: Instant
    due_at: Instant
    extended: bool = Field(description="It takes up to two months longer, as was told.")
    decided_at: Instant | None
    fulfilled_by: str | None = Field(description="The copy or the erasure by which it is followed.")
    authority: AuthorityView


async def ask(call: Call[RightsWish, None]) -> RequestAccepted:
    """Ask for something by right. The answer is the same whether we hold anything about you or not.

    A mail goes to the address; nothing is done before its reader says that it was them.
    """
    return await wish_for(call.portal, call.body)


async def confirm(call: Call[ProofOfMailbox, None]) -> RequestView | Problem:
    """Say that it was you, with the token from the mail. It works once.

    Who has an account and wants a copy or to be erased gets that under way at once; all else is decided by people.
    """
    return await confirm_with(call.portal, call.body.token)


async def show(call: Call[None, RequestQuery]) -> RequestView | Problem:
    """Show how far a request has come, to whoever holds its id."""
    found = await call.records.get(RightsRequest, call.query.id)
    return not_found() if found is None else view(call.portal, found)


async def wish_for(portal: Portal, wish: RightsWish) -> RequestAccepted:
    """Note a request and ask its mailbox. What one mailbox has had enough of is not stored, and looks the same."""
    now = portal.clock.now()
    rates = portal.settings.rates
    mailbox = wish.email.casefold()
    waits = [await portal.limits.take(each, _PURPOSE, mailbox) for each in (rates.mailbox_hour, rates.mailbox_day)]
    if not any(waits):
        async with portal.turns.of(f"request {mailbox}"):
            await note_and_ask(portal, new_request(portal, wish, received_at=now))
    else:
        log.info("mailbox_has_had_enough", rate=rates.mailbox_hour.name)
    return RequestAccepted(
        due_at=end_of_months(now, FIRST_MONTHS, portal.settings.office),
        authority=authority_view(portal, wish.country),
    )


def new_request(portal: Portal, wish: RightsWish, *, received_at: datetime) -> RightsRequest:
    """Return a request as it came by the form."""
    return RightsRequest(
        id=new_id("rrq"),
        kind=wish.kind,
        channel=RequestChannel.FORM,
        email=wish.email,
        name=wish.name,
        words=wish.words,
        language=wish.language,
        country=wish.country,
        state=RequestState.IDENTITY_ASKED,
        received_at=received_at,
        due_at=end_of_months(received_at, FIRST_MONTHS, portal.settings.office),
    )


async def note_and_ask(portal: Portal, request: RightsRequest) -> RightsRequest:
    """Store a request, with a mail that asks whether its reader is who asked; return it as stored.

    A mailbox that we know is written to as we know it, not as it was typed. One that asks for the same again before it
    has answered gets a new link to the same request, with what was said last; its time began with the first.
    """
    now, token = portal.clock.now(), new_token()
    address = await _known_address(portal, request.email) or request.email
    same = (is_("email", address), is_("state", RequestState.IDENTITY_ASKED), is_("kind", request.kind))
    by_form = request.channel is RequestChannel.FORM  # a letter that is typed in has a day of its own
    waiting = await portal.records.find(RightsRequest, *same, is_("channel", RequestChannel.FORM)) if by_form else []
    proof: dict[str, Any] = {"proof_hash": token_hash(token), "proof_ends_at": now + PROOF_LIFE}
    stored = None
    if waiting:
        stored = await portal.records.change_one(
            RightsRequest,
            is_("id", waiting[0].id),
            is_("state", RequestState.IDENTITY_ASKED),
            name=request.name,
            words=request.words,
            language=request.language,
            country=request.country,
            **proof,
        )
    if stored is None:
        stored = replace(request, email=address, **proof)
        await portal.records.add(stored)
    await portal.records.add_all([_who_are_you(portal, stored, token)])
    log.info("request_noted", request_id=stored.id, kind=stored.kind)
    return stored


async def asked_after_all(portal: Portal, request: RightsRequest) -> RightsRequest:
    """Ask the mailbox of a request whose mail was never written, since whoever stored it died before; return it."""
    waits = request.state is RequestState.IDENTITY_ASKED
    if not waits or await portal.records.get(Delivery, letter_id(request, _proof_of(request))) is not None:
        return request
    token, until = new_token(), portal.clock.now() + PROOF_LIFE
    same = (is_("id", request.id), is_("version", request.version))
    asked = await portal.records.change_one(RightsRequest, *same, proof_hash=token_hash(token), proof_ends_at=until)
    if asked is None:
        return request  # another is at it
    await portal.records.add_all([_who_are_you(portal, asked, token)])
    log.info("request_noted", request_id=asked.id, kind=asked.kind)
    return asked


def _who_are_you(portal: Portal, request: RightsRequest, token: str) -> Delivery:
    """Return the mail with the link of this token; a new link is a new mail."""
    link = portal.settings.link(f"/rights?token={quote(token)}")
    letter, life = who_are_you(request.language, request.kind, link=link), PROOF_LIFE
    return letter_to(request, letter, key=_proof_of(request), now=portal.clock.now(), useful=life)


def _proof_of(request: RightsRequest) -> str:
    return f"who {request.proof_hash}"


async def _known_address(portal: Portal, address: str) -> str | None:
    """Return a mailbox as we hold it, of an account or of an alarm recipient; both are always looked for."""
    account = await account_of(portal, address)
    entries = await entries_of(portal.records, ChannelKind.EMAIL, address)
    return account.email if account else next((each.email for each in entries if each.email), None)


async def confirm_with(portal: Portal, token: str) -> RequestView | Problem:
    """Take the answer from a mailbox. The token stays good until all that follows from it is stored."""
    now = portal.clock.now()
    found = await portal.records.find(RightsRequest, is_("proof_hash", token_hash(token)), limit=1)
    request = found[0] if found else None
    if request is None or request.state is not RequestState.IDENTITY_ASKED:
        return bad_link("Ask again.")
    if request.proof_ends_at is None or request.proof_ends_at <= now:
        return bad_link("Ask again.")
    account = await account_of(portal, request.email)
    identified = replace(request, account_id=account.id if account else None, state=RequestState.IDENTIFIED)
    decided = await fulfil(portal, identified, account, now=now)
    done = await portal.records.change_one(
        RightsRequest,
        is_("id", request.id),
        is_("state", RequestState.IDENTITY_ASKED),
        identified_at=now,
        account_id=identified.account_id,
        proof=Proof.LINK,
        **{"state": RequestState.IDENTIFIED, "proof_hash": None, **decided},
    )
    if done is None:
        return bad_link("Ask again.")  # another request with the same token was a moment quicker
    log.info("request_identified", request_id=done.id, state=done.state)
    return view(portal, done)


def view(portal: Portal, request: RightsRequest) -> RequestView:
    """Return what whoever holds its id sees of a request."""
    return RequestView(
        id=request.id,
        kind=request.kind,
        state=request.state,
        received_at=request.received_at,
        due_at=request.due_at,
        extended=request.extended_at is not None,
        decided_at=request.decided_at,
        fulfilled_by=request.fulfilled_by,
        authority=authority_view(portal, request.country),
    )


def authority_view(portal: Portal, country: str) -> AuthorityView:
    """Return to whom somebody in a country may complain."""
    found = authority_of(country, at_home=portal.settings.office.country)
    return AuthorityView(country=found.country, name=found.name, web=found.web)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/privacy/requests",
        handler=ask,
        summary="Ask for something by right",
        access=Access.PUBLIC,
        body=RightsWish,
        answers={202: RequestAccepted},
        limit=lambda _: REQUESTS_CLIENT,
    ),
    Route(
        method="POST",
        path="/privacy/requests/confirm",
        handler=confirm,
        summary="Say that it was me who asked",
        access=Access.PUBLIC,
        body=ProofOfMailbox,
        answers={200: RequestView},
        problems=(400,),
        limit=lambda rates: rates.token_address,
    ),
)
