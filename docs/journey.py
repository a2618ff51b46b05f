"""A customer's whole way through the API, from the first registration to leaving. Read it from top to bottom.

It needs Python alone, a cloud that runs, and a socket that is connected and nobody's yet:

    isocket up                                                   (in one window, with a new data folder)
    isocket device provision --model isocket-4g > socket.jsonl   (in another; the id and the claim code are in it)
    isocket sim --devices 1 --credentials socket.jsonl
    python docs/journey.py http://127.0.0.1:8080 DEVICE_ID CLAIM_CODE

Where a mail has to be read it asks for the text: without a mail server it lies on the page `/desk`. The customer who
leaves can take it back for 14 days, and the journey ends with that promise. A test lives through it too, and to the
receipt: there the cloud is started anew before the goodbye, with `ISOCKET_ERASURE_GRACE_DAYS=0`.
"""

import base64
import hmac
import io
import json
import re
import struct
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from typing import Any

Mailbox = Callable[[str, str], str]  # to which address, and a pattern: the text of a mail to it that has the pattern
PATIENCE_S = 60.0
REFUSED = 300  # and above
CODE = r"(?<!\d)(\d{6})(?!\d)"
MAIJA, PEKKA, ANNA = "maija@example.org", "pekka@example.org", "anna@example.org"
PASSWORD, PEKKAS_PASSWORD = "three quiet herons", "four loud kestrels"


def journey(cloud: str, device_id: str, claim_code: str, mailbox: Mailbox, before_leaving: Callable[[], None]) -> None:
    """Live as a customer. `before_leaving` is called between the change of mind and the true goodbye."""
    maija, pekka = Person(cloud), Person(cloud)
    device = f"/devices/{device_id}"

    # Becoming a customer: whoever holds the mailbox holds the account.
    newcomer = {"username": MAIJA, "password": PASSWORD, "name": "Maija", "time_zone": "Europe/Helsinki"}
    maija.ask("POST", "/accounts", newcomer)
    tell("registered; a mail is on its way")
    maija.ask("POST", "/accounts/activate", {"token": link_in(mailbox, MAIJA, "activate")})
    tell("activated by the link in it")
    maija.sign_in(MAIJA, PASSWORD)
    tell("signed in as", maija.ask("GET", "/me")["name"])

    # A second factor: from now on the password alone opens nothing.
    secret = maija.ask("POST", "/me/second-factor/totp")["secret"]
    recovery = maija.ask("POST", "/me/second-factor/totp/confirm", {"code": code_of(secret)})["recovery_codes"]
    tell("second factor added, with", len(recovery), "recovery codes for the day on which the telephone is lost")
    alone = maija.ask("POST", "/tokens", {"username": MAIJA, "password": PASSWORD}, expect=401)
    tell("the password alone is refused:", kind_of(alone))
    maija.sign_in(MAIJA, PASSWORD, code=code_of(secret, later=1))  # each code works once, so the next one
    tell("signed in with both, and ended what else was signed in:", maija.ask("DELETE", "/sessions")["ended"])

    # The socket: its label bears the code that makes it mine.
    maija.ask("POST", "/devices/claim", {"device_id": device_id, "claim_code": claim_code}, expect=201)
    named = maija.ask("PATCH", device, {"name": "Summer house", "place": "By the back door"})
    tell("claimed the socket, named it", named["name"], "and noted its place:", named["place"])
    until(lambda: maija.ask("GET", device), lambda seen: seen["online"] and seen["state"])
    tell("it is online and reports")
    mornings = {"at": "07:00", "days": "mon,tue,wed,thu,fri", "name": "on_for", "args": {"seconds": 3600}}
    frost = {"name": "Kitchen", "low_c": 3.0, "delay_s": 300}
    maija.ask("PATCH", f"{device}/settings", {"mains_delay_s": 20, "temp": [frost], "schedule": [mornings]})
    settings = until(lambda: maija.ask("GET", f"{device}/settings"), lambda twin: twin["in_step"])
    tell("settings are in the socket, version", settings["version"], "; the schedule goes on", settings["next"]["at"])

    # Switching, heard as it happens.
    with maija.listen() as happenings:
        ordered = maija.ask("POST", f"{device}/commands", {"name": "on"}, expect=202)
        tell("told it to switch on:", ordered["status"])
        hear(happenings, "command", lambda each: each["id"] == ordered["id"] and each["status"] == "executed")
    tell("heard in the stream of events that it did")

    # People: whoever is to be told proves first that the address is theirs.
    (myself,) = (each for each in maija.ask("GET", "/contacts")["items"] if each["is_owner"])
    anna = maija.ask("POST", "/contacts", {"name": "Anna", "email": ANNA, "roles": ["alarm"]}, expect=201)
    code = found_in(mailbox(ANNA, CODE), CODE)
    anna = maija.ask("POST", f"/contacts/{anna['id']}/verify", {"channel": "email", "code": code})
    tell("entered", anna["name"], "and typed the code that reached her; verified:", anna["email_verified"])
    ladder = {
        "steps": [{"contacts": [myself["id"]]}, {"contacts": [anna["id"]], "after_s": 600}],
        "repeat": 1,
        "repeat_after_s": 1800,
    }
    maija.ask("PUT", "/escalation", ladder)
    tell("set the ladder: me at once, Anna ten minutes later, and once more after half an hour")
    (ready,) = maija.ask("GET", "/readiness")["items"]
    tell("an alarm would reach", len(ready["reached"]), "people; ready:", ready["ready"])

    # Does it truly work? The whole chain, and a human who answers.
    test = maija.ask("POST", f"{device}/test-alarm", expect=202)
    incident = f"/incidents/{test['incident_id']}"
    gone_out = {"sent", "delivered"}
    until(lambda: maija.ask("GET", incident)["messages"], lambda told: any(each["state"] in gone_out for each in told))
    tell("raised a test alarm; a message of it went out")
    taken = maija.ask("POST", f"{incident}/ack")
    tell("acknowledged it, so nobody else is woken:", taken["state"])
    reported = maija.ask("GET", f"{device}/history?fields=mains,relay")
    tell("read the history:", len(reported["ts"]), "reports")

    # Sharing with somebody who has an account of their own.
    share = maija.ask("POST", f"{device}/shares", {"email": PEKKA, "role": "viewer"}, expect=201)
    pekka.ask("POST", "/accounts", {"username": PEKKA, "password": PEKKAS_PASSWORD})
    pekka.ask("POST", "/accounts/activate", {"token": link_in(mailbox, PEKKA, "activate")})
    pekka.sign_in(PEKKA, PEKKAS_PASSWORD)
    pekka.ask("POST", "/shares/accept", {"token": link_in(mailbox, PEKKA, "shares/accept")})
    tell("shared it with Pekka, who is its", pekka.ask("GET", device)["role"])
    refused = pekka.ask("POST", f"{device}/commands", {"name": "off"}, expect=403)
    tell("he looks and does not switch:", kind_of(refused))
    maija.ask("DELETE", f"{device}/shares/{share['id']}")
    pekka.ask("GET", device, expect=404)
    tell("ended the share; to him the socket does not exist any more")

    # A program of somebody else gets as much as it needs, for as long as it is wanted.
    wish = {"name": "Energy adviser", "purpose": "Advice on heating", "scopes": ["read:telemetry"], "days": 30}
    made = maija.ask("POST", "/api-tokens", wish, expect=201)
    adviser = Person(cloud, made["token"])
    tell("made an API token; with it a program reads", len(adviser.ask("GET", "/devices")["items"]), "socket")
    refused = adviser.ask("POST", f"{device}/commands", {"name": "off"}, expect=403)
    tell("and does no more than its scope says:", kind_of(refused))
    maija.ask("DELETE", f"/api-tokens/{made['id']}")
    adviser.ask("GET", "/devices", expect=401)
    tell("revoked the token; it opens nothing")

    # A Home Assistant of one's own finds and switches the sockets by itself: docs/home-assistant.md.
    home = maija.ask("POST", "/home-assistant", {"name": "Summer house"}, expect=201)
    tell("made a login for Home Assistant, which meets the socket at", f"{home['host']}:{home['port']}")
    maija.ask("DELETE", f"/home-assistant/{home['id']}")
    tell("and ended it; left are", len(maija.ask("GET", "/home-assistant")["items"]))

    # What is known about me, and who was told.
    copy = maija.ask("POST", "/privacy/exports", {"password": PASSWORD}, expect=202)
    copy = f"/privacy/exports/{copy['id']}"
    until(lambda: maija.ask("GET", copy), lambda how_far: how_far["state"] == "ready")
    with zipfile.ZipFile(io.BytesIO(maija.fetch(f"{copy}/download"))) as archive:
        tell("downloaded a copy of everything:", len(archive.namelist()), "files")
    disclosures = maija.ask("GET", "/privacy/disclosures")["items"]
    tell("read who was given what:", ", ".join(sorted({each["to"] for each in disclosures})))

    # Leaving: first the plan, then the wish, which can be taken back.
    plan = maija.ask("GET", "/privacy/erasure")
    tell("the plan of an erasure names the fate of", len(plan["fields"]), "fields")
    goodbye = {"password": PASSWORD, "confirm": MAIJA}
    maija.ask("POST", "/privacy/erasure", goodbye, expect=202)
    tell("asked to be erased, and took it back:", maija.ask("DELETE", "/privacy/erasure")["state"])
    before_leaving()
    asked = maija.ask("POST", "/privacy/erasure", goodbye, expect=202)
    if asked["due_at"] > asked["asked_at"]:
        tell("asked again; can be taken back until", asked["due_at"], "and then the receipt is at", asked["receipt"])
        return
    receipt = asked["receipt"].partition("/api/v1")[2]
    done = until(lambda: Person(cloud).ask("GET", receipt), lambda how_far: how_far["state"] == "done")
    tell(
        "asked again, and erased:",
        sum(done["removed"].values()),
        "things removed; every file searched:",
        done["searched"],
    )
    gone = Person(cloud).ask("POST", "/tokens", {"username": MAIJA, "password": PASSWORD}, expect=401)
    tell("signing in is refused, as to anybody unknown:", kind_of(gone))


class StoryError(Exception):
    """It went otherwise than told here."""


class Person:
    """Somebody who speaks with the API, or a program of theirs."""

    def __init__(self, cloud: str, token: str = "") -> None:
        self._api = f"{cloud}/api/v1"
        self._token = token

    def sign_in(self, username: str, password: str, **proof: str) -> None:
        """Be known from now on."""
        self._token = self.ask("POST", "/tokens", {"username": username, "password": password, **proof})["access_token"]

    def ask(self, method: str, path: str, body: object = None, *, expect: int | None = None) -> Any:
        """Return what the API answers; the story ends where that is not what is expected."""
        try:
            with self._open(method, path, body) as answer:
                status, said = answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            status, said = refusal.code, refusal.read()
        if (expect is None and status >= REFUSED) or (expect is not None and status != expect):
            raise StoryError(f"{method} {path} answered {status}: {said.decode()}")
        return json.loads(said) if said else None

    def fetch(self, path: str) -> bytes:
        """Return a file."""
        with self._open("GET", path) as answer:
            return bytes(answer.read())

    def listen(self) -> Any:
        """Return the open stream of what happens."""
        return self._open("GET", "/events")

    def _open(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        sent = None
        if body is not None:
            headers["Content-Type"], sent = "application/json", json.dumps(body).encode()
        request = urllib.request.Request(self._api + path, data=sent, headers=headers, method=method)
        return urllib.request.urlopen(request, timeout=PATIENCE_S)


def code_of(secret: str, *, later: int = 0) -> str:
    """Return what an app for codes shows now, or so many half minutes later (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + later)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    at = digest[-1] & 0x0F
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def hear(stream: Any, kind: str, holds: Callable[[Any], object]) -> Any:
    """Return the first event of this kind that holds (server-sent events: a line for the kind, one for the data)."""
    this, last = "", time.monotonic() + PATIENCE_S
    for line in stream:
        if time.monotonic() > last:
            break
        name, _, value = line.decode().strip().partition(": ")
        if name == "event":
            this = value
        elif name == "data" and this == kind and holds(json.loads(value)):
            return json.loads(value)
    raise StoryError(f"the {kind} was not heard of")


def until(look: Callable[[], Any], holds: Callable[[Any], object]) -> Any:
    """Look until it holds, and return what was seen."""
    last = time.monotonic() + PATIENCE_S
    while not holds(seen := look()):
        if time.monotonic() > last:
            raise StoryError(f"not within {PATIENCE_S:g} s; at last: {seen}")
        time.sleep(0.2)
    return seen


def link_in(mailbox: Mailbox, address: str, path: str) -> str:
    """Return the token of the link in a mail."""
    pattern = rf"/{path}\?token=([A-Za-z0-9_\-]+)"
    return found_in(mailbox(address, pattern), pattern)


def found_in(text: str, pattern: str) -> str:
    """Return what a mail says."""
    found = re.search(pattern, text)
    if found is None:
        raise StoryError(f"this is not in the mail: {pattern}")
    return found.group(1)


def kind_of(problem: Any) -> str:
    """Return why something was refused: the part that programs may rely on."""
    return str(problem["type"]).rpartition(":")[2]


def tell(*words: object) -> None:
    """Say what was done."""
    print("-", *words, flush=True)


def typed(address: str, pattern: str) -> str:
    """Let whoever runs this look into the mailbox."""
    what = "code" if pattern == CODE else f"link with {pattern.split('?', 1)[0][:-1]}"
    while not re.search(pattern, pasted := input(f"  A mail went to {address}. Paste the {what} in it: ")):
        print(f"  That is no {what}.")
    return pasted


if __name__ == "__main__":
    try:
        _, address_of_cloud, id_of_socket, code_on_label = sys.argv
    except ValueError:
        sys.exit(__doc__)
    try:
        journey(address_of_cloud, id_of_socket, code_on_label, mailbox=typed, before_leaving=lambda: None)
    except StoryError as surprise:
        sys.exit(f"It went otherwise: {surprise}")
    except (OSError, ValueError) as error:  # a connection that is refused is the first, no address the second
        sys.exit(f"{address_of_cloud} does not answer as a cloud does: {error}")
    except (EOFError, KeyboardInterrupt):
        sys.exit("\nThe journey ends here.")
