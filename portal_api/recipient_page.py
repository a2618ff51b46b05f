"""What alarm recipients see and do about themselves, for programs: no account, a visit of half an hour."""

from aiohttp import web

from portal_api.problem import Problem, fault
from portal_api.recipient_acts import come_back, correct, erase, object_to, stop
from portal_api.recipient_file import about, as_file
from portal_api.recipient_models import (
    AboutMe,
    Correction,
    Done,
    VisitProof,
    VisitView,
    WayIn,
    WayInSent,
)
from portal_api.recipient_visits import (
    OPENINGS_CLIENT,
    VISIT_LIFE,
    VISITS_CLIENT,
    demand_guest,
    invite,
    leave,
    open_by_code,
    open_by_link,
)
from portal_api.routes import Access, AnyRoute, Call, Reply, Route


async def send(call: Call[WayIn, None]) -> WayInSent:
    """Ask for the way to your own page. The answer is the same whether we hold the address or not."""
    await invite(call.portal, call.body.address, client=call.client, language=call.body.language)
    return WayInSent()


async def enter(call: Call[VisitProof, None]) -> VisitView | Problem:
    """Open a visit with the token from the link, or with address and code. Both work once; a code has five tries."""
    proof = call.body
    if proof.token is not None:
        opened = await open_by_link(call.portal, proof.token)
    elif proof.address is not None and proof.code is not None:
        opened = await open_by_code(call.portal, proof.address, "".join(proof.code.split()))
    else:
        return fault("token", "Give the token from the link, or address and code from the text.")
    if opened is None:
        return bad_proof()
    return VisitView(access_token=opened[0], expires_in=int(VISIT_LIFE.total_seconds()))


async def show(call: Call[None, None]) -> AboutMe:
    """Show everything that we hold about you: who entered you, what for, and what was sent when."""
    return await about(call.portal, await demand_guest(call))


async def download(call: Call[None, None]) -> web.Response:
    """Give the same as a file to keep or to take elsewhere."""
    return as_file(await about(call.portal, await demand_guest(call)))


async def change(call: Call[Correction, None]) -> Done:
    """Correct your name, language or time zone in every entry (Art. 16)."""
    guest = await demand_guest(call)
    await correct(call.portal, guest.entries, {name: getattr(call.body, name) for name in call.body.model_fields_set})
    return Done()


async def stop_all(call: Call[None, None]) -> Done:
    """Stop all messages to you. Whoever entered you is told that you are not told any more."""
    guest = await demand_guest(call)
    await stop(call.portal, guest.address, guest.entries)
    return Done()


async def object_all(call: Call[None, None]) -> Done:
    """Object to being told (Art. 21): nothing is sent, and nobody can have you asked again."""
    guest = await demand_guest(call)
    await object_to(call.portal, guest.address, guest.entries)
    return Done()


async def take_up(call: Call[None, None]) -> Done:
    """Take our messages up again: only you can, for the address by which you came. Where another of yours said no,
    what has both stays paused until you come by that as well.
    """
    guest = await demand_guest(call)
    await come_back(call.portal, guest.address, guest.entries)
    return Done()


async def go(call: Call[None, None]) -> Reply:
    """Be erased (Art. 17), in every entry. Whoever entered you is told of the gap; entering you again reaches nobody.

    The visit ends with it.
    """
    guest = await demand_guest(call)
    await erase(call.portal, guest.address, guest.entries)
    await leave(call.portal, guest.visit)
    return Reply()


def bad_proof() -> Problem:
    """Return the one answer to a link or code that is not good."""
    detail = "This link or code is not good, not any more, or was used already. Ask for a new one."
    return Problem(status=400, kind="bad-token", detail=detail)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/people/codes",
        handler=send,
        summary="Ask for the way to my own page",
        access=Access.PUBLIC,
        body=WayIn,
        answers={202: WayInSent},
        limit=lambda _: VISITS_CLIENT,
    ),
    Route(
        method="POST",
        path="/people/sessions",
        handler=enter,
        summary="Open my own page",
        access=Access.PUBLIC,
        body=VisitProof,
        answers={200: VisitView},
        problems=(400,),
        limit=lambda _: OPENINGS_CLIENT,
    ),
    Route(
        method="GET",
        path="/people/me",
        handler=show,
        summary="Show what is held about me",
        access=Access.RECIPIENT,
        answers={200: AboutMe},
    ),
    Route(
        method="GET",
        path="/people/me/data",
        handler=download,
        summary="Fetch what is held about me",
        access=Access.RECIPIENT,
        answers={200: None},
    ),
    Route(
        method="PATCH",
        path="/people/me",
        handler=change,
        summary="Correct what is held about me",
        access=Access.RECIPIENT,
        body=Correction,
        answers={200: Done},
    ),
    Route(
        method="POST",
        path="/people/me/stop",
        handler=stop_all,
        summary="Stop all messages to me",
        access=Access.RECIPIENT,
        answers={200: Done},
    ),
    Route(
        method="POST",
        path="/people/me/objection",
        handler=object_all,
        summary="Object to being told",
        access=Access.RECIPIENT,
        answers={200: Done},
    ),
    Route(
        method="POST",
        path="/people/me/return",
        handler=take_up,
        summary="Take messages up again",
        access=Access.RECIPIENT,
        answers={200: Done},
    ),
    Route(
        method="DELETE",
        path="/people/me",
        handler=go,
        summary="Be erased",
        access=Access.RECIPIENT,
        answers={204: None},
    ),
)
