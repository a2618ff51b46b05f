"""Passkeys by API."""

from isocket.domain.factors import Passkey
from isocket.storage.port import is_
from portal_api import passkeys
from portal_api.cursor import page_of
from portal_api.factors import factors_of
from portal_api.models import Page, PageQuery
from portal_api.notices import Change
from portal_api.passkey_models import (
    NewPasskey,
    PasskeyMade,
    PasskeyName,
    PasskeyOptions,
    PasskeySignIn,
    PasskeyView,
)
from portal_api.problem import Problem, not_found
from portal_api.routes import Access, AnyRoute, Call, Route
from portal_api.second_factor import factor_removed, first_factor_added
from portal_api.sessions import open_bearer
from portal_api.signing_in import came_in, time_is_over
from portal_api.tokens import TokenPair, pair_of


async def show_all(call: Call[None, PageQuery]) -> Page[PasskeyView]:
    """List my passkeys."""
    found, following = await page_of(
        call.records,
        Passkey,
        is_("account_id", call.account.id),
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="created_at",
    )
    return Page[PasskeyView](items=[view(each) for each in found], next=following)


async def ask(call: Call[None, None]) -> PasskeyOptions | Problem:
    """Ask for what a browser needs to make a passkey."""
    if len((await factors_of(call.records, call.account.id)).passkeys) >= passkeys.MOST_PASSKEYS:
        return Problem(
            status=409, kind="too-many-passkeys", detail=f"An account has up to {passkeys.MOST_PASSKEYS} passkeys."
        )
    return await passkeys.options_to_make(call.portal, call.account, call.session.id)


async def add(call: Call[NewPasskey, None]) -> PasskeyMade | Problem:
    """Add the passkey that the browser made. From now on a password alone signs nobody in; other sessions end."""
    made = await passkeys.made(call.portal, call.account, call.session.id, call.body)
    if made is None:
        return Problem(
            status=400, kind="bad-passkey", detail="This passkey is not as it should be, or took too long. Begin anew."
        )
    codes = await first_factor_added(call, Change.PASSKEY_ADDED)
    return PasskeyMade(passkey=view(made), recovery_codes=codes.recovery_codes)


async def rename(call: Call[PasskeyName, None]) -> PasskeyView | Problem:
    """Call a passkey something else."""
    tests = (is_("id", call.path["passkey_id"]), is_("account_id", call.account.id))
    changed = await call.records.change_one(Passkey, *tests, name=call.body.name)
    return view(changed) if changed else not_found()


async def remove(call: Call[None, None]) -> Problem | None:
    """Remove a passkey: it signs nobody in any more. Your browser may still offer it; remove it there too."""
    tests = (is_("id", call.path["passkey_id"]), is_("account_id", call.account.id))
    if not await call.records.remove_all(Passkey, *tests):
        return not_found()
    await factor_removed(call.portal, call.account, Change.PASSKEY_REMOVED)
    return None


async def ask_to_sign_in(call: Call[None, None]) -> PasskeyOptions:
    """Ask for what a browser needs to sign in by a passkey. The answer is the same for everybody."""
    return passkeys.options_to_sign_in(call.portal)


async def sign_in(call: Call[PasskeySignIn, None]) -> TokenPair | Problem:
    """Sign in by a passkey, without a password."""
    account = await passkeys.signed_in(call.portal, call.body.ticket, call.body.credential)
    if account is None:
        return wrong_passkey()
    over = time_is_over(account, call.clock.now())
    if over is not None:
        return over
    how = await came_in(call, account, second_factor=True, label=call.body.label)
    return pair_of(await open_bearer(call.portal, account, how))


async def ask_to_step_up(call: Call[None, None]) -> PasskeyOptions | Problem:
    """Ask for what a browser needs to prove by a passkey once more who you are: see `POST /me/step-up`."""
    if not (await factors_of(call.records, call.account.id)).passkeys:
        return Problem(status=409, kind="no-passkey", detail="You have no passkey. Use your password.")
    return await passkeys.options_to_step_up(call.portal, call.account, call.session.id)


def view(passkey: Passkey) -> PasskeyView:
    """Return what its holder sees of a passkey."""
    return PasskeyView(
        id=passkey.id,
        name=passkey.name,
        synced=passkey.backed_up,
        created_at=passkey.created_at,
        last_used=passkey.last_used_at,
    )


def wrong_passkey() -> Problem:
    """Return the answer to a passkey that is not ours, or did not sign as it should."""
    return Problem(
        status=401,
        kind="wrong-passkey",
        detail="This passkey opens nothing here, or took too long. Try again, or use your password.",
        headers={"WWW-Authenticate": "Bearer"},
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/me/passkeys",
        handler=show_all,
        summary="List my passkeys",
        query=PageQuery,
        answers={200: Page[PasskeyView]},
    ),
    Route(
        method="POST",
        path="/me/passkeys/options",
        handler=ask,
        summary="Begin with a passkey",
        answers={200: PasskeyOptions},
        problems=(409,),
        step_up=True,
    ),
    Route(
        method="POST",
        path="/me/passkeys",
        handler=add,
        summary="Add a passkey",
        body=NewPasskey,
        answers={201: PasskeyMade},
        problems=(400,),
        step_up=True,
    ),
    Route(
        method="PATCH",
        path="/me/passkeys/{passkey_id}",
        handler=rename,
        summary="Name a passkey",
        body=PasskeyName,
        answers={200: PasskeyView},
    ),
    Route(
        method="DELETE",
        path="/me/passkeys/{passkey_id}",
        handler=remove,
        summary="Remove a passkey",
        answers={204: None},
        step_up=True,
    ),
    Route(
        method="POST",
        path="/tokens/passkey/options",
        handler=ask_to_sign_in,
        summary="Begin to sign in by a passkey",
        access=Access.PUBLIC,
        answers={200: PasskeyOptions},
        limit=lambda rates: rates.passkey_address,
    ),
    Route(
        method="POST",
        path="/tokens/passkey",
        handler=sign_in,
        summary="Sign in by a passkey",
        access=Access.PUBLIC,
        body=PasskeySignIn,
        answers={200: TokenPair},
        problems=(401,),
        limit=lambda rates: rates.passkey_address,
    ),
    Route(
        method="POST",
        path="/me/step-up/passkey/options",
        handler=ask_to_step_up,
        summary="Begin to prove by a passkey who I am",
        answers={200: PasskeyOptions},
        problems=(409,),
    ),
)
