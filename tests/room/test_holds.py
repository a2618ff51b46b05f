"""What is held for a dispute or by an order is kept apart until that ends, whatever is erased or swept meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from isocket.domain import STORED
from isocket.domain.accounts import Account, Session, StaffRole
from isocket.domain.deliveries import PROVING, Delivery, DeliveryKind
from isocket.domain.devices import Device
from isocket.domain.disclosures import DisclosedTo, Disclosure, noted
from isocket.domain.erasure_plan import erased_with_the_account
from isocket.domain.erasures import Erasure, ErasureState
from isocket.domain.handling import Basis, Category, Handling, Purpose
from isocket.domain.holds import PARTS, HeldCopy, Hold, HoldGround, HoldState, Part, vault_of
from isocket.domain.record import handling_of
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.domain.request_notes import NoteKind, RequestNote
from isocket.domain.requests import Proof, RequestChannel, RequestState, Right, RightsRequest
from isocket.kit.clock import to_ms
from isocket.storage.port import is_
from privacy.choice_ledger import Choice, ChoiceLedger
from privacy.erasing import AFTERLOOK_S
from privacy.hold_ledger import REASON_IS_LOST, note_holds, replay_holds
from privacy.holdings import held_fields, merge
from privacy.holds import HoldKeeper, uncopied_holds
from privacy.retention import Retention
from privacy.scan import scan
from tests.fakes.clock import ManualClock
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.erasing_house import MAIJA_ID, Ground, erasing_house, furnish, ground_on_disk, in_memory
from tests.fakes.portal_devices import MAIJA, PHONE, SOCKET, fields_of, owned, report
from tests.fakes.portal_house import PASSWORD, PUBLIC_URL, PortalHouse

REASON = {"X-Reason": "claim 2026-118"}
NEW: dict[str, Any] = {
    "email": MAIJA, "ground": "warranty", "parts": ["incidents", "messages"], "reason": "No text came, she says.",
    "reference": "claim 2026-118", "review_on": "2027-02-01", "ends_on": "2027-11-30",
}  # fmt: skip
DAY_S = 86_400.0
Houses = tuple[PortalHouse, Ground]


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


def keeper(ground: Ground, fuse: Fuse | None = None, ledger: ChoiceLedger | None = None) -> HoldKeeper:
    records, telemetry = ground.records, ground.telemetry
    return HoldKeeper(
        records=DyingRecords(records, fuse) if fuse else records,
        telemetry=DyingTelemetry(telemetry, fuse) if fuse else telemetry,
        keyring=ground.keyring,
        clock=ground.clock,
        operator_email="operator@example.org",
        public_url=PUBLIC_URL,
        ledger=ledger,
    )


async def ask(
    house: PortalHouse, token: str, method: str, path: str, body: Any = None, *, expect: int = 200
) -> dict[str, Any]:
    answer = await house.ask(method, f"/staff/holds{path}", body, token=token, headers=REASON)
    assert answer.status == expect, await answer.text()
    said: dict[str, Any] = await answer.json()
    return said


def hold(ground: Ground, *parts: Part, **more: Any) -> Hold:
    now = ground.clock.now()
    return Hold(
        id="hld_1", account_id=MAIJA_ID, ground=HoldGround.CLAIM, parts=tuple(each.value for each in parts),
        reason="A dispute about the night of 3 November.", placed_by="acc_staff", placed_at=now,
        review_at=now + timedelta(days=60), ends_at=now + timedelta(days=90), copy_due_at=now, **more,
    )  # fmt: skip


async def copies(ground: Ground) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for each in await ground.records.find(HeldCopy):
        found.setdefault(each.source, []).append(json.loads(each.content))
    return found


@pytest.mark.parametrize("part", Part)
def test_a_part_names_classes_that_there_are_and_holds_no_proof_of_who_somebody_is(part: Part) -> None:
    kinds = {kind.collection: kind for kind in STORED}
    assert set(PARTS[part]) <= {*kinds, "telemetry"}
    assert {kinds[name] for name in PARTS[part] if name not in {"telemetry", "devices"}} <= {*erased_with_the_account()}
    for kind in (kinds[name] for name in PARTS[part] if name in kinds):
        hows = [how for name, how in handling_of(kind).items() if name in held_fields(_one_of(kind))]
        assert Category.CREDENTIAL not in {each.category for each in hows if isinstance(each, Handling)}


def _one_of(kind: Any) -> Any:
    """Return an instance of which only the class and whose it is are asked."""
    made = object.__new__(kind)
    for name in {kind.subject, kind.account} - {None}:
        object.__setattr__(made, name, "acc_1")
    return made


def test_what_was_emptied_or_taken_off_a_list_stays_in_the_copy_and_what_is_new_comes_to_it() -> None:
    known = {"text": "Cabin", "state": "due", "reports": [[1, "a"], [2, "b"]]}
    now = {"text": "", "state": "sent", "reports": [[2, "b"], [3, "c"]], "more": None}
    assert merge(known, now) == {
        "text": "Cabin", "state": "sent", "reports": [[1, "a"], [2, "b"], [3, "c"]], "more": None,
    }  # fmt: skip


@pytest.mark.clause("C6-07")
async def test_what_a_mailbox_asked_by_right_before_it_had_an_account_is_held_once_it_proved_that(
    tmp_path: Path,
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    now = ground.clock.now()
    asked: dict[str, Any] = {
        "kind": Right.RECTIFICATION, "channel": RequestChannel.FORM, "received_at": now, "due_at": now,
    }  # fmt: skip
    proved = {"state": RequestState.IDENTIFIED, "identified_at": now, "proof": Proof.LINK, **asked}
    typed_off = {**proved, "proof": Proof.DOCUMENT}
    unproved = {"state": RequestState.IDENTITY_ASKED, **asked}
    await ground.records.add_all(
        [
            RightsRequest(id="rrq_mine", email=MAIJA, words="Two i.", **proved),
            RightsRequest(id="rrq_anybody", email=MAIJA, words="Whoever typed it.", **unproved),
            RightsRequest(id="rrq_letter", email=MAIJA, words="Of whoever wrote it.", **typed_off),
            RightsRequest(id="rrq_other", email="other@example.org", **proved),
            RequestNote(
                id="rqn_1", request_id="rrq_mine", kind=NoteKind.QUESTION, channel=RequestChannel.MAIL,
                words="Which one?", by="acc_staff", at=now,
            ),
            hold(ground, Part.REQUESTS),
        ]
    )  # fmt: skip
    receipt = await ground.eraser(preserve=keeper(ground).preserve).erase(MAIJA_ID, by="operator")
    assert receipt is not None
    assert receipt.state is ErasureState.DONE
    found = await copies(ground)
    assert [each["words"] for each in found["rights_requests"]] == ["Two i."]
    assert [each["words"] for each in found["request_notes"]] == ["Which one?"]


@pytest.mark.clause("C2-26")
@pytest.mark.clause("C6-07")
async def test_an_erasure_is_carried_out_whole_but_for_a_sealed_copy_that_goes_with_the_end_of_the_hold(
    tmp_path: Path,
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.records.add(hold(ground, Part.INCIDENTS, Part.REPORTS))
    eraser = replace(ground).eraser(preserve=keeper(ground).preserve)
    receipt = await eraser.erase(MAIJA_ID, by="operator")
    assert receipt is not None
    assert (receipt.state, receipt.holds) == (ErasureState.DONE, ("hld_1",))
    assert await ground.records.find(Account) == []
    assert await ground.keyring.was_destroyed(MAIJA_ID)
    held = await copies(ground)
    assert set(held) == {"incidents", "timeline", "telemetry"}
    assert held["telemetry"][0]["reports"][0][3]["mains"] is False
    await ground.clock.advance(90 * DAY_S)
    await keeper(ground).round()
    assert await ground.records.count(HeldCopy) == 0
    assert await ground.keyring.was_destroyed(vault_of("hld_1"))
    (over,) = await ground.records.find(Hold)
    assert (over.state, over.reason) == (HoldState.EMPTIED, "A dispute about the night of 3 November.")
    await ground.clock.advance(3 * 366 * DAY_S)
    swept = await Retention(records=ground.records, clock=ground.clock, keyring=ground.keyring).sweep()
    assert swept["holds"] == 1
    assert await ground.keyring.was_destroyed("hld_1")


@pytest.mark.clause("C2-26")
async def test_what_is_swept_stays_in_the_copy_and_of_other_people_no_value_is_held(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    own = (await ground.records.find(Delivery))[0]
    await ground.records.add(replace(own, id="dlv_own", person_id=MAIJA_ID, address=MAIJA, text="Your cabin is cold"))
    await ground.records.add(hold(ground, Part.MESSAGES))
    retention = Retention(
        records=ground.records, clock=ground.clock, keyring=ground.keyring, before=keeper(ground).copy_all
    )
    await ground.clock.advance(31 * DAY_S)
    await retention.sweep()
    assert {each.text for each in await ground.records.find(Delivery)} == {""}
    held = {each["id"]: each for each in (await copies(ground))["deliveries"]}
    assert held["dlv_own"]["text"] == "Your cabin is cold"
    assert (held["dlv_1"]["state"], "text" in held["dlv_1"], "address" in held["dlv_1"]) == ("sent", False, False)
    assert PHONE not in str(held)


async def test_no_code_and_no_link_that_lets_somebody_in_is_held_and_what_staff_asked_back_is(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    own = replace((await ground.records.find(Delivery))[0], person_id=MAIJA_ID, address=MAIJA, text="123456 or a link")
    await ground.records.add_all(
        [
            *(replace(own, id=f"dlv_{kind}", kind=kind) for kind in DeliveryKind),
            RequestNote(
                id="rqn_1", request_id="rrq_1", account_id=MAIJA_ID, kind=NoteKind.ANSWER, words="It is the cabin.",
                channel=RequestChannel.TELEPHONE, by="acc_kai", at=ground.clock.now(),
            ),
            hold(ground, Part.MESSAGES, Part.REQUESTS),
        ]
    )  # fmt: skip
    await keeper(ground).round()
    found = await copies(ground)
    told = {each["id"].removeprefix("dlv_") for each in found["deliveries"] if each.get("text") == own.text}
    assert told == {*DeliveryKind} - PROVING
    assert [each["words"] for each in found["request_notes"]] == ["It is the cabin."]


class Forgetful(DyingTelemetry):
    """A store of reports of which one socket's cannot be read, until it is mended."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground.telemetry)
        self.broken = True

    async def reports(self, device_id: str, **more: Any) -> list[Report]:
        if self.broken and device_id == SOCKET:
            raise ValueError("this page is torn")
        return await super().reports(device_id, **more)


@pytest.mark.clause("C2-26")
async def test_a_hold_that_cannot_be_copied_keeps_back_what_it_names_of_its_customer_and_nothing_else(
    tmp_path: Path,
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await furnish_another(ground)
    torn = replace(hold(ground, Part.REPORTS, Part.MESSAGES), id="hld_0")
    await ground.records.add_all([torn, hold(ground, Part.ACCOUNT)])
    telemetry = Forgetful(ground)
    mine = keeper(replace(ground, telemetry=telemetry))
    retention = Retention(
        records=ground.records, clock=ground.clock, telemetry=ground.telemetry, keyring=ground.keyring,
        before=mine.copy_all, reports_life=timedelta(days=31),
    )  # fmt: skip
    await mine.round()
    assert "accounts" in await copies(ground), "it keeps no other hold back"
    await ground.clock.advance(32 * DAY_S)
    await swept(retention, ground)
    assert await texts(ground) == {"dlv_1": "Cabin of Maija: mains power is out", "dlv_2": ""}
    assert [await reports_of(ground, each) for each in (SOCKET, "is707-2")] == [1, 0]
    telemetry.broken = False
    await swept(retention, ground)
    assert await texts(ground) == {"dlv_1": "", "dlv_2": ""}
    assert await reports_of(ground, SOCKET) == 0
    assert {"deliveries", "telemetry"} <= set(await copies(ground))


@pytest.mark.clause("C2-26")
async def test_what_comes_to_one_copy_comes_to_no_other_and_the_end_of_a_hold_is_the_end_of_no_other(
    tmp_path: Path,
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await furnish_another(ground)
    ends_at = ground.clock.now() + timedelta(days=91)
    other = replace(hold(ground, Part.MESSAGES), id="hld_0", account_id="acc_2", ends_at=ends_at)
    await ground.records.add_all([other, hold(ground, Part.MESSAGES, Part.SOCKETS, Part.ACCOUNT)])
    mine = keeper(ground)
    await mine.round()
    assert [await mine.preserve(each) for each in ("acc_2", MAIJA_ID)] == [("hld_0",), ("hld_1",)]
    before = {each.record_id: each for each in await ground.records.find(HeldCopy)}
    for named in ("First", "Second"):
        await ground.records.change_one(Device, is_("id", SOCKET), name=named)
        await ground.clock.advance(3_600)
        await mine.round()
        after = {each.record_id: each for each in await ground.records.find(HeldCopy)}
        assert {name for name, each in after.items() if each != before[name]} == {SOCKET}
        assert named in after[SOCKET].content
    await ground.records.remove_all(Delivery, is_("id", "dlv_2"))  # from now on its copy is all there is of it
    await ground.clock.advance(90 * DAY_S)
    await mine.round()
    held, ended = await ground.records.find(Hold, order_by="id")
    assert (held.state, ended.state) == (HoldState.IN_FORCE, HoldState.EMPTIED)
    assert [each.hold_id for each in await ground.records.find(HeldCopy)] == ["hld_0"]
    gone = [await ground.keyring.was_destroyed(vault_of(each.id)) for each in (held, ended)]
    assert gone == [False, True]


async def test_a_hold_is_copied_each_hour_and_not_at_each_look(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.records.add(hold(ground, Part.MESSAGES))
    copied = []
    for minutes in (0, 59, 1):
        await ground.clock.advance(minutes * 60)
        await keeper(ground).round()
        (held,) = await ground.records.find(Hold)
        assert held.copied_at is not None
        copied.append(held.copied_at - held.placed_at)
    assert copied == [timedelta(), timedelta(), timedelta(hours=1)]


async def test_of_what_a_hold_names_in_words_that_nobody_knows_everything_of_its_customer_stays(
    tmp_path: Path,
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await furnish_another(ground)
    await ground.records.add_all(
        [
            replace(hold(ground, Part.MESSAGES), id="hld_0", account_id="acc_2"),
            replace(hold(ground), parts=("nonsense",)),
        ]
    )
    spared = await keeper(ground).copy_all()
    assert spared["deliveries"] == spared["telemetry"] == {MAIJA_ID}
    assert [each.id for each in await uncopied_holds(ground.records)] == ["hld_1"], "no other is blamed"


async def test_staff_are_told_once_of_a_hold_that_cannot_be_copied_for_an_hour_and_again_when_it_happens_again(
    tmp_path: Path,
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.records.add(hold(ground, Part.REPORTS))
    telemetry, figures = Forgetful(ground), CollectorRegistry()
    mine = HoldKeeper(
        records=ground.records, telemetry=telemetry, keyring=ground.keyring, clock=ground.clock,
        operator_email="operator@example.org", public_url=PUBLIC_URL, registry=figures,
    )  # fmt: skip
    told = []
    for broken in (True, True, True, True, False, True, True):
        telemetry.broken = broken
        await ground.clock.advance(3_600)
        await mine.round()
        mails = await ground.records.find(Delivery, is_("person_id", "operator"))
        told.append((len(mails), figures.get_sample_value("isocket_holds_uncopied")))
    assert told == [(0, 1), (1, 1), (1, 1), (1, 1), (1, 0), (1, 1), (2, 1)]
    assert "hld_1 names could not be copied since 2026-11-22" in mails[0].text


@pytest.mark.clause("C2-26")
async def test_what_a_customer_takes_away_between_two_copies_is_copied_first(tmp_path: Path) -> None:
    there: list[Ground] = []

    async def copy_held(account_id: str) -> None:
        await keeper(there[0]).preserve(account_id)

    async with erasing_house(tmp_path, copy_held=copy_held) as (house, ground):
        there.append(ground)
        maija = await owned(house)
        account = await house.account(MAIJA)
        await ground.records.add(replace(hold(ground, Part.SOCKETS, Part.REPORTS), account_id=account.id))
        await keeper(ground).round()
        await house.clock.advance(60)
        await report(house, 1, mains=False)
        await house.ask("PATCH", f"/devices/{SOCKET}", {"name": "The cabin"}, token=maija)
        torn = Forgetful(ground)
        there[0] = replace(ground, telemetry=torn)
        refused = await house.ask("DELETE", f"/devices/{SOCKET}", token=maija)
        assert (refused.status, (await owned_by(house)) == account.id) == (409, True)
        torn.broken = False
        assert (await house.ask("DELETE", f"/devices/{SOCKET}", token=maija)).status == 204
        held = await copies(ground)
        assert [each["name"] for each in held["devices"]] == ["The cabin"]
        assert [each["reports"][0][3]["mains"] for each in held["telemetry"]] == [False]


async def owned_by(house: PortalHouse) -> str | None:
    (device,) = await house.records.find(Device)
    return device.owner_id


async def furnish_another(ground: Ground) -> None:
    """Store another customer's socket, report and message."""
    now = ground.clock.now()
    (device,) = await ground.records.find(Device)
    (letter,) = await ground.records.find(Delivery)
    await ground.records.add_all(
        [
            replace(device, id="is707-2", owner_id="acc_2"),
            replace(letter, id="dlv_2", account_id="acc_2", person_id="con_9"),
        ]
    )
    at_ms, body = to_ms(now), {"boot": 1, "seq": 1, "mains": True}
    said = Report("is707-2", ReportKind.STATE, 1, 1, at_ms, at_ms, ClockQuality.DEVICE, json.dumps(body), body)
    await ground.telemetry.store([said])
    await ground.telemetry.roll_up()
    while waiting := await ground.telemetry.claim_waiting(owner="test", now=now, lease_s=60):
        await ground.telemetry.settle(waiting, envelope=None, wake_at=None, silent_after_s=None)


async def swept(retention: Retention, ground: Ground) -> dict[str, int]:
    sweeping = asyncio.create_task(retention.sweep())
    while not sweeping.done():  # it rests between some reports and the next
        await ground.clock.advance(1)
    return await sweeping


async def texts(ground: Ground) -> dict[str, str]:
    return {each.id: each.text for each in await ground.records.find(Delivery) if each.id in {"dlv_1", "dlv_2"}}


async def reports_of(ground: Ground, device_id: str) -> int:
    start = ground.clock.now() - timedelta(days=300)
    return len(await ground.telemetry.reports(device_id, start=start, end=ground.clock.now()))


@pytest.mark.clause("C2-26")
async def test_whoever_dies_at_any_verb_of_copying_or_letting_go_another_finishes_it(tmp_path: Path) -> None:
    async def build() -> Ground:
        ground = in_memory(tmp_path)
        await furnish(ground)
        await ground.records.add(hold(ground, Part.INCIDENTS, Part.MESSAGES))
        return ground

    async def check(ground: Ground) -> None:
        (over,) = await ground.records.find(Hold)
        assert (over.state, over.over_at) == (HoldState.EMPTIED, over.ends_at)
        assert await ground.records.count(HeldCopy) == 0
        assert await ground.keyring.was_destroyed(vault_of("hld_1"))

    async def run(ground: Ground, fuse: Fuse) -> None:
        (now,) = await ground.records.find(Hold)
        await keeper(ground, fuse).round()
        if now.state is HoldState.IN_FORCE:
            await ground.clock.advance(91 * DAY_S)
        await keeper(ground, fuse).round()

    assert await every_crash_point(build, run, check) > 10


@pytest.mark.clause("C2-26")
async def test_whoever_dies_at_any_verb_of_an_erasure_under_a_hold_loses_nothing_of_what_is_held(
    tmp_path: Path,
) -> None:
    tries = 0

    async def build() -> Ground:
        nonlocal tries
        tries += 1
        folder = tmp_path / str(tries)
        folder.mkdir()
        ground = in_memory(folder)
        await furnish(ground)
        now = ground.clock.now()
        await ground.records.add(Erasure(id="era_1", account_id=MAIJA_ID, asked_at=now, due_at=now, open_key=MAIJA_ID))
        await ground.records.add(hold(ground, Part.INCIDENTS))
        return ground

    async def run(ground: Ground, fuse: Fuse) -> None:
        dying = ground.eraser(
            DyingRecords(ground.records, fuse),
            DyingTelemetry(ground.telemetry, fuse),
            preserve=keeper(ground, fuse).preserve,
        )
        await dying.round()
        await ground.clock.advance(AFTERLOOK_S + 1)
        await dying.round()

    async def check(ground: Ground) -> None:
        (receipt,) = await ground.erasures()
        assert (receipt.state, receipt.holds) == (ErasureState.DONE, ("hld_1",))
        held = await copies(ground)
        assert [each["id"] for each in held["incidents"]] == ["inc_1"]
        assert "tl_1" in [each["id"] for each in held["timeline"]]

    assert await every_crash_point(build, run, check, worth=lambda nth: nth % 4 == 1) > 20


async def test_no_byte_of_what_is_held_lies_in_clear_in_any_file(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    async with ground_on_disk(folder, ManualClock()) as ground:
        await furnish(ground)
        await ground.records.add(hold(ground, Part.ACCOUNT, Part.SOCKETS))
        receipt = await ground.eraser(preserve=keeper(ground).preserve).erase(MAIJA_ID, by="operator")
        assert receipt is not None
        assert receipt.state is ErasureState.DONE
        assert (await copies(ground))["accounts"][0]["email"] == MAIJA
        assert scan([folder], MAIJA, "Maija Meikalainen", "Cabin of Maija", "A dispute about") == []


@pytest.mark.clause("C2-26")
@pytest.mark.clause("C7-06")
async def test_its_holder_reads_what_is_held_in_the_plan_and_in_the_receipt(houses: Houses) -> None:
    house, ground = houses
    maija = await owned(house)
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    placed = await ask(house, token, "POST", "", NEW, expect=201)
    (seen,) = (await (await house.ask("GET", "/privacy/holds", token=maija)).json())["items"]
    assert (seen["id"], seen["parts"], seen["over"]) == (placed["id"], ["incidents", "messages"], False)
    assert "No text came" not in str(seen)
    plan = await (await house.ask("GET", "/privacy/erasure", token=maija)).json()
    fates = {(each["collection"], each["field"]): each for each in plan["fields"]}
    assert fates["deliveries", "text"]["what"] == "kept"
    assert fates["deliveries", "text"]["until"].startswith("2027-11-30")
    assert fates["contacts", "phone"]["what"] == "deleted"
    wish = {"password": PASSWORD, "confirm": MAIJA}
    asked = await (await house.ask("POST", "/privacy/erasure", wish, token=maija)).json()
    me = (await house.account(MAIJA)).id
    await ground.eraser(preserve=keeper(ground).preserve).erase(me, by="person")
    path = f"/privacy/receipts?{asked['receipt'].partition('?')[2]}"
    kept = await (await house.ask("GET", path)).json()
    assert (kept["state"], [each["ground"] for each in kept["held"]]) == ("done", ["warranty"])
    assert any(each["collection"] == "incidents" for each in kept["kept"])
    ended = await ask(house, token, "POST", f"/{placed['id']}/end", {"words": "It was settled."})
    assert (ended["state"], ended["account_is_there"]) == ("over", False)
    await keeper(ground).round()
    gone = await (await house.ask("GET", path)).json()
    assert [each["over"] for each in gone["held"]] == [True]
    assert not any(each["collection"] == "incidents" for each in gone["kept"])


@pytest.mark.clause("C2-26")
async def test_the_plan_says_of_a_proof_that_it_goes_for_no_hold_copies_it(houses: Houses) -> None:
    house, _ = houses
    maija = await owned(house)
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    await ask(house, token, "POST", "", {**NEW, "parts": ["account"]}, expect=201)
    plan = await (await house.ask("GET", "/privacy/erasure", token=maija)).json()
    fates = {each["field"]: each["what"] for each in plan["fields"] if each["collection"] == "accounts"}
    assert (fates["name"], fates["password_hash"]) == ("kept", "deleted")
    account = await house.account(MAIJA)
    assert ("name" in held_fields(account), "password_hash" in held_fields(account)) == (True, False)


@pytest.mark.clause("C2-27")
async def test_what_an_order_forbids_to_tell_is_in_no_plan_and_no_ledger_until_its_day(houses: Houses) -> None:
    house, _ = houses
    maija = await owned(house)
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    order = {**NEW, "ground": "order", "silent_until": "2026-12-24"}
    await ask(house, token, "POST", "", order, expect=201)
    plan = await (await house.ask("GET", "/privacy/erasure", token=maija)).json()
    ledger = await (await house.ask("GET", "/privacy/disclosures", token=maija)).json()
    held = await (await house.ask("GET", "/privacy/holds", token=maija)).json()
    assert (plan["held"], ledger["items"], held["items"]) == ([], [], [])
    assert plan["stored"]["disclosures"] == 0, "a number tells as well"
    first = await (await house.ask("GET", "/privacy/disclosures?limit=1", token=maija)).json()
    assert (first["items"], first["next"]) == ([], None), "and so does a place from which it goes on"
    await house.clock.advance(40 * DAY_S)
    maija = (await house.sign_in(MAIJA))["access_token"]
    held = await (await house.ask("GET", "/privacy/holds", token=maija)).json()
    ledger = await (await house.ask("GET", "/privacy/disclosures", token=maija)).json()
    assert [each["ground"] for each in held["items"]] == ["order"]
    assert [each["what"] for each in ledger["items"] if each["to"] == "our staff"] == [["holds"]]


@pytest.mark.clause("C2-27")
async def test_a_receipt_does_not_count_what_an_order_forbids_to_tell(houses: Houses) -> None:
    house, ground = houses
    await owned(house)
    me = (await house.account(MAIJA)).id
    now = house.clock.now()
    common: dict[str, Any] = {
        "to": DisclosedTo.STAFF, "what": ("holds",), "purpose": Purpose.CLAIMS, "basis": Basis.LEGAL_DUTY, "at": now,
    }  # fmt: skip
    silent = [now + timedelta(days=30), now + timedelta(days=1), None]
    await ground.records.add_all([noted(me, **common, silent_until=each) for each in silent])
    receipt = await ground.eraser().erase(me, by="person")
    assert receipt is not None
    assert receipt.removed["disclosures"] == 1
    assert await ground.records.count(Disclosure) == 0


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"email": "nobody@example.org"}, ["email"]),
        ({"review_on": "2026-11-01"}, ["review_on"]),
        ({"review_on": "2028-01-01", "ends_on": "2028-02-01"}, ["review_on"]),
        ({"ends_on": "2026-12-01"}, ["review_on"]),
        ({"ends_on": "2050-01-01"}, ["ends_on"]),
        ({"ends_on": "9999-12-31"}, ["ends_on"]),
        ({"silent_until": "2026-12-24"}, ["silent_until"]),
        ({"ground": "order", "reference": ""}, ["reference"]),
        ({"parts": []}, ["parts"]),
        ({"parts": ["passwords"]}, ["parts.0"]),
        ({"reason": "short"}, ["reason"]),
    ],
)
async def test_what_is_wrong_with_a_hold_is_named(houses: Houses, change: dict[str, Any], fields: list[str]) -> None:
    house, _ = houses
    await house.register(MAIJA)
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    assert fields_of(await ask(house, token, "POST", "", {**NEW, **change}, expect=422)) == fields


async def test_staff_are_told_once_that_a_review_is_due_and_a_review_moves_it_on(houses: Houses) -> None:
    house, ground = houses
    await owned(house)
    await report(house, 1, mains=True)
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    path = f"/{(await ask(house, token, 'POST', '', {**NEW, 'parts': ['reports']}, expect=201))['id']}"
    await keeper(ground).round()
    assert (await ask(house, token, "GET", path))["copies"] == 1
    await house.clock.advance(80 * DAY_S)
    for _ in range(2):
        await keeper(ground).round()
    told = [each for each in await house.mails("kai@example.org") if "needed still" in each.subject_line]
    assert len(told) == 1
    assert len(await house.mails("operator@example.org")) == 1
    token = (await house.sign_in("kai@example.org"))["access_token"]
    await house.records.change_all(Session, second_factor=True)
    assert (await ask(house, token, "GET", "?show=in_force"))["items"][0]["overdue"] is True
    body = {"words": "The court meets in June.", "review_on": "2027-06-01", "ends_on": "2027-12-31"}
    moved = await ask(house, token, "POST", f"{path}/review", body)
    assert (moved["overdue"], moved["review_words"]) == (False, body["words"])
    await ask(house, token, "POST", f"{path}/end", {"words": "It was settled."})
    await ask(house, token, "POST", f"{path}/review", body, expect=409)
    await keeper(ground).round()
    assert (await ask(house, token, "GET", "?show=over"))["items"][0]["state"] == "emptied"
    assert SOCKET not in str(await copies(ground))
    assert await house.records.count(Hold, is_("state", HoldState.EMPTIED)) == 1


@pytest.mark.clause("C5-01")
@pytest.mark.clause("C2-26")
async def test_a_backup_from_before_a_hold_loses_it_not_and_one_from_before_its_end_begins_it_not_anew(
    tmp_path: Path,
) -> None:
    ledger = ChoiceLedger(tmp_path / "holds.jsonl")
    (tmp_path / "var").mkdir()
    ground = in_memory(tmp_path / "var")
    await furnish(ground)
    placed = hold(ground, Part.INCIDENTS, reference="claim 118")
    await ground.records.add(placed)
    assert [await note_holds(ground.records, ledger, ground.clock.now()) for _ in range(2)] == [1, 0]
    assert scan([tmp_path / "holds.jsonl"], MAIJA_ID, "A dispute about", "claim 118") == []
    before = in_memory(tmp_path / "var")
    await furnish(before)
    assert [await replay_holds(before.records, ledger, before.clock) for _ in range(2)] == [1, 0]
    (again,) = await before.records.find(Hold)
    assert (again.parts, again.ends_at, again.reason) == (placed.parts, placed.ends_at, REASON_IS_LOST)
    await before.eraser(preserve=keeper(before).preserve).erase(MAIJA_ID, by="restore")
    assert "incidents" in await copies(before), "what an erasure that is replayed would take is held"
    longer = placed.ends_at + timedelta(days=30)
    await ground.records.change_one(Hold, is_("id", "hld_1"), ends_at=longer)
    await note_holds(ground.records, ledger, ground.clock.now())
    older = in_memory(tmp_path / "var")
    await older.records.add(placed)
    assert [await replay_holds(older.records, ledger, older.clock) for _ in range(2)] == [1, 0]
    assert [each.ends_at for each in await older.records.find(Hold)] == [longer]
    later_review = {"review_at": placed.review_at + timedelta(days=60), "ends_at": longer + timedelta(days=60)}
    await older.records.change_one(Hold, is_("id", "hld_1"), **later_review)
    assert await replay_holds(older.records, ledger, older.clock) == 0, "a review that was not noted yet stays"
    assert [each.ends_at for each in await older.records.find(Hold)] == [later_review["ends_at"]]
    over_at = ground.clock.now()
    await ground.records.change_one(Hold, is_("id", "hld_1"), state=HoldState.OVER, over_at=over_at)
    await keeper(ground).round()
    await note_holds(ground.records, ledger, ground.clock.now())
    later = in_memory(tmp_path / "var")
    await later.records.add(placed)
    await later.clock.advance(86_400)
    assert await replay_holds(later.records, ledger, later.clock) == 1
    assert [each.over_at for each in await later.records.find(Hold)] == [over_at], "not when the backup was restored"
    await keeper(later).round()
    assert [each.state for each in await later.records.find(Hold)] == [HoldState.EMPTIED]


async def test_three_years_after_its_end_neither_the_register_nor_the_file_beside_it_knows_of_a_hold(
    tmp_path: Path,
) -> None:
    path = tmp_path / "holds.jsonl"
    ground = in_memory(tmp_path / "var")
    await furnish(ground)
    kept, register = keeper(ground, ledger=ChoiceLedger(path)), Retention(records=ground.records, clock=ground.clock)
    ended = hold(ground, Part.INCIDENTS)
    await ground.records.add_all([ended, replace(ended, id="hld_2", ends_at=ended.ends_at + timedelta(days=3650))])
    await kept.round()
    over = {"state": HoldState.OVER, "over_at": ground.clock.now()}
    await ground.records.change_one(Hold, is_("id", "hld_1"), **over)
    for days, known in ((3 * 365, True), (1, False)):
        await ground.clock.advance(days * 86_400)
        await register.sweep()
        await kept.round()
        assert ("hld_1" in path.read_text()) is known
        assert (await ground.records.get(Hold, "hld_1") is not None) is known
    assert "hld_2" in path.read_text()


async def test_a_hold_that_a_restored_backup_does_not_know_stays_in_the_file(tmp_path: Path) -> None:
    ledger = ChoiceLedger(tmp_path / "holds.jsonl")
    ground, older = in_memory(tmp_path / "var"), in_memory(tmp_path / "var")
    await ground.records.add(hold(ground, Part.INCIDENTS))
    await note_holds(ground.records, ledger, ground.clock.now())
    await note_holds(older.records, ledger, older.clock.now())
    assert [each.key for each in ledger.folded().values()] == ["hld_1"]


async def test_of_holds_a_restored_backup_ends_none_but_what_is_over_and_begins_none_of_whom_it_does_not_know(
    tmp_path: Path,
) -> None:
    ledger, ground = ChoiceLedger(tmp_path / "holds.jsonl"), in_memory(tmp_path / "var")
    older, empty = in_memory(tmp_path / "var"), in_memory(tmp_path / "var")
    placed = hold(ground, Part.INCIDENTS)
    other = replace(placed, id="hld_0", account_id="acc_2")
    for each in (ground, older):
        await each.records.add_all([other, placed])
    await note_holds(ground.records, ledger, ground.clock.now())
    ledger.note([Choice(Hold.collection, "hld_9", None)])
    assert await replay_holds(empty.records, ledger, empty.clock) == 0, "nobody is here of whom they are"
    assert await empty.records.find(Hold) == []
    over = {"state": HoldState.OVER, "over_at": ground.clock.now()}
    await ground.records.change_one(Hold, is_("id", placed.id), **over)
    await note_holds(ground.records, ledger, ground.clock.now())
    ledger.note([Choice(Hold.collection, "hld_9", None)])
    assert await replay_holds(older.records, ledger, older.clock) == 1
    states = [each.state for each in await older.records.find(Hold, order_by="id")]
    assert states == [HoldState.IN_FORCE, HoldState.OVER]


async def test_the_file_beside_the_register_knows_a_hold_for_as_long_as_the_register_does(tmp_path: Path) -> None:
    ledger, ground = ChoiceLedger(tmp_path / "holds.jsonl"), in_memory(tmp_path / "var")
    await ground.records.add(replace(hold(ground, Part.INCIDENTS), state=HoldState.EMPTIED, over_at=ground.clock.now()))
    await ground.clock.advance(4 * 365 * DAY_S)  # nobody has swept the register yet
    assert [await note_holds(ground.records, ledger, ground.clock.now()) for _ in range(2)] == [1, 0]
    assert [each.key for each in ledger.folded().values()] == ["hld_1"]


@pytest.mark.parametrize("days", [0, 91], ids=["ended early", "its time is over"])
async def test_a_hold_that_is_over_is_not_put_back_into_a_backup_from_before_it(tmp_path: Path, days: int) -> None:
    ledger, ground, older = ChoiceLedger(tmp_path / "holds.jsonl"), in_memory(tmp_path), in_memory(tmp_path)
    await furnish(older)
    ended = {} if days else {"state": HoldState.OVER, "over_at": ground.clock.now()}
    await ground.records.add(replace(hold(ground, Part.INCIDENTS), **ended))
    await note_holds(ground.records, ledger, ground.clock.now())
    await older.clock.advance(days * DAY_S)
    assert await replay_holds(older.records, ledger, older.clock) == 0
    assert await older.records.find(Hold) == []


async def test_staff_and_the_log_hear_once_that_a_hold_is_to_be_reviewed(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.records.add(hold(ground, Part.INCIDENTS))
    await ground.clock.advance(60 * DAY_S)
    with capture_logs() as lines:
        for _ in range(2):
            await keeper(ground).round()
    assert [line["event"] for line in lines].count("hold_review_due") == 1


async def test_a_hold_that_was_let_go_at_once_is_not_begun_anew_by_a_backup_from_the_moment_before(
    tmp_path: Path,
) -> None:
    ledger, ground, older = ChoiceLedger(tmp_path / "holds.jsonl"), in_memory(tmp_path), in_memory(tmp_path)
    placed = hold(ground, Part.INCIDENTS)
    for each in (ground, older):
        await furnish(each)
        await each.records.add(placed)
    kept = keeper(ground, ledger=ledger)
    await kept.round()
    over = {"state": HoldState.OVER, "over_at": ground.clock.now()}
    ended = await ground.records.change_one(Hold, is_("id", placed.id), **over)
    assert ended is not None
    assert await copies(ground)
    await kept.finish(ended)
    assert ([each.state for each in await ground.records.find(Hold)], await copies(ground)) == ([HoldState.EMPTIED], {})
    assert await replay_holds(older.records, ledger, older.clock) == 1
    assert [each.state for each in await older.records.find(Hold)] == [HoldState.OVER]
