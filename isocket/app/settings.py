"""Every setting: its name, default and meaning. `load_settings` is the only place that reads the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from isocket.app.addresses import HostPort, mailbox, phone_number
from isocket.app.setting_groups import disagreement
from isocket.app.setting_values import (
    Networks,
    by,
    read_amount,
    read_broker,
    read_contact,
    read_countries,
    read_currency,
    read_day_of_year,
    read_file,
    read_networks,
    read_office_country,
    read_office_zone,
    read_origin,
    read_prices,
    read_provider_countries,
    read_sender,
    read_smtp,
    read_store,
    read_web,
)
from isocket.app.setting_words import readable, said
from isocket.app.settings_sources import PREFIX, SettingsError, gather
from isocket.domain.countries import SERVED

_MOST_REQUESTS = 1_000_000_000  # an hour


class Settings(BaseModel):
    """All settings, checked. Defaults are what `make demo` on one machine needs."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    data_dir: Path = Field(
        default=Path("var"), description="folder of the embedded store, the keyring and the broker's files"
    )
    store: Annotated[Path | None, by(read_store)] = Field(
        default=None, description="the SQLite file; without it `isocket.sqlite` in the data folder"
    )
    http: Annotated[HostPort, by(HostPort.parse)] = Field(
        default=HostPort(host="127.0.0.1", port=8080), description="where the portal listens"
    )
    public_url: Annotated[str, by(read_origin)] = Field(
        default="",
        description="origin of every link and callback, never taken from a request; without it `http://` and the "
        "portal's address",
    )
    mqtt: Annotated[HostPort, by(HostPort.parse)] = Field(
        default=HostPort(host="127.0.0.1", port=1883),
        description="where the broker that `isocket up` starts for itself listens without TLS",
    )
    mqtt_plain: Literal["loopback", "anywhere"] = Field(
        default="loopback",
        description="`anywhere` allows the broker to listen without TLS where other machines reach it",
    )
    mqtt_tls: Annotated[HostPort | None, by(HostPort.parse)] = Field(
        default=None, description="where that broker listens with TLS, such as `0.0.0.0:8883`"
    )
    mqtt_tls_certificate: Path | None = Field(default=None, description="PEM file with its certificate chain")
    mqtt_tls_key: Path | None = Field(default=None, description="PEM file with the private key")
    broker_url: Annotated[SecretStr | None, by(read_broker)] = Field(
        default=None,
        description="`mqtts://user:secret@host:port` of a broker run by somebody else, without a login such as "
        "`mqtt://127.0.0.1:1883` where it is on this machine and asks for none; then none is started",
    )
    twilio_account_sid: str | None = Field(
        default=None, description="account for SMS; without it messages go to the desk"
    )
    twilio_auth_token: SecretStr | None = Field(default=None, description="its token, which also signs callbacks")
    twilio_auth_token_previous: SecretStr | None = Field(
        default=None, description="the token before, whose signatures still count while it is being changed"
    )
    twilio_from: str | None = Field(default=None, description="phone number, sender's name or messaging service")
    twilio_voice_from: Annotated[str | None, by(phone_number)] = Field(
        default=None,
        description="phone number that calls; without it `ISOCKET_TWILIO_FROM` where that is a number, else nobody is "
        "called",
    )
    twilio_base_url: Annotated[str | None, by(read_origin)] = Field(
        default=None, description="another address for Twilio's API"
    )
    elks_username: str | None = Field(
        default=None, description="account at 46elks for SMS: alone, or for what Twilio cannot send"
    )
    elks_password: SecretStr | None = Field(
        default=None, description="its password, from which the addresses of callbacks follow"
    )
    elks_from: str | None = Field(default=None, description="phone number or sender's name")
    elks_base_url: Annotated[str | None, by(read_origin)] = Field(
        default=None, description="another address for 46elks' API"
    )
    smtp_url: Annotated[SecretStr | None, by(read_smtp)] = Field(
        default=None, description="`smtps://user:password@host:port`; without it mail goes to the desk"
    )
    mail_from: Annotated[str, by(read_sender)] = Field(
        default="iSocket <no-reply@localhost>", description="sender of every mail"
    )
    webhook_targets: Literal["internet", "loopback"] = Field(
        default="internet",
        description="`loopback` also lets customers name addresses of this machine for webhooks and push, to try them "
        "out; never where strangers have accounts",
    )
    operator_email: Annotated[str | None, by(mailbox)] = Field(
        default=None, description="who runs this cloud: gets a mail when the cloud itself is in trouble"
    )
    operator_phone: Annotated[str | None, by(phone_number)] = Field(
        default=None, description="their telephone, which gets the same as a text message"
    )
    heartbeat_url: Annotated[SecretStr | None, by(read_web)] = Field(
        default=None,
        description="address of an outside dead man's switch, asked every 30 s while all is well with the alarms",
    )
    outage_least: int = Field(
        default=5,
        ge=2,
        le=1_000_000,
        description="so many sockets, at least, must fall silent or lose power at once to be one event",
    )
    outage_share_pct: float = Field(
        default=30, gt=0, le=100, description="and so many percent of those that were heard lately must fall silent"
    )
    outage_within_s: float = Field(
        default=900, ge=10, le=86_400, description="within so many seconds, about the time between two messages"
    )
    outage_hold_s: float = Field(
        default=3600,
        ge=0,
        le=86_400,
        description="for so many seconds an outage of ours keeps `offline` from people; then they are told",
    )
    power_cut_share_pct: float = Field(
        default=2, gt=0, le=100, description="so many percent must lose mains power at once to be a power cut of many"
    )
    power_cut_within_s: float = Field(default=120, ge=1, le=3600, description="within so many seconds")
    sms_per_s: float = Field(
        default=10,
        ge=0,
        le=10_000,
        description="so many segments of texts a second the sender carries; a long number about 1, a name about 10, a "
        "short code 100; 0: no limit",
    )
    calls_per_s: float = Field(default=1, ge=0, le=1000, description="so many calls it begins a second; 0: no limit")
    mails_per_s: float = Field(
        default=50, ge=0, le=10_000, description="so many mails a second the mail server takes; 0: no limit"
    )
    receipt_wait_s: float = Field(
        default=90,
        ge=10,
        le=3600,
        description="a critical alarm that is not known to have arrived after so many seconds goes by another way as "
        "well; what is major waits three times as long",
    )
    prices: Annotated[str, by(read_prices)] = Field(
        default="sms=0.08,voice=0.20",
        description="what a segment and a call cost, also where a number begins so: `sms=0.08,sms+358=0.07`",
    )
    currency: Annotated[str, by(read_currency)] = Field(default="EUR", description="in which those prices are")
    spending_cap: Annotated[str, BeforeValidator(read_amount)] = Field(
        default="50",
        description="what texts and calls of one account may cost in a calendar month (UTC); beyond it, all but "
        "critical alarms go by mail and push only; 0: no limit",
    )
    spending_reserve: Annotated[str, BeforeValidator(read_amount)] = Field(
        default="25",
        description="what critical alarms of an account are meant to cost at most beyond that; they go even then",
    )
    bcrypt_cost: int = Field(default=12, ge=10, le=16, description="work for one password, from 10 to 16")
    reports_days: int = Field(
        default=400,
        ge=31,
        le=3660,
        description="so many days each single report of a socket is kept; what hours and days were like stays as long "
        "as the socket is its owner's",
    )
    erasure_grace_days: int = Field(
        default=14, ge=0, le=90, description="days in which an erasure can be undone; 0 erases at once"
    )
    controller: str = Field(
        default="whoever runs this iSocket Cloud",
        description="name, number and postal address of the company that answers for personal data, as notices show it",
    )
    privacy_contact: str = Field(
        default="mailto:privacy@localhost", description="where people turn to with questions about their data"
    )
    office_country: Annotated[str, BeforeValidator(read_office_country)] = Field(
        default="FI",
        description="country where requests about personal data are answered (two letters): its public holidays move "
        "deadlines, and its authority is named to whoever has none of their own",
    )
    office_time_zone: Annotated[str, BeforeValidator(read_office_zone)] = Field(
        default="Europe/Helsinki",
        description="time zone of that place: by its midnight a deadline ends, and a financial year",
    )
    sms_provider_country: Annotated[str, by(read_provider_countries)] = Field(
        default="US",
        description="country or countries of the SMS and voice providers (two letters), as notices show it",
    )
    mail_provider_country: Annotated[str, by(read_provider_countries)] = Field(
        default="", description="country or countries of the mail server (two letters), as notices show it"
    )
    transfer_safeguard: str = Field(
        default="",
        description="by what it is covered that providers are outside the EEA (an adequacy decision, standard "
        "contractual clauses), as notices show it",
    )
    erasure_ledger: Annotated[Path | None, by(read_file)] = Field(
        default=None,
        description="file that remembers who was erased, best where no backup is restored to; without it "
        "`erasures.jsonl` in the data folder",
    )
    archive_keys: Path | None = Field(
        default=None,
        description="folder with the public keys (`*.pub`) of three managers, see `isocket archive keygen`; without it "
        "nobody's account is sealed, and so none is erased for its age",
    )
    archive_after_years: int = Field(
        default=2, ge=0, le=30, description="years after the end of an account and of its warranty until it is sealed"
    )
    archive_keep_years: int = Field(
        default=10,
        ge=0,
        le=30,
        description="years after the financial year in which the relation ended until an archive is destroyed",
    )
    financial_year_end: Annotated[str, by(read_day_of_year)] = Field(
        default="12-31", description="its last day: month and day"
    )
    warranty_months: int = Field(default=24, ge=0, le=240, description="months from the claiming of a socket")
    trusted_proxies: Annotated[Networks, by(read_networks)] = Field(
        default=(), description="networks whose `X-Forwarded-For` is believed, with commas between"
    )
    sms_countries: Annotated[tuple[str, ...], by(read_countries)] = Field(
        default=tuple(sorted(SERVED)),
        description="countries whose telephone numbers get texts and calls, with commas between; each more is one more "
        "from which somebody may earn by having codes sent",
    )
    requests_per_hour_address: int = Field(
        default=72_000,
        ge=0,
        le=_MOST_REQUESTS,
        description="so many requests an hour one network address may make of each portal process, all at once if need "
        "be; 0: no limit. This machine itself has none",
    )
    requests_per_hour_account: int = Field(
        default=36_000, ge=0, le=_MOST_REQUESTS, description="the same for one account; 0: no limit"
    )
    requests_per_hour_token: int = Field(
        default=18_000, ge=0, le=_MOST_REQUESTS, description="the same for one personal API token; 0: no limit"
    )
    streams_per_account: int = Field(
        default=20, ge=1, le=1000, description="listeners to `GET /events` at once of one account, in each process"
    )
    security_contact: Annotated[str, by(read_contact)] = Field(
        default="mailto:security@localhost",
        description="where to report a security hole (`mailto:`, `https:` or `tel:`), for `security.txt`, and where "
        "push services find who sends",
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], by(str.upper)] = Field(
        default="INFO", description="how much is logged, to standard error"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: Any, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        return readable(name, cls.model_fields[name], value)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (why := disagreement(self)) is not None:
            raise ValueError(why)
        return self

    @property
    def store_file(self) -> Path:
        """Return the path of the SQLite file."""
        return self.store or self.data_dir / "isocket.sqlite"

    @property
    def origin(self) -> str:
        """Return the public address, without a slash at its end."""
        return self.public_url or f"http://{self.http}"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process, from `environ` (the process's own by default) and its files.

    Raises:
        SettingsError: each wrong or unknown setting, a line each, with what to do.
    """
    given, faults = gather(os.environ if environ is None else environ, known=tuple(Settings.model_fields))  # noqa: TID251 - the one place
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # What does not fit together is said only of settings that could all be read.
        raise SettingsError([*faults, *(_explained(each) for each in found if each["loc"] or not faults)]) from None
    if faults:
        raise SettingsError(faults)
    return settings


def _explained(fault: Any) -> str:
    if not fault["loc"]:
        return str(fault["ctx"]["error"])
    name = str(fault["loc"][0])
    return f"{PREFIX}{name.upper()}: {said(fault, Settings.model_fields[name])}"
