"""The roles of the cloud, each built from plain parts: what runs in this process, and in which order."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from typing import Any

from aiohttp import web

from alerts import elks_hooks
from alerts.callbacks import routes as callback_routes
from alerts.metrics import AlertMetrics
from alerts.service import workers
from alerts.signatures import TwilioSignature
from broker_bridge.bridge import Bridge
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.mosquitto.process import MosquittoChild
from broker_bridge.succession import Succession
from isocket.app.awaited import Awaited
from isocket.app.channels import Channels, elks_proof
from isocket.app.data_folder import DataFolderError
from isocket.app.device_accounts import DeviceAccounts
from isocket.app.erasures import (
    archivist_of,
    choices_of,
    eraser_of,
    exporter_of,
    hold_keeper_of,
    noter_of,
    shelf_of,
)
from isocket.app.homes import Homes
from isocket.app.house import House
from isocket.app.http_server import HttpServer
from isocket.app.push_key import open_push_key, public_text
from isocket.app.refusals import RefusalCollector
from isocket.app.room_settings import broker_config, oversight, portal_routes, portal_settings, sending
from isocket.app.settings_sources import SettingsError
from isocket.app.standby import Standby
from isocket.app.supervise import Service, Stage
from isocket.app.terms import controller_of, office_of
from isocket.domain.accounts import Account
from isocket.domain.policies import policies
from isocket.storage.roller import Roller
from isocket.storage.worker import Worker
from portal_api.app import portal_app
from portal_api.numbering import LOOK_EVERY_S, Numbering
from portal_api.passwords import Passwords, load_or_create_pepper
from privacy.authority_clerk import AuthorityClerk
from privacy.breach_watch import BreachWatch
from privacy.choices import ChoiceKeeper
from privacy.policy_notices import PolicyNotices
from privacy.requests import RequestWatch
from privacy.retention import Retention
from privacy.statistics import Statistician

CONNECT_PATIENCE_S = 5.0


class Role(StrEnum):
    """What one process can do."""

    BROKER = "broker"
    BRIDGE = "bridge"
    ALERTS = "alerts"
    PRIVACY = "privacy"
    PORTAL = "portal"


EVERY_ROLE = tuple(Role)


class Roles:
    """Builds the stages for some roles in one house. The broker is ours only where no other is named."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._child: MosquittoChild | None = None
        self._homes: Homes | None = None
        self._bridge: Bridge | None = None

    async def stages(self, wanted: tuple[Role, ...]) -> list[Stage]:
        """Return the stages in the order in which they begin.

        Raises:
            SettingsError: a role needs a setting that is not given.
        """
        makers: dict[Role, Callable[[], Awaitable[Stage]]] = {
            Role.BROKER: self._broker_stage,
            Role.BRIDGE: self._bridge_stage,
            Role.ALERTS: self._alerts_stage,
            Role.PRIVACY: self._privacy_stage,
            Role.PORTAL: self._portal_stage,
        }
        own_broker = self._house.settings.broker_url is None
        return [await makers[role]() for role in Role if role in wanted and (role is not Role.BROKER or own_broker)]

    async def _broker_stage(self) -> Stage:
        house = self._house
        config = broker_config(house.settings)
        child = MosquittoChild(config=config, folder=house.folder.broker, clock=house.clock)
        awaited = Awaited(telemetry=house.telemetry, clock=house.clock, days=config.session_expiry_days)
        child.awaited_of = awaited.among
        accounts = DeviceAccounts(records=house.records, clock=house.clock, set_accounts=child.set_accounts)
        homes = Homes(house, child)
        house.registry.register(RefusalCollector(child))
        self._child, self._homes = child, homes

        async def start() -> None:
            await accounts.load()
            await homes.accounts.load()
            await child.start()

        return Stage(
            name="broker",
            services=(
                Service(name="mosquitto", start=start, run=child.run),
                Service(name="device-accounts", run=accounts.run),
                Service(name="home-accounts", run=homes.accounts.run),
            ),
        )

    async def _bridge_stage(self) -> Stage:
        house = self._house
        address, telemetry_login, alarm_login = self.broker_logins()
        bridge = self._bridge = Bridge(
            records=house.records,
            telemetry=house.telemetry,
            clock=house.clock,
            wakeups=house.wakeups,
            right_of_way=house.right_of_way,
            registry=house.registry,
            address=address,
            telemetry_login=telemetry_login,
            alarm_login=alarm_login,
        )

        roller = Roller(telemetry=house.telemetry, clock=house.clock, right_of_way=house.right_of_way)
        succession = Succession(house.records, address.answers)
        standby = Standby(lock=house.folder.path / "bridge.lock", clock=house.clock, is_vacant=succession.is_open)

        async def connected(stop: asyncio.Event) -> None:
            """Wait for our own broker, so that the portal opens ready; another's may come when it comes."""
            began = house.clock.now()
            while not bridge.connected and (house.clock.now() - began).total_seconds() < CONNECT_PATIENCE_S:
                if await house.clock.wait(stop, 0.01):
                    return

        return Stage(
            name="bridge",
            services=(
                Service(name="bridge", run=lambda stop: standby.run(bridge.run, stop)),
                Service(name="roller", run=roller.run),
                *(self._homes.services(address) if self._homes is not None else ()),
            ),
            ready=connected if self._child is not None else None,
        )

    def broker_logins(self) -> tuple[BrokerAddress, Login, Login]:
        url = self._house.settings.broker_url
        if self._child is not None:
            config, (telemetry, alarms) = self._child.config, self._child.bridge_logins
            own = BrokerAddress(host=_reachable(config.host), port=config.port, tls=False, username=None, password=None)
            return (
                own,
                Login(username=telemetry.name, password=telemetry.secret, client_id=telemetry.name),
                Login(username=alarms.name, password=alarms.secret, client_id=alarms.name),
            )
        if url is None:
            raise SettingsError(["ISOCKET_BROKER_URL is missing: only `isocket up` starts a broker of its own."])
        address = BrokerAddress.parse(url.get_secret_value())
        user, secret = address.username, address.password
        name = user or "isocket-bridge"  # the broker's sessions need one, also where it asks for no login
        return (
            address,
            Login(username=user, password=secret, client_id=f"{name}-telemetry"),
            Login(username=user, password=secret, client_id=f"{name}-alarms"),
        )

    async def _alerts_stage(self) -> Stage:
        house = self._house
        push_key = await open_push_key(house.folder, house.records)
        channels = Channels.from_settings(house.settings, records=house.records, clock=house.clock, push_key=push_key)
        made = workers(
            records=house.records,
            telemetry=house.telemetry,
            clock=house.clock,
            wakeups=house.wakeups,
            right_of_way=house.right_of_way,
            channels=channels.in_order,
            public_url=house.settings.origin,
            owner=house.owner,
            sender=controller_of(house.settings).signature,
            oversight=oversight(house.settings, AlertMetrics(house.registry)),
            sending=sending(house.settings),
        )
        return Stage(
            name="alerts",
            services=(
                *(Service(name=each.name, run=each.run) for each in made),
                Service(name="channels", run=channels.run),
            ),
        )

    async def _privacy_stage(self) -> Stage:
        house, settings = self._house, self._house.settings
        records, clock, keyring = house.records, house.clock, house.keyring
        choices = ChoiceKeeper(records=records, ledger=choices_of(house), clock=clock, keyring=keyring)
        requests = RequestWatch(
            records=records,
            clock=clock,
            keyring=keyring,
            office=office_of(settings),
            public_url=settings.origin,
            operator_email=settings.operator_email,
        )
        statistics = Statistician(records=records, clock=clock)
        clerk = AuthorityClerk(records=records, telemetry=house.telemetry, clock=clock)
        policy = PolicyNotices(records=records, clock=clock, public_url=settings.origin, versions=policies())
        return Stage(
            name="privacy",
            services=(
                Service(name="retention", run=retention_of(house).run),
                Service(name="erasing", run=eraser_of(house).run),
                Service(name="exporting", run=exporter_of(house).run),
                Service(name="archiving", run=archivist_of(house).run),
                Service(name="choices", run=choices.run),
                Service(name="requests", run=requests.run),
                Service(name="breaches", run=breach_watch_of(house).run),
                Service(name="holds", run=hold_keeper_of(house, house.registry).run),
                Service(name="cases", run=clerk.run),
                Service(name="policy", run=policy.run),
                Service(name="statistics", run=statistics.run),
            ),
        )

    async def _portal_stage(self) -> Stage:
        house, settings = self._house, self._house.settings
        await self._demand_pepper()
        push_key = await open_push_key(house.folder, house.records)
        pepper = await asyncio.to_thread(load_or_create_pepper, house.folder.pepper)
        passwords = await asyncio.to_thread(Passwords, pepper=pepper, cost=settings.bcrypt_cost)
        app = portal_app(
            records=house.records,
            telemetry=house.telemetry,
            clock=house.clock,
            wakeups=house.wakeups,
            passwords=passwords,
            limits_key=pepper,
            settings=portal_settings(settings, push_key=push_key),
            registry=house.registry,
            routes=portal_routes(settings),
            extra_routes=self._callbacks(public_text(push_key)),
            keyring=house.keyring,
            shelf=shelf_of(house),
            note_erasure=noter_of(house),
            copy_held=hold_keeper_of(house).preserve,
            ready=None if self._bridge is None else self._bridge_is_connected,
        )
        server = HttpServer(app, address=settings.http, close=passwords.close)
        numbering = Worker(
            "numbering",
            Numbering(house.records).step,
            bell=house.wakeups.bell(),
            clock=house.clock,
            idle_s=LOOK_EVERY_S,
        )
        return Stage(
            name="portal",
            services=(
                Service(name="portal", start=server.start, run=server.run),
                Service(name=numbering.name, run=numbering.run),
            ),
        )

    async def _demand_pepper(self) -> None:
        """Refuse to make a new pepper where passwords were hashed with an old one: they would all be wrong."""
        missing = not await asyncio.to_thread(self._house.folder.pepper.exists)
        if missing and await self._house.records.count(Account):
            raise DataFolderError(
                f"{self._house.folder.pepper} is missing, and nobody could sign in without it. "
                "Restore it from its backup."
            )

    def _callbacks(self, push_key: str) -> list[web.RouteDef]:
        house, settings = self._house, self._house.settings
        given = (settings.twilio_auth_token, settings.twilio_auth_token_previous)
        tokens = [token.get_secret_value() for token in given if token is not None]
        signature = TwilioSignature(auth_tokens=tokens, public_url=settings.origin) if tokens else None
        common: dict[str, Any] = {"records": house.records, "clock": house.clock, "public_url": settings.origin}
        return [
            *callback_routes(
                **common,
                signature=signature,
                push_key=push_key,
                loopback=settings.webhook_targets == "loopback",
            ),
            *elks_hooks.routes(**common, proof=elks_proof(settings)),
        ]

    async def _bridge_is_connected(self) -> bool:
        return self._bridge is not None and self._bridge.connected


def retention_of(house: House) -> Retention:
    """Return what sweeps this house."""
    keeper = hold_keeper_of(house)
    return Retention(
        records=house.records,
        clock=house.clock,
        telemetry=house.telemetry,
        reports_life=timedelta(days=house.settings.reports_days),
        keyring=house.keyring,
        before=keeper.copy_all,
        foresee=keeper.would_spare,
    )


def breach_watch_of(house: House) -> BreachWatch:
    """Return what watches over the breaches of this house."""
    return BreachWatch(
        records=house.records,
        clock=house.clock,
        controller=controller_of(house.settings),
        public_url=house.settings.origin,
        operator_email=house.settings.operator_email,
    )


def _reachable(host: str) -> str:
    """Return where we reach a broker of ours that listens on `host`: one on every address is on loopback too."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not listened on
