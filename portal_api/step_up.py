"""Proving once more who one is, before anything dangerous: whoever took a session cannot."""

from dataclasses import replace
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from portal_api import factors, passkeys, sessions
from portal_api.models import Body, Instant, View
from portal_api.passkey_models import PasskeyProof
from portal_api.passkey_routes import wrong_passkey
from portal_api.problem import Problem
from portal_api.routes import AnyRoute, Call, Route
from portal_api.tokens import UNAUTHORISED, why_not_them

FORBIDDEN = 403


class StepUp(Body):
    """The password once more, or the second factor. One of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "four words in a row"}, {"code": "123456"}]})

    password: str | None = Field(default=None, min_length=1, max_length=1024)
    code: str | None = Field(default=None, min_length=1, max_length=40, description="From the app, or a recovery code.")
    passkey: PasskeyProof | None = Field(default=None, description="See `POST /me/step-up/passkey/options`.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.password, self.code, self.passkey)) != 1:
            raise ValueError("Send one of password, code and passkey.")
        return self


class Proved(View):
    """Who you are is proved."""

    until: Instant = Field(description="Until then dangerous things may be done in this session.")


async def step_up(call: Call[StepUp, None]) -> Proved | Problem:
    """Prove once more who you are. What is dangerous asks for it with 403 of the kind `step-up`."""
    wrong = await _wrong(call)
    if wrong is not None:
        return replace(wrong, status=FORBIDDEN, headers={}) if wrong.status == UNAUTHORISED else wrong
    by_factor = call.body.password is None
    return Proved(until=await sessions.prove_again(call.portal, call.session, second_factor=by_factor))


async def _wrong(call: Call[StepUp, None]) -> Problem | None:
    portal, account, given = call.portal, call.account, call.body
    if given.code is not None:
        return await factors.check(portal, account, given.code)
    if given.passkey is not None:
        ticket, credential = given.passkey.ticket, given.passkey.credential
        right = await passkeys.proved(portal, account, call.session.id, ticket, credential)
        return None if right else wrong_passkey()
    return await why_not_them(portal, account, given.password or "", client=call.client)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/me/step-up",
        handler=step_up,
        summary="Prove once more who I am",
        body=StepUp,
        answers={200: Proved},
        problems=(403, 429),
    ),
)
