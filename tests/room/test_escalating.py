"""From an incident to deliveries: who is told, when, who is not and why, and how it ends."""

from datetime import timedelta

import pytest

from alerts import urging
from alerts.acknowledging import acknowledge
from alerts.channels.channel import ChannelKind
from alerts.climbing import REVIEW_S
from alerts.escalation import Escalator
from alerts.outcomes import RefusalScope, Refused, TryLater, Unclear
from isocket.domain.contacts import Contact, Escalation
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, Severity
from isocket.domain.settings import PartKind, part_names_text
from isocket.kit.clock import EPOCH
from isocket.storage.port import is_
from tests.fakes.alert_house import ACCOUNT, ANNA, BERTIL, DEVICE, MAILS, PHONES, PUBLIC_URL, AlertHouse

REFUSED = Refused(reason="number_invalid", scope=RefusalScope.CONTACT)
BY_SMS = {"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}
THEN_BERTIL = {"contact_ids": [BERTIL], "channels": ["sms"], "after_s": 300}


@pytest.fixture
async def house() -> AlertHouse:
    return await AlertHouse().furnish()


async def test_without_a_ladder_every_verified_alarm_contact_is_told_by_each_way_at_once(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    await house.incident()
    await house.escalate()
    await house.send()
    assert {message.to for message in house.sms.accepted} == set(PHONES.values())
    assert {message.to for message in house.mail.accepted} == set(MAILS.values())


async def test_whoever_runs_the_cloud_stands_under_every_mail_about_an_alarm_and_its_end(house: AlertHouse) -> None:
    escalator = Escalator(
        records=house.records, clock=house.clock, public_url=PUBLIC_URL, sender="Example Ltd, 1 Example Street"
    )
    await house.incident()
    await escalator.step()
    await house.send()
    await house.close()
    await escalator.step()
    mails = [each for each in await house.deliveries(None) if each.channel is ChannelKind.EMAIL]
    assert {each.kind for each in mails} == {DeliveryKind.ALARM, DeliveryKind.CLEAR}
    for each in mails:
        assert "Example Ltd, 1 Example Street" in each.text


async def test_a_contact_without_the_role_is_not_told(house: AlertHouse) -> None:
    await house.contact(BERTIL, roles=("service",))
    await house.incident()
    await house.escalate()
    assert {each.contact_id for each in await house.deliveries()} == {ANNA}


async def test_another_customers_contacts_are_not_told(house: AlertHouse) -> None:
    await house.contact(BERTIL, account_id="acc_other")
    await house.incident()
    await house.escalate()
    assert {each.contact_id for each in await house.deliveries()} == {ANNA}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"phone_verified_at": None}, "unverified"),
        ({"paused_at": EPOCH, "pause_reason": "stop_reply"}, "paused"),
    ],
)
async def test_whoever_is_not_told_stands_in_the_timeline_with_the_reason(
    changes: dict[str, object], reason: str
) -> None:
    house = await AlertHouse().furnish(**changes)
    await house.incident()
    await house.escalate()
    (sms,) = [each for each in await house.timeline(Happening.NOT_SENT) if each.channel == ChannelKind.SMS]
    assert (sms.contact_id, sms.reason) == (ANNA, reason)


async def test_a_contact_whom_a_ladder_names_but_who_was_removed_is_noted(house: AlertHouse) -> None:
    await house.ladder({"contact_ids": ["con_gone"], "channels": ["sms"], "after_s": 0}, BY_SMS)
    await house.incident()
    await house.escalate()
    assert (await house.timeline(Happening.NOT_SENT))[0].reason == "removed"


async def test_a_contact_without_any_address_is_noted() -> None:
    house = await AlertHouse().furnish(phone=None, email=None)
    await house.incident()
    await house.escalate()
    assert await house.reasons(Happening.NOT_SENT) == {"no_address": 1}


async def test_the_devices_ladder_is_climbed_in_place_of_the_accounts(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    await house.ladder(BY_SMS)
    await house.ladder({**THEN_BERTIL, "after_s": 0}, device_id=DEVICE)
    await house.incident()
    await house.escalate()
    assert {each.contact_id for each in await house.deliveries()} == {BERTIL}


async def test_a_later_step_comes_at_its_time_after_detection_and_not_before(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    await house.ladder(BY_SMS, THEN_BERTIL)
    await house.incident()
    await house.escalate()
    await house.send()
    await house.pass_by(seconds=299)
    await house.escalate()
    assert len(await house.deliveries()) == 1
    await house.pass_by(seconds=1)
    await house.escalate()
    assert {each.contact_id for each in await house.deliveries()} == {ANNA, BERTIL}


async def test_a_step_that_can_tell_nobody_does_not_make_the_next_one_wait(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    await house.ladder({**BY_SMS, "contact_ids": ["con_gone"]}, THEN_BERTIL)
    await house.incident()
    await house.escalate()
    assert {each.contact_id for each in await house.deliveries()} == {BERTIL}


async def test_a_step_whose_messages_all_failed_brings_the_next_one_at_once(house: AlertHouse) -> None:
    await house.only_by(ChannelKind.SMS)
    await house.contact(BERTIL)
    await house.ladder(BY_SMS, THEN_BERTIL)
    house.sms.script.append(REFUSED)
    await house.incident()
    await house.escalate()
    await house.send()
    await house.escalate()
    assert {each.contact_id for each in await house.deliveries()} == {ANNA, BERTIL}


async def test_steps_are_climbed_in_the_order_of_their_times(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    await house.ladder(THEN_BERTIL, BY_SMS)
    await house.incident()
    await house.escalate()
    assert {each.contact_id for each in await house.deliveries()} == {ANNA}


async def test_an_incident_that_nobody_can_be_told_of_is_exhausted_and_the_account_is_noticed() -> None:
    house = await AlertHouse().furnish(phone_verified_at=None, email_verified_at=None)
    await house.incident()
    await house.rest()
    assert await house.reasons(Happening.EXHAUSTED) == {"no_recipient": 1}
    assert [message.to for message in house.mail.accepted] == ["owner@example.org"]
    assert "Mökki" in house.mail.accepted[0].text


async def test_an_incident_whose_messages_all_failed_is_exhausted_and_the_account_is_noticed(
    house: AlertHouse,
) -> None:
    house.sms.script.append(REFUSED)
    house.mail.script.append(REFUSED)
    await house.incident()
    await house.rest()
    assert await house.reasons(Happening.EXHAUSTED) == {"nobody_reached": 1}
    assert [message.to for message in house.mail.accepted] == ["owner@example.org"]


async def test_an_incident_that_reached_somebody_is_not_exhausted(house: AlertHouse) -> None:
    house.sms.script.append(REFUSED)
    await house.incident()
    await house.rest()
    assert not await house.timeline(Happening.EXHAUSTED)


async def test_an_incident_that_nobody_acknowledges_is_exhausted_half_an_hour_after_the_last_step_once(
    house: AlertHouse,
) -> None:
    await house.only_by(ChannelKind.SMS)
    await house.ladder(BY_SMS, {**BY_SMS, "after_s": 600})
    await house.incident(severity=Severity.MINOR)
    for minutes in (0, 10, 29):
        await house.pass_by(minutes=minutes)
        await house.escalate()
        await house.send()
    assert not await house.timeline(Happening.EXHAUSTED)
    assert (await house.the_incident()).needs_step
    await house.pass_by(minutes=1)
    await house.rest()
    assert await house.reasons(Happening.EXHAUSTED) == {"not_acknowledged": 1}
    assert [message.to for message in house.mail.accepted] == ["owner@example.org"]
    assert "none of them has acknowledged" in house.mail.accepted[0].text
    assert not (await house.the_incident()).needs_step


async def test_a_contact_who_is_verified_while_the_trouble_lasts_is_told() -> None:
    house = await AlertHouse().furnish(phone_verified_at=None, email_verified_at=None)
    await house.incident()
    await house.rest()
    assert await house.reasons(Happening.EXHAUSTED) == {"no_recipient": 1}
    await house.records.change_one(Contact, is_("id", ANNA), phone_verified_at=house.clock.now())
    await house.pass_by(seconds=REVIEW_S * 2)
    await house.rest()
    assert [message.to for message in house.sms.accepted] == [PHONES[ANNA]]


async def test_a_contact_whose_number_is_put_right_while_the_trouble_lasts_is_told(house: AlertHouse) -> None:
    await house.only_by(ChannelKind.SMS)
    await house.ladder(BY_SMS)
    house.sms.script.append(REFUSED)
    await house.incident()
    await house.rest()
    await house.records.change_one(Contact, is_("id", ANNA), phone=PHONES[BERTIL])
    await house.pass_by(seconds=REVIEW_S * 2)
    await house.rest()
    assert [message.to for message in house.sms.accepted] == [PHONES[BERTIL]]
    assert len(house.sms.asked) == 2


async def test_a_pause_that_ends_while_the_trouble_lasts_lets_the_alarm_go(house: AlertHouse) -> None:
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    await house.records.change_one(Contact, is_("id", ANNA), paused_at=house.clock.now())
    await house.rest()
    await house.records.change_one(Contact, is_("id", ANNA), paused_at=None)
    await house.pass_by(seconds=REVIEW_S * 2)
    await house.rest()
    assert len(house.sms.accepted) == 1


async def test_a_provider_that_refuses_us_brings_the_next_step_at_once(house: AlertHouse) -> None:
    await house.only_by(ChannelKind.EMAIL)
    await house.contact(BERTIL)
    await house.only_by(ChannelKind.SMS, BERTIL)
    await house.ladder({**BY_SMS, "channels": ["email"]}, THEN_BERTIL)
    house.mail.script.append(Refused(reason="credentials", scope=RefusalScope.ACCOUNT))
    await house.incident()
    await house.escalate()
    await house.send()
    await house.escalate()
    await house.send()
    assert [message.to for message in house.sms.accepted] == [PHONES[BERTIL]]
    await house.pass_by(minutes=5)
    await house.send()
    assert [message.to for message in house.mail.accepted] == [MAILS[ANNA]]


async def test_a_provider_that_is_busy_for_long_is_no_hope(house: AlertHouse) -> None:
    await house.only_by(ChannelKind.EMAIL)
    await house.contact(BERTIL)
    await house.ladder({**BY_SMS, "channels": ["email"]}, {**THEN_BERTIL, "after_s": 7000})
    house.mail.script.extend([TryLater(reason="provider_unavailable")] * 200)
    await house.incident()
    for _ in range(60):
        await house.escalate()
        await house.send()
        await house.pass_by(seconds=5)
    assert [message.to for message in house.sms.accepted] == [PHONES[BERTIL]]


async def test_a_provider_that_comes_back_after_the_alarm_expired_gets_a_fresh_one(house: AlertHouse) -> None:
    await house.ladder(BY_SMS)
    house.sms.script.append(TryLater(reason="too_many_requests", after_s=3 * 3600))
    await house.incident()
    await house.rest()
    assert len(house.sms.accepted) == 1
    assert await house.reasons(Happening.NOT_SENT) == {}


async def test_a_ladder_that_is_edited_while_it_is_climbed_tells_the_new_people_and_nobody_twice(
    house: AlertHouse,
) -> None:
    await house.contact(BERTIL)
    await house.ladder(BY_SMS, {**BY_SMS, "after_s": 300})
    await house.incident()
    await house.rest()
    now_bertil = {**THEN_BERTIL, "after_s": 0}
    await house.records.change_one(Escalation, is_("account_id", ACCOUNT), steps=(now_bertil, {**BY_SMS, "after_s": 5}))
    await house.pass_by(minutes=10)
    await house.rest()
    assert sorted(message.to for message in house.sms.accepted) == [PHONES[ANNA], PHONES[BERTIL]]


async def test_what_was_explained_is_told_step_by_step_from_its_release_on(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    await house.ladder(BY_SMS, THEN_BERTIL)
    now = house.clock.now()
    await house.incident(detected_at=now - timedelta(hours=2), told_from=now)
    await house.escalate()
    assert {each.contact_id for each in await house.deliveries()} == {ANNA}


async def told_in_order(house: AlertHouse) -> list[DeliveryKind]:
    deliveries = {each.text: each.kind for each in await house.deliveries(None)}
    return [deliveries[message.text] for message in house.sms.accepted]


@pytest.mark.parametrize("climbed", [False, True])
async def test_what_matters_much_is_told_though_it_is_over_and_then_its_end(house: AlertHouse, climbed: bool) -> None:
    await house.contact(BERTIL)
    await house.ladder(BY_SMS, THEN_BERTIL)
    await house.incident(told_though_over=True)
    if climbed:
        await house.escalate()
    await house.close()
    await house.rest()
    assert await told_in_order(house) == [DeliveryKind.ALARM, DeliveryKind.CLEAR]
    assert {message.to for message in house.sms.accepted} == {PHONES[ANNA]}
    assert not await house.timeline(Happening.NOT_SENT)


async def test_what_was_acknowledged_is_not_told_though_over(house: AlertHouse) -> None:
    await house.incident(told_though_over=True)
    await house.escalate()
    await acknowledge(house.records, "inc_1", by=f"{ACCOUNT} web", clock=house.clock)
    await house.close()
    await house.rest()
    assert not house.accepted


async def test_an_alarm_that_could_not_go_for_long_is_called_off_at_the_end_and_the_account_is_noticed(
    house: AlertHouse,
) -> None:
    await house.only_by(ChannelKind.SMS)
    await house.ladder(BY_SMS)
    house.sms.script.extend([TryLater(reason="provider_unavailable")] * 500)
    await house.incident(told_though_over=True)
    await house.escalate()
    await house.close()
    await house.rest()
    assert await house.reasons(Happening.NOT_SENT) == {"closed": 1}
    assert await house.reasons(Happening.EXHAUSTED) == {"nobody_reached": 1}


async def test_an_end_that_comes_first_and_finds_nobody_to_tell_is_exhausted() -> None:
    house = await AlertHouse().furnish(phone_verified_at=None, email_verified_at=None)
    await house.incident(told_though_over=True)
    await house.close()
    await house.rest()
    assert await house.reasons(Happening.EXHAUSTED) == {"no_recipient": 1}


async def test_a_delivery_that_its_provider_reports_as_failed_is_noticed_after_the_ladder_had_ended(
    house: AlertHouse,
) -> None:
    await house.only_by(ChannelKind.SMS)
    await house.ladder(BY_SMS)
    await house.incident()
    await house.rest()
    await house.receipt("undelivered", error_code=30005)
    await house.rest()
    assert await house.reasons(Happening.EXHAUSTED) == {"nobody_reached": 1}


async def test_an_incident_that_another_one_explains_tells_nobody(house: AlertHouse) -> None:
    await house.incident(explained_by="inc_0")
    await house.rest()
    assert not house.accepted
    assert await house.reasons(Happening.NOTE) == {"explained": 1}


async def test_an_acknowledged_incident_calls_off_what_is_due_and_climbs_no_further(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    await house.ladder(BY_SMS, THEN_BERTIL)
    await house.incident(severity=Severity.MAJOR)
    await house.escalate()
    await acknowledge(house.records, "inc_1", by=f"{ACCOUNT} web", clock=house.clock)
    await house.rest()
    await house.pass_by(hours=1)
    await house.rest()
    assert not house.accepted
    assert await house.reasons(Happening.NOT_SENT) == {"acknowledged": 1}
    (line,) = await house.timeline(Happening.ACKNOWLEDGED)
    assert line.detail == {"by": f"{ACCOUNT} web"}


async def test_acknowledging_twice_keeps_the_first(house: AlertHouse) -> None:
    await house.incident()
    assert await acknowledge(house.records, "inc_1", by="con_anna sms", clock=house.clock)
    assert not await acknowledge(house.records, "inc_1", by="con_bertil sms", clock=house.clock)
    assert (await house.the_incident()).acknowledged_by == "con_anna sms"


async def test_an_acknowledgement_in_the_middle_of_a_step_is_seen_at_once(house: AlertHouse) -> None:
    """The step's own change is refused by its version; the lease must not make the next look wait."""
    await house.incident()
    escalator = house.escalator()
    take = escalator._take

    async def acknowledged_meanwhile(incident: Incident, now: object) -> object:
        changes = await take(incident, now)  # type: ignore[arg-type]  # handed through
        await acknowledge(house.records, "inc_1", by="con_anna sms", clock=house.clock)
        return changes

    escalator._take = acknowledged_meanwhile  # type: ignore[assignment,method-assign]  # the other's moment
    await escalator.step()
    await house.escalate()
    assert {each.state for each in await house.deliveries()} == {DeliveryState.CALLED_OFF}


async def test_a_closed_incident_calls_off_what_has_not_gone_and_tells_nobody_of_its_end(house: AlertHouse) -> None:
    await house.incident()
    await house.escalate()
    await house.close()
    await house.rest()
    assert not house.accepted
    assert await house.reasons(Happening.NOT_SENT) == {"closed": 2}


async def test_an_incident_that_closed_before_its_first_step_tells_nobody(house: AlertHouse) -> None:
    await house.incident()
    await house.close()
    await house.rest()
    assert not house.accepted


async def test_a_clear_goes_to_exactly_those_who_got_the_alarm(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    house.sms.script.append(REFUSED)  # Anna's
    await house.incident()
    await house.escalate()
    await house.send()
    alarmed = {message.to for message in house.accepted}
    await house.close()
    await house.rest()
    clears = {each.address for each in await house.deliveries(DeliveryKind.CLEAR)}
    assert clears == alarmed == {PHONES[BERTIL], *MAILS.values()}


async def test_a_clear_goes_also_to_those_who_may_have_got_the_alarm(house: AlertHouse) -> None:
    house.sms.script.append((Unclear(reason="answer_lost"), True))
    house.sms.can_be_asked = False
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    await house.send()
    await house.close()
    await house.escalate()
    assert [each.channel for each in await house.deliveries(DeliveryKind.CLEAR)] == [ChannelKind.SMS]


async def test_nobody_is_told_twice_that_it_is_over(house: AlertHouse) -> None:
    await house.ladder(BY_SMS, {**BY_SMS, "after_s": 60})
    await house.incident()
    await house.rest()
    assert len(house.sms.accepted) == 2
    await house.close()
    await house.rest()
    assert len(house.sms.accepted) == 3


async def test_a_clear_waits_for_an_alarm_that_is_on_its_way(house: AlertHouse) -> None:
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    held = await house.dispatcher().claim_one()
    assert held is not None
    await house.close()
    await house.escalate()
    assert not await house.deliveries(DeliveryKind.CLEAR)
    await house.records.change_one(Delivery, is_("id", held.id), state=DeliveryState.SENT)
    await house.pass_by(seconds=1)
    await house.escalate()
    assert len(await house.deliveries(DeliveryKind.CLEAR)) == 1


async def test_a_clear_does_not_go_to_a_number_that_has_changed_since_the_alarm(house: AlertHouse) -> None:
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    await house.send()
    await house.records.change_one(Contact, is_("id", ANNA), phone=PHONES[BERTIL])
    await house.close()
    await house.rest()
    assert len(house.accepted) == 1
    assert await house.reasons(Happening.NOT_SENT) == {"address_changed": 1}


async def test_whoever_took_it_from_another_number_than_they_were_told_at_hears_of_its_end_there(
    house: AlertHouse,
) -> None:
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    await house.send()
    await house.records.change_one(Contact, is_("id", ANNA), phone=PHONES[BERTIL])
    await acknowledge(house.records, "inc_1", by=f"{ANNA} sms", clock=house.clock)
    await house.escalate()
    await house.pass_by(minutes=5)
    await house.close()
    await house.rest()
    ends = [each for each in house.accepted if each.kind is DeliveryKind.CLEAR]
    assert [each.to for each in ends] == [PHONES[BERTIL]]


async def test_an_alarm_that_waits_to_be_tried_again_is_not_followed_by_a_clear(house: AlertHouse) -> None:
    await house.ladder(BY_SMS)
    house.sms.script.append(TryLater(reason="provider_unavailable"))
    await house.incident()
    await house.escalate()
    await house.send()
    await house.close()
    await house.rest()
    assert not house.accepted


async def test_the_texts_are_in_the_readers_language_and_time() -> None:
    house = await AlertHouse().furnish(language="fi", time_zone="Europe/Helsinki")
    await house.incident()
    await house.escalate()
    await house.send()
    (text,) = [message.text for message in house.sms.accepted]
    assert text == "Mökki: sähkökatko, 22.11. klo 14.00. Kuittaa vastaamalla K7QF"
    assert f"{PUBLIC_URL}/incidents/inc_1" in house.mail.accepted[0].text


async def test_an_owner_who_took_the_socket_over_does_not_name_it_to_the_one_before(house: AlertHouse) -> None:
    await house.incident(account_id="acc_before")
    await house.contact(BERTIL, account_id="acc_before")
    await house.escalate()
    texts = [each.text for each in await house.deliveries()]
    assert texts
    assert not any("Mökki" in each for each in texts)


async def test_a_named_probe_is_told_by_its_name(house: AlertHouse) -> None:
    await house.records.change_one(Device, is_("id", DEVICE), part_names='{"input": ["Water leak"]}')
    await house.incident(cause=Cause.INPUT, probe=0)
    await house.escalate()
    texts = [each.text for each in await house.deliveries()]
    assert texts
    assert all("Water leak" in each for each in texts)


async def test_a_probe_whose_name_is_sealed_is_told_by_it(house: AlertHouse) -> None:
    names = part_names_text({PartKind.INPUT: ["Water leak"]})
    await house.records.change_one(Device, is_("id", DEVICE), part_names=names)
    await house.incident(cause=Cause.INPUT, probe=0)
    await house.escalate()
    texts = [each.text for each in await house.deliveries()]
    assert texts
    assert all("Water leak" in each for each in texts)


async def test_a_step_that_runs_twice_adds_nothing(house: AlertHouse) -> None:
    await house.incident()
    await house.escalate()
    before = len(await house.deliveries()), len(await house.timeline(Happening.DELIVERY_DUE))
    await house.records.change_one(
        Incident, is_("id", "inc_1"), ladder_position=0, needs_step=True, step_due_at=house.clock.now()
    )
    await house.escalate()
    assert (len(await house.deliveries()), len(await house.timeline(Happening.DELIVERY_DUE))) == before


async def test_what_is_urged_or_left_to_rest_is_the_alarms_own_incident_and_no_other() -> None:
    house = await AlertHouse().furnish()
    now, later = house.clock.now(), house.clock.now() + timedelta(hours=1)
    closed = {"state": IncidentState.CLOSED, "closed_at": now, "step_due_at": later}
    others = [await house.incident("inc_0"), await house.incident("inc_01", **closed)]
    await house.incident("inc_1")
    await house.incident("inc_2", **closed)
    taken = await house.incident("inc_3", state=IncidentState.ACKNOWLEDGED, needs_step=False)
    ids = ("inc_1", "inc_2", "inc_3")
    first, over, third = [await house.delivery(DeliveryKind.ALARM, id=f"of_{each}", incident_id=each) for each in ids]
    await urging.let_rest(house.records, first, later, now)
    assert (await house.the_incident("inc_1")).step_due_at == later
    for each in (first, third):
        await urging.urge(house.records, each, now)
    await urging.urge_the_end(house.records, over, now)
    assert {(await house.the_incident(each)).step_due_at for each in ("inc_1", "inc_2")} == {now}
    for other in (*others, taken):
        assert await house.the_incident(other.id) == other
