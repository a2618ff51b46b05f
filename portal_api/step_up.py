"""Proving once more who one is, before anything dangerous: whoever took a session cannot."""

from pydantic import ConfigDict, Field

from portal_api import sessions
from portal_api.models import Body, Instant, View
from portal_api.problem import Problem
from portal_api.routes import AnyRoute, Call, Route
from portal_api.tokens import prove

UNAUTHORISED = 401


class StepUp(Body):
    """The password once more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "four words in a row"}]})

    password: str = Field(min_length=1, max_length=1024)


class Proved(View):
    """Who you are is proved."""

    until: Instant = Field(description="Until then dangerous things may be done in this session.")


async def step_up(call: Call[StepUp, None]) -> Proved | Problem:
    """Prove once more who you are. What is dangerous asks for it with 403 of the kind `step-up`."""
    found = await prove(call.portal, call.account.email, call.body.password, client=call.client)
    if isinstance(found, Problem):
        return wrong_password() if found.status == UNAUTHORISED else found
    return Proved(until=await sessions.prove_again(call.portal, call.session))


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
