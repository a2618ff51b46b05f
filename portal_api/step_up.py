"""Proving once more who one is, before anything dangerous: whoever took a session cannot."""

from dataclasses import replace
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from portal_api import factors, sessions
from portal_api.models import Body, Instant, View
from portal_api.problem import Problem
from portal_api.routes import AnyRoute, Call, Route
from portal_api.tokens import prove

UNAUTHORISED, FORBIDDEN = 401, 403


class StepUp(Body):
    """The password once more, or the second factor. One of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "four words in a row"}, {"code": "123456"}]})

    password: str | None = Field(default=None, min_length=1, max_length=1024)
    code: str | None = Field(default=None, min_length=1, max_length=40, description="From the app, or a recovery code.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.password is None) == (self.code is None):
            raise ValueError("Send either password or code.")
        return self


class Proved(View):
    """Who you are is proved."""

    until: Instant = Field(description="Until then dangerous things may be done in this session.")


async def step_up(call: Call[StepUp, None]) -> Proved | Problem:
    """Prove once more who you are. What is dangerous asks for it with 403 of the kind `step-up`."""
    if call.body.code is not None:
        wrong = await factors.check(call.portal, call.account, call.body.code)
        if wrong is not None:
            return replace(wrong, status=FORBIDDEN, headers={}) if wrong.status == UNAUTHORISED else wrong
    else:
        found = await prove(call.portal, call.account.email, call.body.password or "", client=call.client)
        if isinstance(found, Problem):
            return wrong_password() if found.status == UNAUTHORISED else found
    shown = call.body.code is not None
    return Proved(until=await sessions.prove_again(call.portal, call.session, second_factor=shown))


def wrong_password() -> Problem:
    """Return the answer to a wrong password of somebody who is signed in."""
    return Problem(status=403, kind="wrong-password", detail="The password is wrong.")


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
