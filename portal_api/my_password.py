"""Choosing another password while one is signed in."""

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account, PasswordReset, Session
from isocket.kit.logs import get_logger
from isocket.storage.port import is_, is_not, remove_every
from portal_api import access, sessions
from portal_api.factors import least_length
from portal_api.models import Body
from portal_api.password_rules import weakness
from portal_api.problem import Problem, fault
from portal_api.resets import changed_notice
from portal_api.routes import AnyRoute, Call, Reply, Route
from portal_api.tokens import why_not_them

log = get_logger(__name__)


class PasswordChange(Body):
    """The new password, and the old one unless you have just proved who you are."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"old_password": "four words in a row", "password": "five other words and more"}]
        }
    )

    password: str = Field(min_length=1, max_length=1024)
    old_password: str | None = Field(
        default=None, min_length=1, max_length=1024, description="Or prove who you are by `POST /me/step-up`."
    )


async def change(call: Call[PasswordChange, None]) -> Reply | Problem:
    """Choose another password. Every other session and every personal API token ends; this session goes on."""
    portal, account, given = call.portal, call.account, call.body
    if given.old_password is None:
        access.check_step_up(portal, call.caller)
    else:
        wrong = await why_not_them(portal, account, given.old_password, client=call.client)
        if wrong is not None:
            return wrong
    least = await least_length(call.records, account.id)
    weak = weakness(given.password, account.email, account.name, least=least)
    if weak:
        return fault("password", weak)
    epoch = account.credential_epoch + 1
    changed = await call.records.change_one(
        Account,
        is_("id", account.id),
        is_("credential_epoch", account.credential_epoch),
        password_hash=await portal.passwords.hash(given.password, known=True),
        credential_epoch=epoch,
    )
    if changed is None:
        return Problem(status=409, kind="changed-meanwhile", detail="It was changed a moment ago. Sign in again.")
    await call.records.change_one(
        Session, is_("id", call.session.id), credential_epoch=epoch, proved_at=call.clock.now()
    )
    await remove_every(call.records, Session, is_("account_id", account.id), is_not("id", call.session.id))
    await sessions.end_programs(portal, account)
    await call.records.remove_all(PasswordReset, is_("account_id", account.id))
    await call.records.add_all([changed_notice(portal, changed)])
    log.info("password_changed", account_id=account.id)
    return Reply()


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/me/password",
        handler=change,
        summary="Choose another password",
        body=PasswordChange,
        answers={204: None},
        problems=(403, 409, 429),
    ),
)
