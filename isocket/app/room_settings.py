"""What each room is told of the settings, in its own words."""

from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from alerts.fleet import Thresholds
from alerts.heartbeat import Heartbeat
from alerts.metrics import AlertMetrics
from alerts.next_ways import Patience
from alerts.operator import Operator
from alerts.oversight import Oversight
from alerts.service import Sending
from broker_bridge.mosquitto.config import BrokerConfig, TlsListener
from isocket.app.channels import ends_on_the_desk, kinds_that_arrive, providers_of
from isocket.app.erasures import archive_terms
from isocket.app.homes import home_broker
from isocket.app.push_key import public_text
from isocket.app.settings import Settings
from isocket.app.settings_sources import SettingsError
from isocket.app.terms import controller_of, office_of, tariff_of
from isocket.domain.contacts import ChannelKind
from isocket.kit.unreadable import unreadable
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.limits import Rates
from portal_api.pages_routes import page_routes
from portal_api.portal import EVENLY_S, PortalSettings
from portal_api.routes import AnyRoute


def broker_config(settings: Settings) -> BrokerConfig:
    """Return where a broker of our own listens.

    Raises:
        SettingsError: what it needs for TLS cannot be read.
    """
    tls = None
    if settings.mqtt_tls and settings.mqtt_tls_certificate and settings.mqtt_tls_key:
        _check_files(
            ISOCKET_MQTT_TLS_CERTIFICATE=settings.mqtt_tls_certificate, ISOCKET_MQTT_TLS_KEY=settings.mqtt_tls_key
        )
        tls = TlsListener(
            host=settings.mqtt_tls.host,
            port=settings.mqtt_tls.port,
            certfile=settings.mqtt_tls_certificate.absolute(),
            keyfile=settings.mqtt_tls_key.absolute(),
        )
    return BrokerConfig(host=settings.mqtt.host, port=settings.mqtt.port, tls=tls)


def _check_files(**named: Path) -> None:
    faults = []
    for name, path in named.items():
        try:
            path.open("rb").close()
        except OSError as error:
            faults.append(f"{name}: {path} cannot be read: {unreadable(error)}.")
    if faults:
        raise SettingsError(faults)


def sending(settings: Settings) -> Sending:
    """Return how fast, at what price and with how much patience alarms are sent."""
    return Sending(
        per_s={
            ChannelKind.SMS: settings.sms_per_s,
            ChannelKind.VOICE: settings.calls_per_s,
            ChannelKind.EMAIL: settings.mails_per_s,
        },
        tariff=tariff_of(settings),
        patience=Patience(receipt_wait_s=settings.receipt_wait_s),
    )


def oversight(settings: Settings, metrics: AlertMetrics) -> Oversight:
    """Return who watches over the alarm service, and by what."""
    return Oversight(
        operator=Operator(email=settings.operator_email, phone=settings.operator_phone),
        limits=Thresholds(
            least=settings.outage_least,
            share_pct=settings.outage_share_pct,
            within_s=settings.outage_within_s,
            hold_s=settings.outage_hold_s,
            power_share_pct=settings.power_cut_share_pct,
            power_within_s=settings.power_cut_within_s,
        ),
        metrics=metrics,
        heartbeat=Heartbeat(None if settings.heartbeat_url is None else settings.heartbeat_url.get_secret_value()),
    )


def portal_settings(settings: Settings, *, push_key: EllipticCurvePrivateKey | None = None) -> PortalSettings:
    """Return what the portal needs of the settings; without `push_key` no browser can subscribe."""
    return PortalSettings(
        public_url=settings.origin,
        trusted_proxies=settings.trusted_proxies,
        security_contact=settings.security_contact,
        channels=kinds_that_arrive(settings),
        providers=providers_of(settings),
        tariff=tariff_of(settings),
        controller=controller_of(settings),
        office=office_of(settings),
        rates=_rates(settings),
        erasure_grace_s=settings.erasure_grace_days * 86_400.0,
        evenly_s=EVENLY_S,
        archive=archive_terms(settings),
        countries=frozenset(settings.sms_countries),
        push_key="" if push_key is None else public_text(push_key),
        loopback_targets=settings.webhook_targets == "loopback",
        home_broker=home_broker(settings),
        streams_per_account=settings.streams_per_account,
    )


def portal_routes(settings: Settings) -> tuple[AnyRoute, ...]:
    """Return API and pages; the desk too where messages end there and only this machine can open it."""
    return (*ROUTES, *DEVICE_ROUTES, *page_routes(desk=ends_on_the_desk(settings)))


def _rates(settings: Settings) -> Rates:
    usual, hour_s = Rates(), 3600.0
    return replace(
        usual,
        requests_address=replace(usual.requests_address, tries=settings.requests_per_hour_address, per_s=hour_s),
        requests_account=replace(usual.requests_account, tries=settings.requests_per_hour_account, per_s=hour_s),
        requests_token=replace(usual.requests_token, tries=settings.requests_per_hour_token, per_s=hour_s),
    )
