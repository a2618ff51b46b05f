"""What a shared or offered socket leaves in either side's copy of their data, and what goes when one is erased."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from isocket.domain.accounts import Account
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.devices import Device
from isocket.domain.erasure_plan import CONSEQUENCES, plan
from isocket.domain.erasures import ErasureState
from isocket.domain.incidents import Cause, Happening, Incident, Severity, TimelineEntry
from isocket.domain.share_letters import share_invitation
from isocket.domain.shares import Share, ShareRole
from isocket.domain.transfers import Transfer
from isocket.storage.port import is_
from privacy.exporting import OTHERS
from tests.fakes.erasing_house import MAIJA_ID, Ground, in_memory
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET
from tests.fakes.portal_house import PUBLIC_URL
from tests.room.test_exporting import copied

PEKKA_ID = "acc_pekka"
OTHER = "third@example.org"


async def shared(ground: Ground) -> None:
    """Store a socket of Maija's that Pekka sees, that a third was invited to, and that is offered to Pekka."""
    now = ground.clock.now()
    both = {"device_id": SOCKET, "owner_id": MAIJA_ID, "created_at": now}
    letter = share_invitation("en", owner=MAIJA, link="https://cloud.example.org/x", days=14)
    await ground.records.add_all(
        [
            Account(id=MAIJA_ID, email=MAIJA, created_at=now),
            Account(id=PEKKA_ID, email=PEKKA, created_at=now),
            Device(
                id=SOCKET, model="isocket-707", secret_hash="$", claim_hash="c", provisioned_at=now,
                owner_id=MAIJA_ID, claimed_at=now, name="Cabin of Maija",
            ),
            Share(
                id="shr_1", email=PEKKA, role=ShareRole.VIEWER, account_id=PEKKA_ID, accepted_at=now, **both
            ),
            Share(id="shr_2", email=OTHER, role=ShareRole.VIEWER, token_hash="h", expires_at=now, **both),
            Transfer(id="tra_1", email=PEKKA, token_hash="t", expires_at=now, **both),
            Delivery.of(
                letter, kind=DeliveryKind.NOTICE, person_id="shr_1", account_id=MAIJA_ID, address=PEKKA, now=now,
                useful=timedelta(minutes=1),
            ),
        ]
    )  # fmt: skip


def items(inside: dict[str, bytes], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(inside[f"data/{name}.json"])["items"]
    return found


@pytest.mark.clause("C7-04")
async def test_the_copy_of_a_guest_says_what_is_shared_with_them_and_nothing_of_its_owner(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await shared(ground)
    inside = await copied(ground, PEKKA_ID)
    (share,) = items(inside, "shares")
    assert (share["id"], share["device_id"], share["role"], share["owner_id"]) == ("shr_1", SOCKET, "viewer", OTHERS)
    whole = b"\n".join(inside.values())
    for word in (MAIJA, MAIJA_ID, "Cabin of Maija", OTHER):
        assert word.encode() not in whole
    assert items(inside, "devices") == []
    assert [each["email"] for each in items(await copied(ground), "shares")] == [PEKKA, OTHER]


@pytest.mark.clause("C7-06")
async def test_who_is_erased_is_a_guest_nowhere_any_more(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await shared(ground)
    done = await ground.eraser().erase(PEKKA_ID, by="operator")
    assert done is not None
    assert done.state is ErasureState.DONE
    assert [each.id for each in await ground.records.find(Share)] == ["shr_2"]
    assert await ground.records.find(Transfer) == []
    assert await ground.records.find(Delivery, is_("person_id", "shr_1")) == []
    device = await ground.records.get(Device, SOCKET)
    assert device is not None
    assert device.owner_id == MAIJA_ID


@pytest.mark.parametrize(("by", "mails"), [("person", 1), ("operator", 1), ("restore", 0)])
async def test_an_owner_is_told_of_nobody_by_name_when_a_guest_is_erased_and_not_again_after_a_backup(
    tmp_path: Path, by: str, mails: int
) -> None:
    ground = in_memory(tmp_path)
    await shared(ground)
    now = ground.clock.now()
    over = Share(
        id="shr_3", device_id="is_other", owner_id=MAIJA_ID, account_id=PEKKA_ID, email=PEKKA, role=ShareRole.VIEWER,
        created_at=now, accepted_at=now, until=now,
    )  # fmt: skip
    of_another = replace(
        over, id="shr_4", device_id=SOCKET, account_id="acc_third", email="fourth@example.org", until=None
    )
    await ground.records.add_all([over, of_another])
    await ground.eraser().erase(PEKKA_ID, by=by)
    told = await ground.records.find(Delivery, is_("account_id", MAIJA_ID))
    assert [(each.address, each.subject_line) for each in told] == [
        (MAIJA, "Somebody gave back a shared socket")
    ] * mails
    assert any("told by mail that somebody sees it no more" in each for each in CONSEQUENCES), "they read so before"
    for each in told:
        assert f"{PUBLIC_URL}/devices/{SOCKET}/people" in each.text
        assert PEKKA not in each.text


async def test_a_guest_whose_owner_is_gone_already_is_erased_all_the_same(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await shared(ground)
    await ground.records.remove_all(Account, is_("id", MAIJA_ID))
    done = await ground.eraser().erase(PEKKA_ID, by="operator")
    assert done is not None
    assert done.state is ErasureState.DONE


@pytest.mark.clause("C7-06")
async def test_that_an_owners_incident_goes_on_to_say_under_which_number_a_guest_took_it_stands_in_the_plan(
    tmp_path: Path,
) -> None:
    ground = in_memory(tmp_path)
    await shared(ground)
    now, by = ground.clock.now(), f"{PEKKA_ID} web"
    taken = Incident(
        id="inc_1", account_id=MAIJA_ID, device_id=SOCKET, cause=Cause.MAINS_LOST, severity=Severity.CRITICAL,
        opened_at=now, detected_at=now, acknowledged_at=now, acknowledged_by=by,
    )  # fmt: skip
    await ground.records.add(taken)
    await ground.eraser().erase(PEKKA_ID, by="operator")
    assert await ground.records.get(Incident, "inc_1") == taken
    (fate,) = [each for each in plan() if each.collection == "incidents of others"]
    assert (fate.field, fate.what) == ("acknowledged_by", "kept")


@pytest.mark.clause("C7-06")
async def test_with_the_owner_go_the_invitations_and_their_addresses(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await shared(ground)
    done = await ground.eraser().erase(MAIJA_ID, by="operator")
    assert done is not None
    assert done.state is ErasureState.DONE
    for kind in (Share, Transfer):
        assert await ground.records.find(kind) == []
    (notice,) = await ground.records.find(Delivery)  # Pekka is told that it is over, and not of whom
    assert (notice.account_id, MAIJA in notice.text) == (PEKKA_ID, False)
    assert await ground.records.get(Account, PEKKA_ID) is not None


@pytest.mark.clause("C7-04")
async def test_what_a_guest_did_is_told_without_saying_who(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await shared(ground)
    now = ground.clock.now()
    of_it: dict[str, Any] = {"incident_id": "inc_1", "account_id": MAIJA_ID, "at": now}
    await ground.records.add_all(
        [
            Incident(
                id="inc_1", account_id=MAIJA_ID, device_id=SOCKET, cause=Cause.MAINS_LOST, severity=Severity.CRITICAL,
                opened_at=now, detected_at=now, acknowledged_at=now, acknowledged_by=f"{PEKKA_ID} web",
            ),
            TimelineEntry(id="tl_1", what=Happening.ACKNOWLEDGED, detail={"by": f"{PEKKA_ID} web"}, **of_it),
            TimelineEntry(id="tl_2", what=Happening.CONFIRMED, detail={"by": f"{MAIJA_ID} app"}, **of_it),
        ]
    )  # fmt: skip
    inside = await copied(ground)
    assert items(inside, "incidents")[0]["acknowledged_by"] == f"{OTHERS} web"
    assert [each["detail"]["by"] for each in items(inside, "timeline")] == [f"{OTHERS} web", f"{MAIJA_ID} app"]
    assert {each["text"] for each in items(inside, "deliveries")} == {OTHERS}
    assert PEKKA_ID not in b"\n".join(inside[f"data/{name}.json"] for name in ("incidents", "timeline")).decode()
    said = re.search(r"\(another person\)</q>: (\d+) times", inside["index.html"].decode())
    assert said is not None
    assert int(said.group(1)) >= 4
