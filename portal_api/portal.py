"""What every handler of the portal works with, and the settings of the portal."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from aiohttp import web
from prometheus_client import CollectorRegistry

from isocket.domain.archives import ArchiveTerms
from isocket.domain.contacts import ChannelKind
from isocket.domain.countries import SERVED
from isocket.domain.policies import Policy, policies
from isocket.domain.processing import Controller, Office
from isocket.domain.tariff import Tariff
from isocket.kit.clock import Clock
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records
from isocket.storage.shelf import Shelf
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups
from portal_api.client_address import Network
from portal_api.limits import Limits, Rates
from portal_api.pace import Pace
from portal_api.passwords import Passwords
from portal_api.tickets import Tickets
from portal_api.turns import Turns

NoteErasure = Callable[[str, str, datetime], Awaitable[None]]
"""Notes the id of a receipt, whose tombstone, and when, so that a restored backup brings nobody back."""

CopyHeld = Callable[[str], Awaitable[object]]
"""Copies what holds name of an account, before its holder takes something away between two copies."""


EVENLY_S = 0.05
"""In earnest: several times what the look and its few commits take, and little beside hashing a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeBroker:
    """Where a customer's own programs reach the broker, as they have to type it."""

    host: str
    port: int
    tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalSettings:
    """How this portal runs. `public_url` is the origin of every link and the only one that browsers may post from.

    `channels` are the kinds by which a message really reaches somebody here, `countries` (ISO 3166) those whose
    telephone numbers get messages. `providers` are the names of those that carry each kind; where nothing is said of a
    kind, those of which something was noted.
    """

    public_url: str
    rates: Rates = field(default_factory=Rates)
    trusted_proxies: tuple[Network, ...] = ()
    security_contact: str = "mailto:security@localhost"
    channels: frozenset[ChannelKind] = frozenset({ChannelKind.SMS, ChannelKind.EMAIL})
    providers: Mapping[ChannelKind, tuple[str, ...]] = field(default_factory=dict)
    countries: frozenset[str] = SERVED
    push_key: str = ""  # to which browsers subscribe; empty where there are no push messages
    loopback_targets: bool = False  # whether customers may name addresses of this machine
    tariff: Tariff = field(default_factory=Tariff)
    controller: Controller = field(
        default_factory=lambda: Controller(name="whoever runs this iSocket Cloud", contact="mailto:privacy@localhost")
    )
    office: Office = field(default_factory=Office)
    policies: tuple[Policy, ...] = field(default_factory=policies)  # every published version, the oldest first
    erasure_grace_s: float = 14 * 86_400
    archive: ArchiveTerms = field(default_factory=ArchiveTerms)
    access_s: float = 3600
    refresh_idle_s: float = 90 * 86_400
    cookie_idle_s: float = 24 * 3600
    cookie_absolute_s: float = 30 * 86_400
    activation_s: float = 72 * 3600
    reset_s: float = 30 * 60
    evenly_s: float = 0.0  # how long it takes to look whether somebody is known, see `evenly`; 0: as long as it takes
    step_up_s: float = 10 * 60  # so long after proving who one is, dangerous things may be done
    home_broker: HomeBroker | None = None  # None: customers get no logins at the broker, which is somebody else's
    streams_per_account: int = 20  # listeners to events at once, in each process
    streams: int = 5000

    @property
    def origin(self) -> str:
        """Return scheme and host of the public address, as browsers write it in `Origin`."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """Return the name of the public address alone: passkeys are made for it."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def https(self) -> bool:
        """Return whether browsers come by HTTPS."""
        return urlsplit(self.public_url).scheme == "https"

    def link(self, path: str) -> str:
        """Return the public address of `path` (which begins with a slash)."""
        return self.public_url.rstrip("/") + path


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """The portal's parts."""

    records: Records
    telemetry: Telemetry
    clock: Clock
    wakeups: Wakeups
    passwords: Passwords
    limits: Limits
    pace: Pace
    settings: PortalSettings
    registry: CollectorRegistry
    ready: Callable[[], Awaitable[bool]] | None  # whether our bridge is connected; None where it is another process
    keyring: Keyring
    shelf: Shelf
    note_erasure: NoteErasure  # writes into the ledger that is read before any port opens
    copy_held: CopyHeld
    turns: Turns = field(default_factory=Turns)
    tickets: Tickets = field(default_factory=Tickets)


PORTAL = web.AppKey("portal", Portal)
