"""A person with unmistakable values lives through the house, takes a copy along and is erased: nothing is left."""

import contextlib
import io
import json
import re
import sqlite3
import zipfile
from pathlib import Path

import aiohttp
import pytest

from privacy.scan import scan
from tests.fakes.customer import Customer, Json, text_of
from tests.fakes.erasing_house import back_up
from tests.fakes.other_process import look_into_from_outside
from tests.fakes.smtp_server import SmtpSink
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import Made, WholeCloud, eventually

pytestmark = pytest.mark.house

EMAIL, NAME, PASSWORD = "aurelia.quillfeather@example.org", "Aurelia Quillfeather", "seven-velvet-lanterns-94"
PHONE, CONTACT, CONTACT_EMAIL = "+447700900487", "Balthasar Underhollow", "balthasar.underhollow@example.org"
NICKNAME, PLACE, PROBE = "Kestrelwood cabin", "Behind the crooked larder", "Winecellar of Aurelia"
GUEST, PROGRAM, FOR_WHAT = "cornelius.thistledown@example.org", "Thistledown adviser", "To heat the crooked larder"
WORDS, STAND_IN = "My name is written with two q", "Drusilla Fennimore"
VALUES = (
    EMAIL, NAME, PHONE, CONTACT, CONTACT_EMAIL, NICKNAME, PLACE, PROBE, GUEST, PROGRAM, FOR_WHAT, WORDS, STAND_IN,
)  # fmt: skip
_REQUEST = re.compile(r"/rights\?token=([\w\-]+)")
_INVITED = re.compile(r"[?&#]token=([\w\-]+)")
DATABASES = ("isocket.sqlite", "keyring.sqlite")


@pytest.mark.clause("C7-06")
async def test_who_leaves_takes_everything_along_and_leaves_no_byte_behind(
    tmp_path: Path, twilio: TwilioDouble, mail: SmtpSink
) -> None:
    async with (
        WholeCloud(tmp_path, twilio=twilio, mail=mail, log_level="DEBUG") as cloud,
        Customer(cloud, email=EMAIL, password=PASSWORD, name=NAME) as aurelia,
    ):
        cloud.settings["ISOCKET_ERASURE_GRACE_DAYS"] = "0"
        await cloud.start()
        (made,) = await cloud.provision()
        async with ThinSocket(made, cloud.mqtt_port) as socket:
            account_id = await live(cloud, aurelia, made, socket, twilio)
            await the_copy_is_whole_and_without_secrets(aurelia, made)
            back_up(cloud.data, tmp_path / "backup", *DATABASES)
            receipt = await erased(aurelia)
            assert receipt["searched"]
            assert receipt["removed"]["keys"] >= 3
            assert scan([cloud.data], *VALUES) == [], "while the cloud runs"
            for name in DATABASES:  # what searched the files has taken no lock from the cloud
                await look_into_from_outside(cloud.data / name)
                assert (cloud.data / f"{name}-wal").exists(), "the cloud still writes to it"
            await what_comes_late_brings_nobody_back(cloud, socket, twilio, account_id)
        await cloud.stop()
        assert scan([cloud.data, tmp_path / "backup", cloud.log], *VALUES, PASSWORD, *aurelia.secrets[1:]) == []
        await a_restored_backup_brings_nobody_back(cloud, aurelia, tmp_path / "backup")


async def live(cloud: WholeCloud, aurelia: Customer, made: Made, socket: ThinSocket, twilio: TwilioDouble) -> str:
    """Let Aurelia use everything once; return her account's id."""
    await aurelia.register_and_sign_in()
    await aurelia.claim(made, NICKNAME)
    await aurelia.ask("PATCH", f"/devices/{made.device_id}", {"place": PLACE})
    await aurelia.set(made, mains_delay_s=0, restore_delay_s=0, temp=[{"name": PROBE, "low_c": 5, "delay_s": 0}])
    contact = await aurelia.add_contact(CONTACT, phone=PHONE, email=CONTACT_EMAIL)
    await use_what_else_there_is(cloud, aurelia, made, contact)
    await socket.until(lambda: socket.desired)
    told = len(twilio.accepted[PHONE])
    socket.state(mains=False, temp_c=[2.0])
    await twilio.wait_for_accepted(PHONE, told + 2)
    await twilio.calls.wait_for_accepted(PHONE, 1)
    await aurelia.the_incident(made, "mains_lost")
    await aurelia.ask("POST", f"/devices/{made.device_id}/commands", {"name": "status"}, expect=202)
    return str((await aurelia.ask("GET", "/me"))["id"])


async def use_what_else_there_is(cloud: WholeCloud, aurelia: Customer, made: Made, contact: Json) -> None:
    """Let her be called, name a stand-in, share, let a program in, get the newsletter, ask by right and object."""
    steps = [{"contacts": [contact["id"]], "channels": ["sms", "email", "voice"], "after_s": 0}]
    await aurelia.ask("PUT", "/escalation", {"steps": steps})
    other = await aurelia.ask("POST", "/contacts", {"name": STAND_IN, "email": GUEST, "roles": ["alarm"]}, expect=201)
    away = {"contact_id": other["id"], "stand_in_id": contact["id"], "from": "2030-01-01T00:00:00Z"}
    await aurelia.ask("POST", "/substitutions", {**away, "until": "2030-01-08T00:00:00Z"}, expect=201)
    invited = {"email": GUEST, "role": "viewer"}
    await aurelia.ask("POST", f"/devices/{made.device_id}/shares", invited, expect=201)
    program = {"name": PROGRAM, "purpose": FOR_WHAT, "scopes": ["read:telemetry"], "days": 30}
    aurelia.secrets.append((await aurelia.ask("POST", "/api-tokens", program, expect=201))["token"])
    await aurelia.ask("PUT", "/privacy/consents", {"newsletter": True})
    await aurelia.ask("PUT", "/privacy/objections", {"surveys": True})
    wish = {"kind": "rectification", "email": EMAIL, "words": WORDS, "name": NAME, "country": "FI"}
    await aurelia.ask("POST", "/privacy/requests", wish, expect=202)

    async def links() -> list[str]:
        return _REQUEST.findall("".join(map(text_of, cloud.mail.accepted[EMAIL])))

    token = (await eventually(links, bool, "a mail asks whether it was her"))[0]
    aurelia.secrets.append(token)
    await aurelia.ask("POST", "/privacy/requests/confirm", {"token": token})
    letters = [text_of(each) for each in await cloud.mail.wait_for_mail(GUEST, 2)]
    aurelia.secrets += [found for each in letters for found in _INVITED.findall(each)]


async def the_copy_is_whole_and_without_secrets(aurelia: Customer, made: Made) -> None:
    asked = await aurelia.ask("POST", "/privacy/exports", {"password": PASSWORD}, expect=202)

    async def look() -> Json:
        return await aurelia.ask("GET", f"/privacy/exports/{asked['id']}")

    await eventually(look, lambda said: said["state"] == "ready", "the copy is made")
    with zipfile.ZipFile(io.BytesIO(await aurelia.fetch(f"/privacy/exports/{asked['id']}/download"))) as archive:
        inside = {name: archive.read(name).decode() for name in archive.namelist()}
    items = {name: json.loads(inside[f"data/{name}.json"])["items"] for name in ("accounts", "contacts", "devices")}
    assert [(each["email"], each["name"]) for each in items["accounts"]] == [(EMAIL, NAME)]
    assert (CONTACT, PHONE, CONTACT_EMAIL) in [
        (each["name"], each["phone"], each["email"]) for each in items["contacts"]
    ]
    assert [(each["name"], each["place"]) for each in items["devices"]] == [(NICKNAME, PLACE)]
    assert PROBE in items["devices"][0]["part_names"]
    assert "[2.0]" in inside[f"telemetry/{made.device_id}.csv"]
    of_her = {name: json.loads(inside[f"data/{name}.json"])["items"] for name in (
        "api_tokens", "shares", "rights_requests", "objections", "substitutions", "subscriptions", "consents",
    )}  # fmt: skip
    assert {name for name, found in of_her.items() if not found} == set()
    assert [(each["name"], each["purpose"]) for each in of_her["api_tokens"]] == [(PROGRAM, FOR_WHAT)]
    assert [each["email"] for each in of_her["shares"]] == [GUEST]
    assert [each["words"] for each in of_her["rights_requests"]] == [WORDS]
    assert any("voice" in line for line in inside["disclosures.csv"].splitlines())
    whole = "".join(inside.values())
    assert [each for each in (*aurelia.secrets, made.secret, made.claim_code) if len(each) > 6 and each in whole] == []


async def erased(aurelia: Customer) -> Json:
    """Ask to be erased, and return the receipt that the mail promised."""
    wish = {"password": PASSWORD, "confirm": EMAIL}
    asked = await aurelia.ask("POST", "/privacy/erasure", wish, expect=202)
    path = f"/privacy/receipts?{asked['receipt'].partition('?')[2]}"

    async def look() -> Json:
        async with aiohttp.ClientSession() as http, http.get(asked["receipt"]) as answer:
            return await answer.json()

    assert path.startswith("/privacy/receipts?id=era_")
    return await eventually(look, lambda said: said["state"] == "done", "the erasure is done")


async def what_comes_late_brings_nobody_back(
    cloud: WholeCloud, socket: ThinSocket, twilio: TwilioDouble, account_id: str
) -> None:
    first = twilio.accepted[PHONE][-1]
    await twilio.send_status(first.sid, "delivered")
    hook = f"{cloud.origin}/hooks/twilio/inbound"
    await twilio.post_signed(hook, {"From": PHONE, "To": "+447700900999", "Body": "STOP"})
    socket.state(mains=True, temp_c=[1.0])
    await socket.until_all_is_acknowledged()
    with contextlib.closing(sqlite3.connect(cloud.data / "isocket.sqlite")) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        left = {
            name
            for name in tables
            if name.startswith("records_") and name != "records_erasures"
            if store.execute(f"SELECT 1 FROM {name} WHERE instr(doc, ?)", (account_id,)).fetchone()  # noqa: S608 - our names
        }
    assert left == set()


async def a_restored_backup_brings_nobody_back(cloud: WholeCloud, aurelia: Customer, backup: Path) -> None:
    for name in DATABASES:
        for each in cloud.data.glob(f"{name}*"):
            each.unlink()
    back_up(backup, cloud.data, *DATABASES)
    await cloud.start()
    await aurelia.ask("POST", "/tokens", {"username": EMAIL, "password": PASSWORD}, expect=401)
    assert any('"erasures_replayed"' in line for line in cloud.log_lines())
    assert scan([cloud.data], *VALUES) == []
    await cloud.stop()
