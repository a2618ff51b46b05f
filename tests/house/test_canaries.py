"""A person with unmistakable values lives through everything: none of them is found in a log or in a file."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest

from tests.fakes.broker import Peer
from tests.fakes.customer import Customer, text_of
from tests.fakes.home_house import HomeAssistant
from tests.fakes.smtp_server import SmtpSink
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble, refuse
from tests.fakes.whole_cloud import WholeCloud, eventually

pytestmark = pytest.mark.house

# Long enough that none is found by chance, in whichever way it is written.
EMAIL = "aurelia.quillfeather@example.org"
NAME = "Aurelia Quillfeather"
PASSWORD = "seven-velvet-lanterns-94"
PHONE = "+447700900487"
CONTACT, CONTACT_EMAIL = "Balthasar Underhollow", "balthasar.underhollow@example.org"
REFUSED_CONTACT, REFUSED_PHONE = "Cornelius Thistledown", "+447700900613"
NICKNAME, PLACE = "Kestrelwood cabin", "Behind the crooked larder"
PROBE, INPUT = "Winecellar of Aurelia", "Door to Aurelia's bedroom"
PERSONAL = (
    EMAIL, NAME, PHONE, CONTACT, CONTACT_EMAIL, REFUSED_CONTACT, REFUSED_PHONE, NICKNAME, PLACE,
)  # fmt: skip
_CODE = re.compile(r"\d{6}")


def ways_to_write(value: str) -> Iterator[tuple[str, bytes]]:
    """Yield how a value could lie in a file; letters that have no case in it are small."""
    plain = value.encode()
    yield "plain", plain.lower()
    yield "UTF-16", value.lower().encode("utf-16-le")
    yield "UTF-16 turned", value.lower().encode("utf-16-be")
    yield "hex", plain.hex().encode()
    yield "JSON", json.dumps(value)[1:-1].lower().encode()


def ways_to_write_in_base64(value: str) -> Iterator[tuple[str, bytes]]:
    """Yield the value's base64 at each of the three places in a group where it can begin, without its ends."""
    for kind, raw in (("base64", value.encode()), ("base64 of UTF-16", value.encode("utf-16-le"))):
        for before in range(3):
            whole = base64.b64encode(b"\0" * before + raw)
            middle = whole[(0, 2, 3)[before] :].rstrip(b"=")[:-1]
            yield kind, middle
            yield f"{kind} for URLs", middle.translate(bytes.maketrans(b"+/", b"-_"))


def traces(value: str, content: bytes) -> set[str]:
    """Return in which ways the value is found in the content."""
    if _CODE.fullmatch(value):  # short: other numbers hold it by chance
        alone = re.search(rb"(?<![0-9A-Za-z])%s(?![0-9A-Za-z])" % value.encode(), content)
        return {"plain"} if alone else set()
    small = content.lower()
    found = {way for way, written in ways_to_write(value) if written in small}
    return found | {way for way, written in ways_to_write_in_base64(value) if written in content}


def found_in_files(folder: Path, values: list[str]) -> list[tuple[str, str, set[str]]]:
    files = [(path, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(files) >= 5, "store, keyring, their write-ahead files, the broker's"
    hits = ((path.name, value, traces(value, content)) for path, content in files for value in values)
    return [hit for hit in hits if hit[2]]


def found_in_log(cloud: WholeCloud, values: list[str]) -> list[tuple[str, str]]:
    log = [(line, _without_time(line)) for line in cloud.log_lines()]
    assert len(log) > 20, "there is a log to look at"
    return [(value, line) for line, words in log for value in values if traces(value, words.encode())]


def _without_time(line: str) -> str:
    return re.sub(r'"timestamp": "[^"]*"', "", line)


@pytest.mark.parametrize("value", [NAME, EMAIL, PASSWORD])
@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_the_search_finds_a_value_however_it_is_written(value: str, before: bytes) -> None:
    plain = before + value.encode() + b" and more"
    wide = (before.decode() + value + " and more").encode("utf-16-le")
    assert "plain" in traces(value, plain.upper())
    assert "UTF-16" in traces(value, wide)
    assert "hex" in traces(value, plain.hex().upper().encode())
    assert "base64" in traces(value, base64.b64encode(plain))
    assert "base64 for URLs" in traces(value, base64.urlsafe_b64encode(plain))
    assert "base64 of UTF-16" in traces(value, base64.b64encode(wide))
    assert traces(value, b"nothing of the kind") == set()


async def test_no_value_of_a_person_and_no_secret_is_in_any_log_line_or_file(
    tmp_path: Path, twilio: TwilioDouble, mail: SmtpSink
) -> None:
    async with (
        WholeCloud(tmp_path, twilio=twilio, mail=mail, log_level="DEBUG") as cloud,
        Customer(cloud, email=EMAIL, password=PASSWORD, name=NAME) as aurelia,
    ):
        await cloud.start()
        secrets = await _live_through_it_all(cloud, aurelia, twilio, mail)
        secrets += aurelia.secrets
        assert len(secrets) >= 12
        canaries = [*PERSONAL, *secrets]
        assert found_in_files(cloud.data, canaries) == [], "while the cloud runs"
        await cloud.stop()
        assert found_in_files(cloud.data, canaries) == [], "after the cloud has stopped"
        assert found_in_log(cloud, canaries) == []


async def test_what_thermometers_and_inputs_are_called_is_in_no_file_though_a_home_was_told(
    cloud: WholeCloud, owner: Customer
) -> None:
    (made,) = await cloud.provision()
    await owner.claim(made)
    named = {"temp": [{"name": PROBE, "low_c": 5}], "input": [{"name": INPUT}]}
    await owner.set(made, **named)
    async with ThinSocket(made, cloud.mqtt_port) as socket:
        await socket.until(lambda: socket.desired)
        socket.report(version=socket.desired["version"], **named)
        path = f"/devices/{made.device_id}/settings"
        shown = await eventually(lambda: owner.ask("GET", path), lambda known: known["in_step"], "it reported")
        assert (shown["desired"]["temp"][0]["name"], shown["desired"]["input"][0]["name"]) == (PROBE, INPUT)
        secret = await _a_home_hears_and_switches(cloud, owner, socket)
    running = found_in_files(cloud.data, [PROBE, INPUT, secret])
    await cloud.stop()
    stopped = found_in_files(cloud.data, [PROBE, INPUT, secret])
    await cloud.start()  # the fixture stops it
    assert (running, stopped) == ([], [])


async def _a_home_hears_and_switches(cloud: WholeCloud, owner: Customer, socket: ThinSocket) -> str:
    """Let a Home Assistant of the owner in, hear what it is told, and switch; return its password."""
    login = await owner.ask("POST", "/home-assistant", {"name": INPUT}, expect=201)
    broker = SimpleNamespace(host="127.0.0.1", port=cloud.mqtt_port, secrets={})

    async def let_in() -> bool:
        async with Peer(broker, login["username"], login["password"]) as peer:
            return peer.accepted

    await eventually(let_in, bool, "the broker knows the login")
    async with Peer(broker, login["username"], login["password"]) as peer:
        home = HomeAssistant(peer, login["id"])
        await home.begin()
        assert {PROBE, INPUT} <= {
            each["name"] for each in (await home.announced(socket.made.device_id))["components"].values()
        }
        socket.state(relay=False, temp_c=[21.0])
        await home.state(lambda seen: seen["relay"] == "OFF", socket.made.device_id)
        await home.wish("relay", "ON", socket.made.device_id)
        await socket.until(lambda: [each["name"] for each in socket.commands] == ["on"])
        socket.answer(socket.commands[0])
        socket.state(relay=True, temp_c=[21.0])
        await home.state(lambda seen: seen["relay"] == "ON", socket.made.device_id)
    return str(login["password"])


async def _live_through_it_all(cloud: WholeCloud, aurelia: Customer, twilio: TwilioDouble, mail: SmtpSink) -> list[str]:
    """Let Aurelia meet every part of the house, its refusals too; return what was secret on the way."""
    (made,) = await cloud.provision()
    await aurelia.register_and_sign_in()
    await aurelia.ask("POST", "/accounts", {"username": EMAIL, "password": PASSWORD, "name": NAME}, expect=202)
    await aurelia.claim(made, NICKNAME)
    await aurelia.ask("PATCH", f"/devices/{made.device_id}", {"place": PLACE})
    await aurelia.set(made, mains_delay_s=0, restore_delay_s=0, temp=[{"name": PROBE, "low_c": 5, "delay_s": 0}])
    await aurelia.add_contact(CONTACT, phone=PHONE, email=CONTACT_EMAIL)
    await aurelia.add_contact(REFUSED_CONTACT, phone=REFUSED_PHONE)
    twilio.script(REFUSED_PHONE, refuse(21610))
    await _ask_for_trouble(cloud, aurelia)
    await _mistake_everything(aurelia, made.device_id)
    async with ThinSocket(made, cloud.mqtt_port) as socket:
        await socket.until(lambda: socket.desired)
        told = len(twilio.accepted[PHONE])
        letters = len(mail.accepted[CONTACT_EMAIL])
        socket.state(mains=False, temp_c=[2.0])
        await twilio.wait_for_accepted(PHONE, told + 2)
        await mail.wait_for_mail(CONTACT_EMAIL, letters + 2)
        cut = await aurelia.the_incident(made, "mains_lost")
        await aurelia.the_incident(made, "temp_low")
        first = twilio.accepted[PHONE][told]
        await twilio.send_status(first.sid, "delivered")
        await twilio.send_status(first.sid, "failed", sign_with="another token")
        hook = f"{cloud.origin}/hooks/twilio/inbound"
        for body in (f"{CONTACT} says {NICKNAME}", cut["short_code"], "STOP"):
            assert await twilio.post_signed(hook, {"From": PHONE, "To": "+447700900999", "Body": body}) == 200
        await aurelia.the_incident(made, "mains_lost", lambda found: found["state"] == "acknowledged")
        await aurelia.ask("POST", f"/devices/{made.device_id}/commands", {"name": "on"}, expect=202)
        await socket.until(lambda: socket.commands)
        socket.answer(socket.commands[0])
        socket.state(mains=True, temp_c=[20.0])
        await aurelia.the_incident(made, "mains_lost", lambda found: found["state"] == "closed")
    assert NICKNAME in first.body, "what is searched for was really there"
    assert NICKNAME in text_of(mail.accepted[CONTACT_EMAIL][letters])
    reset = await _forget_the_password(aurelia, mail)
    return [made.secret, made.claim_code, made.claim_code.replace("-", ""), reset, twilio.auth_token]


async def _forget_the_password(aurelia: Customer, mail: SmtpSink) -> str:
    """Choose the same password again by the link in the mail; return the link's token."""

    async def tokens() -> list[str]:
        return re.findall(r"/reset\?token=([\w\-]+)", "".join(map(text_of, mail.accepted[EMAIL])))

    await aurelia.ask("POST", "/password-resets", {"username": EMAIL}, expect=202)
    token = (await eventually(tokens, bool, "a mail with a link"))[0]
    await aurelia.ask("POST", "/password-resets/confirm", {"token": token, "password": PASSWORD}, expect=204)
    await aurelia.sign_in()
    return token


async def _mistake_everything(aurelia: Customer, device_id: str) -> None:
    """Send personal values where they are refused, so that refusals are logged too."""
    await aurelia.ask("POST", "/tokens", {"username": EMAIL, "password": f"{PASSWORD}x"}, expect=401)
    await aurelia.ask("POST", "/devices/claim", {"device_id": device_id, "claim_code": NICKNAME}, expect=404)
    await aurelia.ask("POST", "/contacts", {"name": CONTACT, "phone": f"{PHONE}99999999"}, expect=422)
    await aurelia.ask("POST", "/contacts", {"name": CONTACT, EMAIL: NAME, "phone": PHONE}, expect=422)
    await aurelia.ask("PATCH", f"/devices/{device_id}/settings", {"temp": [{"name": PROBE, "low_c": NAME}]}, expect=422)
    await aurelia.ask("GET", f"/devices/{PHONE}", expect=404)


async def _ask_for_trouble(cloud: WholeCloud, aurelia: Customer) -> None:
    """Put values into addresses, headers and bodies that nobody reads."""
    token = aurelia.secrets[1]
    address = f"{cloud.origin}/nobody/{EMAIL}?name={NAME}&token={token}"
    headers = {"Referer": f"{cloud.origin}/{NICKNAME}", "User-Agent": NAME, "Cookie": f"sid={token}", "X-Trace": PHONE}
    async with aiohttp.ClientSession() as http:
        await (await http.get(address, headers=headers)).read()
        await (await http.get(f"{cloud.origin}/activate?token={token}", headers=headers)).read()
        for broken in (f'{{"username": "{EMAIL}", "password": "{PASSWORD}"', f"\xff{NAME}"):
            await (await http.post(f"{cloud.origin}/api/v1/tokens", data=broken, headers=headers)).read()
