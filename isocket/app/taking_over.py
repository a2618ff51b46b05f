"""Puts the importer together: what portal and bridge say of values that come from outside."""

from typing import Any
from zipfile import ZipFile

from pydantic import TypeAdapter, ValidationError

from broker_bridge import wire
from isocket.app.house import House
from isocket.domain.accounts import Account
from isocket.domain.device_models import DeviceModel
from isocket.domain.devices import Device
from isocket.domain.reports import ReportKind
from isocket.domain.settings import names_of_parts
from isocket.storage.port import is_
from portal_api.contact_models import NewContact
from portal_api.contacts import MOST_CONTACTS
from portal_api.device_settings import merged, to_store
from portal_api.escalations import NewLadder, stored_ladder
from portal_api.models import OneLine
from portal_api.problem import ProblemError
from portal_api.settings_models import SettingsChange, names_in, plain, whole_settings
from privacy.importing import Checks, Importer, NotACopyError, RefusedError, items_of

CONTACT_FIELDS = tuple(NewContact.model_fields)
_WORDS: TypeAdapter[str] = TypeAdapter(OneLine)
_SHAPES = {ReportKind.STATE: wire.STATE, ReportKind.ALARM: wire.ALARM}


def importer_of(house: House) -> Importer:
    """Return what takes copies over into a house."""
    return Importer(
        records=house.records, telemetry=house.telemetry, keyring=house.keyring, clock=house.clock, checks=CHECKS
    )


async def holder_of(house: House, archive: ZipFile, account_id: str) -> Account:
    """Return whose account a copy comes into: the one that is named, or that of the same mailbox.

    Raises:
        NotACopyError: there is none, or the file is no copy.
    """
    if account_id:
        found = await house.records.get(Account, account_id)
        if found is None:
            raise NotACopyError("There is no account with this id.")
        return found
    email = next((each.get("email") for each in items_of(archive, Account)), None)
    same = await house.records.find(Account, is_("email", email), limit=1) if isinstance(email, str) and email else []
    if not same:
        raise NotACopyError("Nobody here has the mailbox of this copy: let them register first, or name --account.")
    return same[0]


def words_of(said: str) -> str:
    """Return a name or a note as it may be stored.

    Raises:
        RefusedError: it is too long, or not on one line.
    """
    try:
        return _WORDS.validate_python(said)
    except ValidationError as error:
        raise _refused(error) from None


def contact_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return what to store of a contact: what whoever enters one may say of them.

    Raises:
        RefusedError: it names the field.
    """
    try:
        wish = NewContact.model_validate(
            {name: values[name] for name in CONTACT_FIELDS if values.get(name) is not None}
        )
    except ValidationError as error:
        raise _refused(error) from None
    known = wish.model_dump(exclude_none=True)
    return {**known, "roles": tuple(known["roles"])}


def settings_of(
    device: Device, model: DeviceModel, desired: dict[str, Any], part_names: str | None
) -> tuple[dict[str, Any], str | None]:
    """Return what to store of settings that came from elsewhere, and of the names of parts. `model`: what it has here.

    Raises:
        RefusedError: it names the field; this model may not be able to do what another could.
    """
    try:
        whole = plain(whole_settings(desired, model, part_names))
        given = {*desired, *(kind.value for kind in names_of_parts(part_names))} & whole.keys()
        change = SettingsChange.model_validate({name: whole[name] for name in given})
        after, touched = merged(device, change, "UTC", model)
    except ValidationError as error:
        raise _refused(error) from None
    except ProblemError as error:
        raise RefusedError(str(error)) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise RefusedError("part_names: they cannot be read") from error
    return to_store(after, touched), names_in(after)


def ladder_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return what to store of a ladder, whose people are known here.

    Raises:
        RefusedError: it names the field.
    """
    steps = [
        {"contacts": step["contact_ids"], "channels": step.get("channels"), "after_s": step.get("after_s")}
        for step in values["steps"]
    ]
    given = {name: values[name] for name in ("repeat", "cap", "remind_after_s") if values.get(name) is not None}
    if values.get("repeat_after_s"):  # 0 where it is not repeated
        given["repeat_after_s"] = values["repeat_after_s"]
    try:
        wish = NewLadder.model_validate({"steps": steps, **given})
    except ValidationError as error:
        raise _refused(error) from None
    return stored_ladder(wish)


def check_report(kind: ReportKind, fields: dict[str, Any]) -> None:
    """Raise RefusedError for what no socket could have said."""
    try:
        _SHAPES[kind].validate_python(fields)
    except (ValidationError, KeyError) as error:
        raise RefusedError("not as a report is") from error


def _refused(error: ValidationError) -> RefusedError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return RefusedError(f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}")


CHECKS = Checks(
    words=words_of,
    contact=contact_of,
    settings=settings_of,
    ladder=ladder_of,
    most_contacts=MOST_CONTACTS,
    report=check_report,
)
"""What portal and bridge say of values, for whoever takes a copy over."""
