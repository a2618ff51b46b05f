"""Asks what is outside the process whether it is there and takes us: broker, providers, our own address."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp
from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException

from alerts.channels.elks_sms import API as ELKS_API
from alerts.channels.mail_text import parse_sender
from alerts.channels.smtp import parse_smtp_url
from alerts.elks_hooks import inbound_address
from alerts.signatures import AddressProof
from broker_bridge.broker_address import BrokerAddress
from broker_bridge.mosquitto.accounts import BridgeLogin
from broker_bridge.mosquitto.life import mosquitto_here
from broker_bridge.mosquitto.login import LoginAnswer, log_in_once
from isocket.app.addresses import HostPort
from isocket.app.channels import providers_of
from isocket.app.room_settings import broker_config
from isocket.app.settings import Settings
from isocket.app.settings_sources import SettingsError
from isocket.domain.contacts import ChannelKind
from isocket.domain.processing import leaves_the_eea
from isocket.kit.loopback import is_loopback
from portal_api.health import ALIVE

TIMEOUT_S = 5.0
TWILIO_API = "https://api.twilio.com"
_OK, _UNAUTHORISED = 200, 401


class Health(StrEnum):
    """What is thought of a part. A note is no fault, but worth knowing."""

    GOOD = "good"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    part: str
    health: Health
    says: str


async def portal(settings: Settings) -> Finding:
    """Look whether the portal's port is free or already ours."""
    if await _portal_runs(settings):
        return Finding("portal", Health.GOOD, f"runs at http://{settings.http}")
    if await _listens(settings.http):
        words = f"what listens at {settings.http} is no portal: stop it, or set ISOCKET_HTTP to another address"
        return Finding("portal", Health.WRONG, words)
    return Finding("portal", Health.GOOD, f"does not run; it will listen at http://{settings.http}")


async def own_broker(settings: Settings) -> Finding:
    """Look whether Mosquitto is installed and has what it needs, and whether its port is free or already ours."""
    try:
        broker_config(settings)
    except SettingsError as error:
        return Finding("broker", Health.WRONG, " ".join(error.faults))
    answers = await _listens(settings.mqtt)
    if answers and await _portal_runs(settings):
        return Finding("broker", Health.GOOD, f"runs at mqtt://{settings.mqtt}")
    if answers:
        return Finding(
            "broker",
            Health.WRONG,
            f"another program listens at {settings.mqtt}: stop it, set ISOCKET_MQTT to another port, "
            "or set ISOCKET_BROKER_URL to use it",
        )
    if mosquitto_here() is None:
        return Finding("broker", Health.WRONG, "Mosquitto is not installed. Type: sudo apt-get install mosquitto")
    return Finding("broker", Health.GOOD, f"does not run; `isocket up` will start it at mqtt://{settings.mqtt}")


async def broker_of_others(settings: Settings) -> Finding:
    """Log in as the bridge would; over TLS, look whether the certificate is good."""
    address = BrokerAddress.parse(settings.broker_url.get_secret_value() if settings.broker_url else "")
    where = f"{address.host}:{address.port}"
    try:
        if address.tls:
            await _handshake(address)
            return Finding("broker", Health.GOOD, f"{where} answers and its certificate is good; no login was tried")
        login = BridgeLogin(name=address.username, secret=address.password or "") if address.username else None
        answer = await log_in_once(address.host, address.port, login)
    except (OSError, ValueError) as error:
        return Finding("broker", Health.WRONG, f"{where} does not answer ({_short(error)}): see ISOCKET_BROKER_URL")
    if answer is not LoginAnswer.ACCEPTED:
        return Finding("broker", Health.WRONG, f"{where} refuses the login in ISOCKET_BROKER_URL")
    if login is None:
        return Finding("broker", Health.NOTE, f"{where} lets in anybody, who may then speak as any socket")
    return Finding("broker", Health.GOOD, f"{where} takes our login")


async def twilio(settings: Settings) -> Finding:
    """Ask Twilio for our own account, which costs nothing."""
    if settings.twilio_account_sid is None or settings.twilio_auth_token is None:
        return Finding(
            "SMS",
            Health.NOTE,
            "no account at Twilio: texts go by 46elks or to the desk, calls to the desk (ISOCKET_TWILIO_ACCOUNT_SID)",
        )
    url = f"{settings.twilio_base_url or TWILIO_API}/2010-04-01/Accounts/{settings.twilio_account_sid}.json"
    auth = aiohttp.encode_basic_auth(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value())
    status = await _status_of(url, {"Authorization": auth})
    if isinstance(status, str):
        return Finding("SMS", Health.WRONG, f"Twilio does not answer ({status})")
    if status == _UNAUTHORISED:
        return Finding("SMS", Health.WRONG, "Twilio refuses ISOCKET_TWILIO_ACCOUNT_SID and _AUTH_TOKEN")
    if status != _OK:
        return Finding("SMS", Health.NOTE, f"Twilio answers, but with {status} when asked for the account")
    return Finding("SMS", Health.GOOD, "Twilio takes our login")


async def elks(settings: Settings) -> Finding:
    """Ask 46elks for our own account, and whether the number there hands us replies: codes and STOP come by these."""
    if settings.elks_username is None or settings.elks_password is None:
        return Finding("46elks", Health.NOTE, "no second provider for text messages (ISOCKET_ELKS_USERNAME)")
    auth = aiohttp.encode_basic_auth(settings.elks_username, settings.elks_password.get_secret_value())
    api, headers = f"{settings.elks_base_url or ELKS_API}/a1", {"Authorization": auth}
    status = await _status_of(f"{api}/me", headers)
    if isinstance(status, str):
        return Finding("46elks", Health.WRONG, f"46elks does not answer ({status})")
    if status == _UNAUTHORISED:
        return Finding("46elks", Health.WRONG, "46elks refuses ISOCKET_ELKS_USERNAME and _PASSWORD")
    if status != _OK:
        return Finding("46elks", Health.NOTE, f"46elks answers, but with {status} when asked for the account")
    replies = inbound_address(settings.origin, AddressProof(settings.elks_password.get_secret_value()))
    sms_url = await _sms_url_of(settings.elks_from or "", f"{api}/numbers", headers)
    if sms_url not in (None, replies):
        words = f"replies to {settings.elks_from} do not reach us, neither codes nor STOP: set its sms_url to {replies}"
        return Finding("46elks", Health.WRONG, words)
    said = f"a number's sms_url: {replies}" if sms_url is None else "its number hands us what people reply"
    return Finding("46elks", Health.GOOD, f"46elks takes our login; {said}")


async def smtp(settings: Settings) -> Finding:
    """Reach the mail server, with TLS and login where they are set up, and leave."""
    if settings.smtp_url is None:
        return Finding("e-mail", Health.NOTE, "no mail server: mail goes to the desk (ISOCKET_SMTP_URL)")
    server = parse_smtp_url(settings.smtp_url.get_secret_value())
    sender = parse_sender(settings.mail_from)
    client = SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.tls_from_start,
        start_tls=server.starttls,
        local_hostname=sender.domain,
        timeout=TIMEOUT_S,
    )
    where = f"{server.host}:{server.port}"
    try:
        async with client:
            return Finding("e-mail", Health.GOOD, f"{where} takes us")
    except SMTPAuthenticationError:
        return Finding("e-mail", Health.WRONG, f"{where} refuses user and password of ISOCKET_SMTP_URL")
    except (SMTPException, OSError) as error:
        return Finding("e-mail", Health.WRONG, f"{where} cannot be used ({_short(error)})")


async def public_address(settings: Settings) -> Finding:
    """Look whether links and callbacks can reach us, as far as that can be told from here."""
    origin, parts = settings.origin, urlsplit(settings.origin)
    if is_loopback(parts.hostname or ""):
        if providers_of(settings):
            return Finding(
                "public address", Health.WRONG, f"{origin} works on this machine only: set ISOCKET_PUBLIC_URL"
            )
        return Finding("public address", Health.NOTE, f"{origin} works on this machine only (ISOCKET_PUBLIC_URL)")
    if parts.scheme != "https":
        return Finding("public address", Health.WRONG, f"{origin} is not encrypted: passwords need https")
    if not await _portal_runs(settings):
        return Finding("public address", Health.NOTE, f"{origin} was not asked, since the portal does not run")
    status = await _status_of(f"{origin}/healthz")
    if status != _OK:
        return Finding("public address", Health.WRONG, f"{origin} does not lead to the portal ({status})")
    return Finding("public address", Health.GOOD, f"{origin} leads to the portal")


def operator(settings: Settings) -> Finding:
    """Look whether anybody would hear that the cloud itself is in trouble. Nobody is reached by this."""
    ways = [way for way, given in (("mail", settings.operator_email), ("text", settings.operator_phone)) if given]
    if settings.heartbeat_url is not None:
        ways.append("an outside heartbeat")
    if not ways:
        return Finding("operator", Health.NOTE, "nobody hears of trouble of the cloud itself (ISOCKET_OPERATOR_EMAIL)")
    return Finding("operator", Health.GOOD, f"hears of trouble of the cloud itself by {', '.join(ways)}")


def transfers(settings: Settings) -> Finding:
    """Look whether notices say by what it is covered that a provider in use is outside the EEA (Art. 44 to 46)."""
    used = {
        "SMS and voice": (ChannelKind.SMS, settings.sms_provider_country),
        "mail": (ChannelKind.EMAIL, settings.mail_provider_country),
    }
    providers = providers_of(settings)
    outside = [name for name, (kind, country) in used.items() if kind in providers and leaves_the_eea(country)]
    if outside and not settings.transfer_safeguard:
        says = f"{' and '.join(outside)} leave the EEA, and notices do not say by what that is covered"
        return Finding("transfers", Health.NOTE, f"{says} (ISOCKET_TRANSFER_SAFEGUARD)")
    if outside:
        return Finding(
            "transfers", Health.GOOD, f"{' and '.join(outside)} leave the EEA: {settings.transfer_safeguard}"
        )
    return Finding("transfers", Health.GOOD, "no provider in use is outside the EEA")


async def _portal_runs(settings: Settings) -> bool:
    """Return whether a portal answers where ours listens."""
    try:
        async with _answer(f"http://{settings.http}/healthz") as answer:
            return answer.status == _OK and await answer.json() == ALIVE
    except (aiohttp.ClientError, OSError, ValueError):
        return False


async def _listens(address: HostPort) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(address.host, address.port)
    except OSError:
        return False
    writer.close()
    return True


async def _handshake(address: BrokerAddress) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        _, writer = await asyncio.open_connection(address.host, address.port, ssl=ssl.create_default_context())
    writer.close()


@asynccontextmanager
async def _answer(url: str, headers: dict[str, str] | None = None) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
        session.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        yield answer


async def _status_of(url: str, headers: dict[str, str] | None = None) -> int | str:
    """Return the status of a GET, or in words why there is none."""
    try:
        async with _answer(url, headers) as answer:
            return answer.status
    except (aiohttp.ClientError, OSError) as error:
        return _short(error)


async def _sms_url_of(number: str, url: str, headers: dict[str, str]) -> str | None:
    """Return where 46elks hands what is written to a number; None where it does not say, such as of a name."""
    try:
        async with _answer(url, headers) as answer:
            numbers = (await answer.json())["data"]
            return next((str(each["sms_url"] or "") for each in numbers if each.get("number") == number), None)
    except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # whoever takes our login and answers that otherwise may be right all the same


def _short(error: Exception) -> str:
    """Return the kind of trouble; the text of an error may hold an address with a login."""
    return type(error).__name__
