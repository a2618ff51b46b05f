"""What a browser hands over of a passkey: the fields of WebAuthn that we read. What else it says is let go."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from portal_api.models import Body, Instant, OneLine, View

_Bytes = Annotated[str, StringConstraints(min_length=1, max_length=16_384, pattern=r"^[A-Za-z0-9_\-]+$")]
_Ticket = Annotated[str, Field(min_length=1, max_length=1024, description="What came with the options.")]
_ID = "mP3rW0Zk1t8n5c7VYQ2hJxUo4aLsDfGi"
_BASE: dict[str, Any] = {"id": _ID, "rawId": _ID, "type": "public-key"}
_NEW: dict[str, Any] = {**_BASE, "response": {"clientDataJSON": "eyJ0eXBlIjoi", "attestationObject": "o2NmbXRkbm9u"}}
_USED: dict[str, Any] = {
    **_BASE,
    "response": {"clientDataJSON": "eyJ0eXBlIjoi", "authenticatorData": "SZYN5YgO", "signature": "MEUCIQD5"},
}


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class NewKeyAnswer(_Lenient):
    """What the authenticator says of the key that it made; everything in base64url."""

    client_data: _Bytes = Field(alias="clientDataJSON")
    attestation: _Bytes = Field(alias="attestationObject")


class KeyAnswer(_Lenient):
    """What the authenticator signed; everything in base64url."""

    client_data: _Bytes = Field(alias="clientDataJSON")
    authenticator_data: _Bytes = Field(alias="authenticatorData")
    signature: _Bytes
    user_handle: _Bytes | None = Field(default=None, alias="userHandle")


class NewKey(_Lenient):
    """A `PublicKeyCredential` that was just made."""

    id: _Bytes
    raw_id: _Bytes = Field(alias="rawId")
    type: Literal["public-key"]
    response: NewKeyAnswer


class UsedKey(_Lenient):
    """A `PublicKeyCredential` that has just signed."""

    id: _Bytes
    raw_id: _Bytes = Field(alias="rawId")
    type: Literal["public-key"]
    response: KeyAnswer


class PasskeyOptions(View):
    """What the browser is to be asked for, within five minutes."""

    ticket: str = Field(description="Send it back with what the browser answers.")
    options: dict[str, Any] = Field(description="For `navigator.credentials`, in the JSON form of WebAuthn level 3.")


class NewPasskey(Body):
    """A passkey that the browser just made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ticket": "WyJwYXNza2V5.c2lnbmVk", "credential": _NEW, "name": "Telephone"}]}
    )

    ticket: _Ticket
    credential: NewKey
    name: OneLine = Field(default="", description="What you call it.")


class PasskeyProof(Body):
    """What a passkey signed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ticket": "WyJwYXNza2V5.c2lnbmVk", "credential": _USED}]}
    )

    ticket: _Ticket
    credential: UsedKey


class PasskeySignIn(PasskeyProof):
    """Signing in by a passkey: it stands for password and second factor together."""

    label: OneLine = Field(default="", description="What you call this program: shown among your sessions.")


class PasskeyName(Body):
    """What a passkey is called."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Old telephone"}]})

    name: OneLine


class PasskeyView(View):
    """One passkey."""

    id: str = Field(examples=["pky_abcdefghijklmnopqrstuvwxyz"])
    name: str
    synced: bool = Field(description="Whether its holder's other devices have it too.")
    created_at: Instant
    last_used: Instant | None = Field(description="The hour of its last use.")


class PasskeyMade(View):
    """A passkey that was added, and the recovery codes where it is the first second factor (else none)."""

    passkey: PasskeyView
    recovery_codes: list[str]
