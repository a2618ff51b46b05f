"""What happens at one's sockets, as it happens."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.accounts import Account, Session
from isocket.domain.api_tokens import ApiToken
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, IncidentState
from isocket.domain.shares import Share, ShareRole
from isocket.storage.port import is_
from portal_api import access, event_hub, event_stream, sessions
from portal_api.events import BEAT_S, HUB
from portal_api.owned import Role, Standing
from tests.fakes.clock import NOON
from tests.fakes.listener import Heard, Listener, listening
from tests.fakes.patience import until
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET, claim, devices_house, incident, make_device, owned, report
from tests.fakes.portal_house import OTHER_PASSWORD, PortalHouse

OTHER = "is0000000002"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


def gist(heard: Heard) -> tuple[str, Any]:
    return heard.kind, heard.data.get("state") if heard.kind != "device" else heard.data["role"]


async def ordered(house: PortalHouse, token: str, name: str = "on") -> str:
    answer = await house.ask("POST", f"/devices/{SOCKET}/commands", {"name": name}, token=token)
    assert answer.status == 202, await answer.text()
    return str((await answer.json())["id"])


# What is told


async def test_a_report_is_told_as_the_state_of_the_socket(house: PortalHouse) -> None:
    token = await owned(house)
    async with listening(house, token) as listener:
        assert listener.answer.content_type == "text/event-stream"
        assert listener.answer.headers["Cache-Control"] == "no-store"
        await report(house, 1, mains=True, temp_c=[21.5, None])
        heard = await listener.next()
    assert (heard.kind, heard.data["device_id"], heard.data["online"]) == ("state", SOCKET, True)
    assert heard.data["state"] == {"mains": True, "temp_c": [21.5, None]}


async def test_coming_and_going_is_told_without_a_report(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, mains=True)
    async with listening(house, token) as listener:
        await house.clock.advance(1)
        await house.telemetry.note_presence(SOCKET, online=False, at=house.clock.now())
        assert (await listener.next("state")).data["online"] is False
        await house.telemetry.note_presence(SOCKET, online=True, at=house.clock.now())
        assert (await listener.next("state")).data["online"] is True


async def test_an_incident_is_told_from_its_beginning_to_its_end(house: PortalHouse) -> None:
    token = await owned(house)
    account = await house.account(MAIJA)
    async with listening(house, token) as listener:
        await incident(house, "inc_1", account.id)
        first = await listener.next()
        await house.ask("POST", "/incidents/inc_1/ack", token=token)
        second = await listener.next()
        await house.records.change_one(Incident, is_("id", "inc_1"), lease_until=house.clock.now())
        await house.records.change_one(
            Incident, is_("id", "inc_1"), state=IncidentState.CLOSED, closed_at=house.clock.now()
        )
        third = await listener.next()
    assert [gist(each) for each in (first, second, third)] == [
        ("incident", "open"),
        ("incident", "acknowledged"),
        ("incident", "closed"),
    ]
    assert third.data["closed_at"] is not None


async def test_a_matter_of_the_whole_account_is_told_too(house: PortalHouse) -> None:
    token = await owned(house)
    async with listening(house, token) as listener:
        await incident(
            house, "inc_1", (await house.account(MAIJA)).id, device_id="", cause=Cause.NO_RECIPIENT, open_key="k"
        )
        heard = await listener.next()
    assert (heard.data["device_id"], heard.data["cause"]) == (None, "no_recipient")


async def test_a_silent_socket_is_told_with_its_incident(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, mains=True)
    await house.clock.advance(3000)
    async with listening(house, token) as listener:
        await incident(house, "inc_1", (await house.account(MAIJA)).id, cause=Cause.OFFLINE, open_key="k")
        await listener.next("incident")
        assert (await listener.next("state")).data["online"] is False


async def test_a_command_is_told_until_it_is_carried_out(house: PortalHouse) -> None:
    token = await owned(house)
    async with listening(house, token) as listener:
        command_id = await ordered(house, token)
        first = await listener.next()
        for status in (CommandStatus.SENT, CommandStatus.EXECUTED):
            await house.records.change_one(Command, is_("id", command_id), status=status)
            assert (await listener.next()).data["status"] == status
    assert (first.kind, first.data["id"], first.data["status"]) == ("command", command_id, "queued")


async def test_of_several_changes_in_a_row_the_last_may_be_told_alone(house: PortalHouse) -> None:
    token = await owned(house)
    async with listening(house, token) as listener:
        for seq in range(1, 6):
            await report(house, seq, battery_pct=seq)
        assert (await listener.next()).data["state"]["battery_pct"] == 5


# To whom


async def test_a_stranger_hears_nothing_of_it(house: PortalHouse) -> None:
    token = await owned(house)
    stranger = await owned(house, PEKKA, OTHER)
    async with listening(house, stranger) as listener:
        await report(house, 1, mains=True)
        await incident(house, "inc_1", (await house.account(MAIJA)).id)
        await incident(house, "inc_2", (await house.account(MAIJA)).id, device_id="", open_key="k")
        await ordered(house, token)
        await report(house, 1, device_id=OTHER, mains=False)
        heard = await listener.next()
        assert (heard.kind, heard.data["device_id"]) == ("state", OTHER)
        assert house.client.app[HUB].listeners == 1


async def test_who_is_not_signed_in_does_not_listen(house: PortalHouse) -> None:
    assert (await house.ask("GET", "/events")).status == 401
    assert (await house.ask("HEAD", "/events", token=await house.customer(MAIJA))).status == 200
    assert house.client.app[HUB].listeners == 0


async def cookie(house: PortalHouse) -> dict[str, str]:
    """Return the header by which a browser of Maija's asks."""
    return {"Cookie": f"sid={await sessions.open_cookie(house.portal, await house.account(MAIJA))}"}


async def test_a_browser_listens_by_its_cookie(house: PortalHouse) -> None:
    await owned(house)
    async with listening(house, "", headers=await cookie(house)) as listener:
        await report(house, 1, mains=True)
        assert (await listener.next("state")).data["device_id"] == SOCKET


async def test_a_socket_that_one_gets_is_heard_from_then_on_and_one_given_up_no_more(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await make_device(house)
    async with listening(house, token) as listener:
        await report(house, 1, mains=True)
        await claim(house, token)
        assert gist(await listener.next()) == ("device", "owner")
        await report(house, 2, mains=False)
        assert gist(await listener.next()) == ("state", {"mains": False})
        assert (await house.ask("DELETE", f"/devices/{SOCKET}", token=token)).status == 204
        assert gist(await listener.next("device")) == ("device", "none")
        await report(house, 1, mains=True)
        await incident(house, "inc_1", (await house.account(MAIJA)).id, device_id="", open_key="k")
        assert (await listener.next()).kind == "incident"


async def test_the_next_owner_hears_nothing_of_the_time_before(house: PortalHouse) -> None:
    token = await owned(house)
    command = await ordered(house, token)
    maija = await house.account(MAIJA)
    await incident(house, "inc_1", maija.id)
    await house.ask("DELETE", f"/devices/{SOCKET}", token=token)
    new = await house.customer(PEKKA)
    await claim(house, new)
    async with listening(house, new) as listener:
        await house.records.change_one(Incident, is_("id", "inc_1"), state=IncidentState.OPEN)
        await house.records.change_one(Command, is_("id", command), status=CommandStatus.SENT)
        await report(house, 1, mains=True)
        assert (await listener.next()).kind == "state"


@pytest.mark.parametrize(
    ("scopes", "kinds"),
    [
        (["read:telemetry"], {"state"}),
        (["alarms"], {"incident"}),
        (["read:telemetry", "control"], {"state", "command"}),
        (["read:telemetry", "control", "alarms"], {"state", "command", "incident"}),
    ],
    ids=lambda given: "+".join(sorted(given)),
)
async def test_a_personal_token_hears_what_its_scopes_are(
    house: PortalHouse, scopes: list[str], kinds: set[str]
) -> None:
    token = await owned(house)
    async with listening(house, await personal(house, token, scopes)) as listener:
        await report(house, 1, mains=True)
        await incident(house, "inc_1", (await house.account(MAIJA)).id)
        await ordered(house, token)
        heard = [await listener.next() for _ in kinds]
        assert {each.kind for each in heard} == kinds
        await house.records.remove_all(ApiToken)
        *others, last = await listener.rest()
        assert last.kind == "end"
        assert {each.kind for each in others} <= kinds, "the newest of a thing may be told twice"


async def personal(house: PortalHouse, token: str, scopes: list[str], devices: list[str] | None = None) -> str:
    """Return a new personal API token."""
    body = {"name": "Adviser", "scopes": scopes, "device_ids": devices}
    answer = await house.ask("POST", "/api-tokens", body, token=token)
    assert answer.status == 201, await answer.text()
    return str((await answer.json())["token"])


async def test_a_guests_personal_token_hears_nothing_of_their_hosts_socket(house: PortalHouse) -> None:
    await owned(house)
    guest = await house.customer(PEKKA)
    await make_device(house, OTHER)
    await claim(house, guest, OTHER)
    await shared(house)
    async with listening(house, await personal(house, guest, ["read:telemetry", "alarms"])) as listener:
        await report(house, 1, mains=True)
        await house.clock.advance(1)
        await report(house, 2, mains=True, device_id=OTHER)
        assert (await listener.next()).data["device_id"] == OTHER


async def test_a_personal_token_for_one_socket_hears_of_no_other(house: PortalHouse) -> None:
    token = await owned(house)
    await make_device(house, OTHER)
    await claim(house, token, OTHER)
    mine = await personal(house, token, ["read:telemetry", "alarms"], [OTHER])
    async with listening(house, mine) as listener:
        await report(house, 1, mains=True)
        await incident(house, "inc_1", (await house.account(MAIJA)).id, device_id="", open_key="k")
        await report(house, 1, device_id=OTHER, mains=False)
        assert (await listener.next()).data["device_id"] == OTHER


async def test_a_personal_token_for_control_alone_does_not_listen(house: PortalHouse) -> None:
    mine = await personal(house, await owned(house), ["control"])
    assert (await house.ask("GET", "/events", token=mine)).status == 403


async def shared(house: PortalHouse, **more: Any) -> None:
    """Let Pekka see Maija's socket."""
    now = house.clock.now()
    made: dict[str, Any] = {"role": ShareRole.VIEWER, "created_at": now, "accepted_at": now, **more}
    owner, guest = await house.account(MAIJA), await house.account(PEKKA)
    await house.records.add(
        Share(id="shr_1", device_id=SOCKET, owner_id=owner.id, account_id=guest.id, email=PEKKA, **made)
    )


async def test_a_guest_hears_from_the_beginning_of_the_share_to_its_end(house: PortalHouse) -> None:
    await owned(house)
    guest = await house.customer(PEKKA)
    async with listening(house, guest) as listener:
        await shared(house)
        assert gist(await listener.next()) == ("device", "viewer")
        await report(house, 1, mains=True)
        assert (await listener.next()).kind == "state"
        await incident(house, "inc_1", (await house.account(MAIJA)).id)
        assert (await listener.next("incident")).data["id"] == "inc_1"
        await house.records.change_one(Share, is_("id", "shr_1"), role=ShareRole.OPERATOR)
        assert gist(await listener.next("device")) == ("device", "operator")
        await house.records.remove_all(Share)
        assert gist(await listener.next("device")) == ("device", "none")
        await report(house, 2, mains=False)
        await house.clock.advance(1)
        assert house.client.app[HUB]._by_device.get(SOCKET, set()) == set()


async def test_a_guest_for_a_time_hears_until_it_is_over(house: PortalHouse) -> None:
    await owned(house)
    guest = await house.customer(PEKKA)
    await shared(house, until=house.clock.now() + timedelta(seconds=20))
    async with listening(house, guest) as listener:
        await report(house, 1, mains=True)
        assert (await listener.next()).kind == "state"
        await house.clock.advance(20 + BEAT_S)
        assert gist(await listener.next("device")) == ("device", "none")


# The end of access


async def heard_of_a_busy_socket(house: PortalHouse, listener: Listener, seconds: int) -> list[str]:
    """Let the socket say something each five seconds, so that no beat comes between; return what kinds were heard."""
    heard = []
    for seq in range(1, seconds // 5):
        await house.clock.advance(5)
        await report(house, seq, mains=bool(seq % 2))
        heard.append((await listener.next()).kind)
        if heard[-1] != "state":
            break
    return heard


async def test_a_guest_for_a_time_hears_no_longer_because_the_socket_says_much(house: PortalHouse) -> None:
    await owned(house)
    guest = await house.customer(PEKKA)
    await shared(house, until=house.clock.now() + timedelta(seconds=20))
    async with listening(house, guest) as listener:
        assert (await heard_of_a_busy_socket(house, listener, 60))[-1] == "device"


async def test_a_stream_outlives_its_token_no_longer_because_a_socket_says_much() -> None:
    async with devices_house(access_s=20) as house, listening(house, await owned(house)) as listener:
        assert (await heard_of_a_busy_socket(house, listener, 60))[-1] == "end"


async def end_session(house: PortalHouse, token: str) -> None:
    assert (await house.ask("DELETE", "/tokens", token=token)).status == 204


async def end_elsewhere(house: PortalHouse, token: str) -> None:
    """End it as another process would: only the store tells."""
    await house.records.remove_all(Session)


async def change_epoch(house: PortalHouse, token: str) -> None:
    account = await house.account(MAIJA)
    await house.records.change_one(Account, is_("id", account.id), credential_epoch=account.credential_epoch + 1)


async def reset_password(house: PortalHouse, token: str) -> None:
    await house.ask("POST", "/password-resets", {"username": MAIJA})
    body = {"token": await house.link_token(MAIJA), "password": OTHER_PASSWORD}
    assert (await house.ask("POST", "/password-resets/confirm", body)).status == 204


@pytest.mark.parametrize("how", [end_session, end_elsewhere, change_epoch, reset_password])
async def test_a_stream_ends_at_once_when_its_access_does(
    house: PortalHouse, how: Callable[[PortalHouse, str], Awaitable[None]]
) -> None:
    token = await owned(house)
    async with listening(house, token) as listener:
        began = house.clock.now()
        await how(house, token)
        await report(house, 1, mains=False)
        ended = await listener.rest()
        assert [(each.kind, each.data) for each in ended] == [("end", {"reason": "access-ended"})]
        assert (house.clock.now() - began).total_seconds() < BEAT_S
    assert house.client.app[HUB].listeners == 0


async def test_a_stream_ends_with_the_time_of_its_token() -> None:
    async with devices_house(access_s=300) as house, listening(house, await house.customer(MAIJA)) as listener:
        await house.clock.advance(300 + BEAT_S)
        assert [each.kind for each in await listener.rest()] == ["end"]


async def test_listening_does_not_keep_a_browser_signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_COOKIE_MOVES", timedelta(seconds=10))
    async with devices_house(cookie_idle_s=60) as house:
        await house.register(MAIJA)
        async with listening(house, "", headers=await cookie(house)) as listener:
            await house.clock.advance(60 + BEAT_S)
            assert [each.data for each in await listener.rest()] == [{"reason": "access-ended"}]


# Going on


async def test_nothing_is_missed_between_two_connections(house: PortalHouse) -> None:
    token = await owned(house)
    async with listening(house, token) as listener:
        await report(house, 1, mains=True)
        await listener.next()
        last_id = listener.last_id
    await report(house, 2, mains=False)
    await incident(house, "inc_1", (await house.account(MAIJA)).id)
    command = await ordered(house, token)
    async with listening(house, token, last_id=last_id) as again:
        heard = [await again.next() for _ in range(3)]
        assert {gist(each) for each in heard if each.kind != "state"} == {("incident", "open"), ("command", None)}
        assert [each.data["state"] for each in heard if each.kind == "state"] == [{"mains": False}]
        assert command in {each.data.get("id") for each in heard}
        await house.ask("POST", "/incidents/inc_1/ack", token=token)
        assert gist(await again.next()) == ("incident", "acknowledged")


async def test_only_the_last_of_what_is_written_together_can_be_gone_on_from(house: PortalHouse) -> None:
    token = await owned(house)
    async with listening(house, token) as listener:
        await house.clock.advance(1)
        before = listener.last_id
        await report(house, 1, mains=True)
        await incident(house, "inc_1", (await house.account(MAIJA)).id)
        await listener.next()
        assert listener.last_id == before
        await listener.next()
        assert listener.last_id != before


async def test_a_quiet_stream_moves_on_with_what_happens_to_others(house: PortalHouse) -> None:
    token = await owned(house)
    stranger = await house.customer(PEKKA)
    async with listening(house, stranger) as listener:
        before = listener.last_id
        await report(house, 1, mains=True)
        await ordered(house, token)
        await house.clock.advance(BEAT_S + 1)
        await listener.beat()
        assert listener.last_id != before


async def test_who_missed_too_much_is_told_to_begin_anew(house: PortalHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_hub, "MOST_CAUGHT_UP", 3)
    token = await owned(house)
    async with listening(house, token) as listener:
        last_id = listener.last_id
    for _ in range(4):
        await ordered(house, token)
    async with listening(house, token, last_id=last_id) as again:
        assert (await again.next()).kind == "reset"
        await report(house, 1, mains=True)
        assert (await again.next()).kind == "state"


async def test_a_place_of_another_store_is_told_to_begin_anew(house: PortalHouse) -> None:
    token = await owned(house)
    async with listening(house, token, last_id="999999.0.0") as listener:
        assert (await listener.next()).kind == "reset"


@pytest.mark.parametrize("last_id", ["x", "1.2", "1.2.3.4", "-1.0.0", "1.0.99999999999999999999", "².0.0"])
async def test_an_id_that_is_none_of_ours_is_refused(house: PortalHouse, last_id: str) -> None:
    answer = await house.ask("GET", "/events", token=await house.customer(MAIJA), headers={"Last-Event-ID": last_id})
    assert (answer.status, (await answer.json())["errors"][0]["field"]) == (422, "Last-Event-ID")


async def test_a_restart_lets_go_and_another_process_goes_on(house: PortalHouse) -> None:
    token = await owned(house)
    async with listening(house, token) as listener:
        house.client.app[HUB].close()
        assert [each.data for each in await listener.rest()] == [{"reason": "restarting"}]


# Bounds


async def test_an_account_listens_only_so_often_at_once() -> None:
    async with devices_house(streams_per_account=2) as house:
        token, other = await house.customer(MAIJA), await house.customer(PEKKA)
        async with listening(house, token), listening(house, token):
            refused = await house.ask("GET", "/events", token=token)
            assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
            async with listening(house, other):
                pass
        await until(lambda: house.client.app[HUB].listeners == 0)
        async with listening(house, token):
            pass


async def test_a_process_has_only_so_many_listeners() -> None:
    async with devices_house(streams=1) as house, listening(house, await house.customer(MAIJA)):
        refused = await house.ask("GET", "/events", token=await house.customer(PEKKA))
        assert (refused.status, refused.headers["Retry-After"]) == (503, "10")


async def test_a_beat_comes_while_nothing_happens(house: PortalHouse) -> None:
    token = await owned(house)
    async with listening(house, token) as listener:
        for number in range(2, 5):
            await house.clock.advance(BEAT_S)
            await listener.beat()
            assert listener.beats == number


def stream(**seen: str) -> event_stream.Stream:
    devices = {each: Device(id=each, model="m", secret_hash="", claim_hash="", provisioned_at=NOON) for each in seen}
    sights = {each: Standing(device=devices[each], role=Role(role), since=None) for each, role in seen.items()}
    return event_stream.Stream(
        event_stream.Audience(
            account_id="acc_1", credentials=frozenset(), kinds=frozenset(event_stream.Kind), whole=True, sights=sights
        )
    )


def event(kind: event_stream.Kind, key: str, data: bytes = b"{}", device_id: str = "d1") -> event_stream.Event:
    return event_stream.Event(kind=kind, key=key, data=data, device_id=device_id)


def test_a_slow_listener_keeps_the_newest_state_of_each_socket_and_is_let_go_with_too_much_else() -> None:
    listener = stream(d1="owner")
    for number in range(2 * event_stream.MOST_WAITING):
        listener.offer(event(event_stream.Kind.STATE, "d1", b"%d" % number))
    assert listener.ending is None
    assert listener.take(event_stream.Position((7, 8), 9)) == b"event: state\nid: 7.8.9\ndata: 999\n\n"
    for number in range(event_stream.MOST_WAITING + 1):
        listener.offer(event(event_stream.Kind.INCIDENT, str(number)))
    assert listener.ending is event_stream.Ending.SLOW


def test_what_waits_of_a_socket_that_is_not_seen_any_more_is_not_written() -> None:
    listener = stream(d1="owner", d2="viewer")
    listener.offer(event(event_stream.Kind.STATE, "d1"))
    listener.offer(event(event_stream.Kind.INCIDENT, "inc_2", device_id="d2"))
    listener.move(replace(listener.audience, sights={"d1": listener.audience.sights["d1"]}))
    written = listener.take(event_stream.Position((0, 0), 0))
    assert b"inc_2" not in written
    assert [line for line in written.split(b"\n") if line.startswith(b"event")] == [b"event: state", b"event: device"]


def test_what_was_read_a_while_ago_does_not_replace_what_is_newer() -> None:
    listener = stream(d1="owner")
    listener.offer(event(event_stream.Kind.INCIDENT, "inc_1", b"closed"))
    listener.offer(event(event_stream.Kind.INCIDENT, "inc_1", b"open"), older=True)
    assert b"closed" in listener.take(event_stream.Position((0, 0), 0))
