"""Customers' accounts and the credentials with which they come in."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from isocket.domain.handling import (
    CREDENTIAL,
    LASTING_CREDENTIAL,
    LOGIN_NAME,
    OWNERSHIP,
    PREFERENCE,
    PROFILE,
    SIGN_IN_FACT,
    SIGN_IN_LABEL,
    Plain,
)
from isocket.domain.record import Record, record


class AccountRole(StrEnum):
    """What kind of person an account is for."""

    CUSTOMER = "customer"
    STAFF = "staff"


class StaffRole(StrEnum):
    """What a member of staff is there for, and so what they may look at."""

    SUPPORT = "support"  # sockets and incidents of a customer who asks for help
    PRIVACY = "privacy"  # what people ask for by right
    OPERATIONS = "operations"  # outages and providers; no customer's data


@record(
    collection="accounts",
    subject="id",
    account="id",
    unique=(("email",),),
    indexed=(("ended_at",),),
    followed=("credential_epoch",),
)
class Account(Record):
    """A customer or a member of staff who proved to hold an e-mail address."""

    email: Annotated[str, LOGIN_NAME]
    name: Annotated[str, PROFILE] = ""
    language: Annotated[str, PREFERENCE] = "en"
    time_zone: Annotated[str, PREFERENCE] = "UTC"
    role: Plain[AccountRole] = AccountRole.CUSTOMER
    staff_roles: Plain[tuple[StaffRole, ...]] = ()
    staff_until: Plain[datetime | None] = None  # of somebody who is there for a time: let in no longer
    password_hash: Annotated[str, LASTING_CREDENTIAL] = ""  # bcrypt over a keyed pre-hash; the pepper is elsewhere
    credential_epoch: Plain[int] = 1  # growing it ends every session, token and stream at once
    locked_epoch: Plain[int] = 0  # since when everything was ended last: links to do so from before are over
    created_at: Annotated[datetime, PREFERENCE]
    ended_at: Annotated[datetime | None, PREFERENCE] = None  # when its holder closed it; signing in opens it again
    warranty_until: Annotated[datetime | None, PREFERENCE] = None  # of the last socket that they claimed
    policy_seen: Annotated[str, PREFERENCE] = ""  # the last version of the privacy policy that they said to have seen


def is_over(account: Account, now: datetime) -> bool:
    """Return whether the time is over for which somebody was let in; it never is of who has no end."""
    return account.staff_until is not None and now >= account.staff_until


@record(
    collection="registrations",
    subject="account_id",
    account="account_id",
    unique=(("email", "sole"),),
    indexed=(("email",), ("expires_at",)),
)
class Registration(Record):
    """Somebody says an address is theirs; it becomes an account when the mailbox answers. Id = hash of the token."""

    account_id: Plain[str]  # the id that the account will have
    email: Annotated[str, LOGIN_NAME]
    name: Annotated[str, PROFILE] = ""
    language: Annotated[str, PREFERENCE] = "en"
    time_zone: Annotated[str, PREFERENCE] = "UTC"
    role: Plain[AccountRole] = AccountRole.CUSTOMER
    staff_roles: Plain[tuple[StaffRole, ...]] = ()
    staff_until: Plain[datetime | None] = None  # of somebody who is there for a time: let in no longer
    password_hash: Annotated[str, CREDENTIAL] = ""  # empty: chosen on activation
    expires_at: Plain[datetime]
    sole: Plain[bool | None] = None  # of a customer's: no other wish of its mailbox stands beside it


@record(collection="password_resets", subject="account_id", account="account_id", indexed=(("account_id",),))
class PasswordReset(Record):
    """A way to choose a new password, once. Id = hash of the token."""

    account_id: Annotated[str, OWNERSHIP]
    credential_epoch: Plain[int]
    expires_at: Plain[datetime]
    used_at: Plain[datetime | None] = None


@record(collection="address_changes", subject="account_id", account="account_id", indexed=(("account_id",),))
class AddressChange(Record):
    """Another address that somebody wants; the account gets it when the mailbox answers. Id = hash of the token."""

    account_id: Annotated[str, OWNERSHIP]
    email: Annotated[str, LOGIN_NAME]
    credential_epoch: Plain[int]
    expires_at: Plain[datetime]


@record(collection="address_undos", subject="account_id", account="account_id", indexed=(("account_id",),))
class AddressUndo(Record):
    """The address that an account had, from whose mailbox a change can be taken back. Id = hash of the token."""

    account_id: Annotated[str, OWNERSHIP]
    email: Annotated[str, LOGIN_NAME]
    expires_at: Plain[datetime]


class SessionKind(StrEnum):
    """How a session travels."""

    COOKIE = "cookie"  # a browser
    BEARER = "bearer"  # an app or a program


class Agent(StrEnum):
    """The families of browsers and programs that we tell apart. More is not kept of what they say of themselves."""

    FIREFOX = "firefox"
    CHROME = "chrome"
    EDGE = "edge"
    SAFARI = "safari"
    OPERA = "opera"
    SAMSUNG = "samsung"
    ANDROID_APP = "android_app"
    IOS_APP = "ios_app"
    HOME_ASSISTANT = "home_assistant"
    SCRIPT = "script"
    OTHER = "other"


@record(
    collection="sessions",
    subject="account_id",
    account="account_id",
    unique=(("access_hash",), ("refresh_hash",)),
    indexed=(("account_id",),),
    followed=(),
)
class Session(Record):
    """One signed-in browser or app. Only hashes of its tokens are kept."""

    account_id: Annotated[str, OWNERSHIP]
    kind: Plain[SessionKind]
    access_hash: Annotated[str, CREDENTIAL]
    access_expires_at: Plain[datetime]
    refresh_hash: Annotated[str | None, CREDENTIAL] = None
    used_refresh_hashes: Annotated[tuple[str, ...], CREDENTIAL] = ()  # one of these again means theft
    expires_at: Plain[datetime]
    credential_epoch: Plain[int]
    created_at: Annotated[datetime, SIGN_IN_FACT]
    agent: Annotated[Agent, SIGN_IN_FACT] = Agent.OTHER
    label: Annotated[str, SIGN_IN_LABEL] = ""  # what its holder calls it
    last_seen_at: Annotated[datetime | None, SIGN_IN_FACT] = None  # to the hour
    proved_at: Annotated[datetime | None, SIGN_IN_FACT] = None  # when its holder last showed who they are
    second_factor: Plain[bool] = False  # whether one was shown in it


@record(collection="buckets", indexed=(("refilled_at",),))
class Bucket(Record):
    """A token bucket that limits a rate, or a note of a moment (`isocket.storage.notes`).

    Its id is a keyed hash of what it is about, or the note's own name.
    """

    tokens: Plain[float]
    refilled_at: Plain[datetime]  # of a note: its moment, such as until when it holds
