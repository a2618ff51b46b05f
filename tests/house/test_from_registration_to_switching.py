"""A new customer's first quarter of an hour: account, socket, switch."""

import pytest

from tests.fakes.customer import Customer
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.whole_cloud import Made, WholeCloud, eventually

pytestmark = pytest.mark.house


@pytest.fixture
async def made(cloud: WholeCloud) -> Made:
    (device,) = await cloud.provision()
    return device


async def test_a_stranger_registers_claims_a_socket_and_switches_it(cloud: WholeCloud, made: Made) -> None:
    async with Customer(cloud, email="newcomer@example.org") as newcomer:
        await newcomer.ask("GET", "/me", expect=401)
        await newcomer.register_and_sign_in()
        assert (await newcomer.ask("GET", "/me"))["username"] == "newcomer@example.org"
        await newcomer.claim(made, "Summer house")
        path = f"/devices/{made.device_id}"
        async with cloud.simulated([made], "day"):
            await eventually(lambda: newcomer.ask("GET", path), lambda device: device["online"], "the socket is online")
            for name, relay in (("on", True), ("off", False)):
                ordered = await newcomer.ask("POST", f"{path}/commands", {"name": name}, expect=202)
                command = f"{path}/commands/{ordered['id']}"
                await eventually(
                    lambda asked=command: newcomer.ask("GET", asked),  # type: ignore[misc]  # bound for this turn
                    lambda answer: answer["status"] == "executed",
                    f"{name} is executed",
                )
                await eventually(
                    lambda: newcomer.ask("GET", path),
                    lambda device, expected=relay: device["state"].get("relay") is expected,  # type: ignore[misc]
                    f"the relay shows {name}",
                )


async def test_only_the_sockets_own_answer_makes_a_command_executed(
    cloud: WholeCloud, owner: Customer, made: Made
) -> None:
    await owner.claim(made)
    path = f"/devices/{made.device_id}/commands"
    async with ThinSocket(made, cloud.mqtt_port) as socket:
        ordered = await owner.ask("POST", path, {"name": "on"}, expect=202, headers={"Idempotency-Key": "once"})
        again = await owner.ask("POST", path, {"name": "on"}, expect=202, headers={"Idempotency-Key": "once"})
        assert ordered["id"] == again["id"]
        await socket.until(lambda: socket.commands)
        (command,) = socket.commands
        assert (command["id"], command["name"]) == (ordered["id"], "on")
        waiting = await eventually(
            lambda: owner.ask("GET", f"{path}/{ordered['id']}"),
            lambda known: known["status"] != "queued",
            "it was sent",
        )
        assert waiting["status"] == "sent"
        socket.answer(command)
        await eventually(
            lambda: owner.ask("GET", f"{path}/{ordered['id']}"),
            lambda known: known["status"] == "executed",
            "the answer",
        )


async def test_a_command_that_nobody_answers_expires(cloud: WholeCloud, owner: Customer, made: Made) -> None:
    await owner.claim(made)
    path = f"/devices/{made.device_id}/commands"
    ordered = await owner.ask("POST", path, {"name": "on", "ttl_s": 0.001}, expect=202)
    await eventually(
        lambda: owner.ask("GET", f"{path}/{ordered['id']}"), lambda known: known["status"] == "expired", "it expires"
    )


async def test_a_wrong_claim_code_and_an_unknown_socket_answer_alike(owner: Customer, made: Made) -> None:
    wrong = {"device_id": made.device_id, "claim_code": "0000-0000-0000-0000"}
    unknown = {"device_id": "is0000000000", "claim_code": made.claim_code}
    answers = [await owner.ask("POST", "/devices/claim", each, expect=404) for each in (wrong, unknown)]
    assert answers[0] == answers[1]
    assert (await owner.ask("GET", "/devices"))["items"] == []


async def test_another_customers_things_answer_as_though_they_did_not_exist(
    cloud: WholeCloud, owner: Customer, made: Made
) -> None:
    await owner.claim(made, "Mine")
    contact = await owner.add_contact("Anna", phone="+447700900001")
    async with ThinSocket(made, cloud.mqtt_port) as socket:
        socket.alarm("mains_lost")
        incident = await owner.the_incident(made, "mains_lost")
    device = f"/devices/{made.device_id}"
    async with Customer(cloud, email="stranger@example.org") as stranger:
        await stranger.register_and_sign_in()
        for method, path, body in (
            ("GET", device, None),
            ("PATCH", device, {"name": "Now mine"}),
            ("DELETE", device, None),
            ("GET", f"{device}/history", None),
            ("GET", f"{device}/settings", None),
            ("PATCH", f"{device}/settings", {"mains_delay_s": 0}),
            ("POST", f"{device}/commands", {"name": "on"}),
            ("POST", f"{device}/test-alarm", None),
            ("GET", f"/incidents/{incident['id']}", None),
            ("POST", f"/incidents/{incident['id']}/ack", None),
            ("PATCH", f"/contacts/{contact['id']}", {"name": "Mine"}),
            ("DELETE", f"/contacts/{contact['id']}", None),
        ):
            await stranger.ask(method, path, body, expect=404)
        assert (await stranger.ask("GET", "/devices"))["items"] == []
        assert await stranger.incidents() == []
        claim = {"device_id": made.device_id, "claim_code": made.claim_code}
        await stranger.ask("POST", "/devices/claim", claim, expect=409)
    assert (await owner.ask("GET", device))["name"] == "Mine"
