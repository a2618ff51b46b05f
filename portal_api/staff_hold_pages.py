"""The pages of staff about holds: which there are, placing one, and one of them with what can be done about it."""

from isocket.domain.holds import HoldGround, Part
from portal_api import staff_holds
from portal_api.pages_forms import TYPED, WRITTEN, Form
from portal_api.routes import AnyRoute, Call
from portal_api.staff_files import (
    MOST_LINES,
    Act,
    ActForm,
    LookForm,
    RegisterPages,
    ShowForm,
    chosen,
    page_route,
    with_commas,
)
from portal_api.staff_holds import Ending, HoldsQuery, NewHold, Review, WhichHolds

GROUNDS = {
    HoldGround.CLAIM.value: "A claim",
    HoldGround.COMPLAINT.value: "A complaint",
    HoldGround.WARRANTY.value: "A dispute about the warranty",
    HoldGround.ORDER.value: "An order of a court or an authority",
}


class HoldForm(Form):
    """A new hold. `parts` are names with commas between them."""

    email: str = TYPED
    ground: str = TYPED
    parts: str = TYPED
    words: str = WRITTEN
    reference: str = TYPED
    review_on: str = TYPED
    ends_on: str = TYPED
    silent_until: str = TYPED


class HoldActForm(ActForm):
    """What is done about a hold."""

    words: str = WRITTEN
    review_on: str = TYPED
    ends_on: str = TYPED


def _wish(call: Call[HoldForm, None]) -> dict[str, object]:
    typed = call.body
    return {
        "email": typed.email or None,
        "ground": typed.ground,
        "parts": with_commas(typed.parts),
        "reason": typed.words,
        "reference": typed.reference,
        "review_on": typed.review_on,
        "ends_on": typed.ends_on,
        "silent_until": typed.silent_until or None,
    }


PAGES = RegisterPages(
    template="staff_holds.html",
    words=lambda _: {"grounds": GROUNDS, "names": [each.value for each in Part]},
    every=staff_holds.listed,
    query=lambda form: HoldsQuery(show=chosen(form.show, WhichHolds), limit=MOST_LINES, cursor=form.cursor),
    begin_with=Act(staff_holds.place, NewHold, _wish),
    begin_form=HoldForm,
    show=staff_holds.show,
    acts={"review": Act(staff_holds.review, Review), "end": Act(staff_holds.end, Ending)},
    act_form=HoldActForm,
    names={"reason": "words"},
    passing=frozenset({"copies", "overdue", "uncopied_since", "erasure_waits", "account_is_there"}),
)
ROUTES: tuple[AnyRoute, ...] = (
    page_route("/staff/holds", PAGES.listed, "List holds", ShowForm),
    page_route("/staff/holds/new", PAGES.begin, "Place a hold", HoldForm),
    page_route("/staff/holds/{hold_id}", PAGES.look, "Show a hold", LookForm),
    page_route("/staff/holds/{hold_id}/act", PAGES.act, "Do something about a hold", HoldActForm),
)
