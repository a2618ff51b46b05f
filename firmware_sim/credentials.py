"""What a device is given in the factory, read from the file that provisioning printed."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from firmware_sim.models import UnknownModelError, model_named
from firmware_sim.wire import topic_root

_NEEDED = ("device_id", "secret", "model", "topic_root")
_LONGEST_BYTES = 1_000  # far beyond what provisioning makes, far below what MQTT can say


class CredentialsError(ValueError):
    """The file cannot be used; the message names the line and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    device_id: str
    secret: str = field(repr=False)
    model: str
    topic_root: str
    claim_code: str = field(default="", repr=False)


def load_credentials(path: Path) -> list[Credential]:
    """One JSON object a line, empty lines ignored. Raises CredentialsError; the secret is in no message."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise CredentialsError(f"{path} cannot be read: {why}") from error
    found: dict[str, Credential] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            credential = parse_credential(line)
        except CredentialsError as error:
            raise CredentialsError(f"{path}, line {number}: {error}") from error
        if credential.device_id in found:
            raise CredentialsError(f"{path}, line {number}: device_id {credential.device_id} comes twice")
        found[credential.device_id] = credential
    if not found:
        raise CredentialsError(f"{path}: no device in it; `isocket device provision` prints what belongs here")
    return list(found.values())


def parse_credential(line: str) -> Credential:
    """One line. Raises CredentialsError without the name of the file."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CredentialsError("not a JSON object") from error
    if not isinstance(body, dict):
        raise CredentialsError("not a JSON object")
    for name in _NEEDED:
        if not isinstance(body.get(name), str) or not body[name]:
            raise CredentialsError(f"{name} is missing or not a text")
        if len(body[name].encode(errors="replace")) > _LONGEST_BYTES or not body[name].isprintable():
            raise CredentialsError(f"{name} is too long, or holds what cannot be written")
    try:
        model_named(body["model"])
    except UnknownModelError as error:
        raise CredentialsError(f"model: {error}") from error
    if body["topic_root"] != topic_root(body["device_id"]):
        raise CredentialsError(f"topic_root is not {topic_root(body['device_id'])}, which the device id gives")
    return Credential(**{name: body[name] for name in _NEEDED}, claim_code=str(body.get("claim_code", "")))
