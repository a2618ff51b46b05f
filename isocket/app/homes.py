"""Puts together what speaks with the home automation of customers, at a broker of our own."""

from urllib.parse import urlsplit

from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.home import HomeBridge
from broker_bridge.home_accounts import HomeAccounts
from broker_bridge.home_listeners import HomeListeners
from broker_bridge.mosquitto.process import MosquittoChild
from isocket.app.house import House
from isocket.app.settings import Settings
from isocket.app.supervise import Service
from portal_api.portal import HomeBroker


class Homes:
    """Who lets homes in, and who speaks with them. Make it on the event loop, before the broker starts."""

    def __init__(self, house: House, child: MosquittoChild) -> None:
        self._house = house
        self._child = child
        self._listeners = HomeListeners()
        self.accounts = HomeAccounts(records=house.records, clock=house.clock, set_homes=child.set_homes)
        child.home_news = self._listeners.note

    def services(self, address: BrokerAddress) -> tuple[Service, ...]:
        """Return who speaks with homes."""
        house, login = self._house, self._child.homes_login
        bridge = HomeBridge(
            records=house.records,
            telemetry=house.telemetry,
            clock=house.clock,
            wakeups=house.wakeups,
            address=address,
            login=Login(username=login.name, password=login.secret, client_id=login.name),
            listeners=self._listeners,
            public_url=house.settings.origin,
        )
        return (Service(name="homes", run=bridge.run),)


def home_broker(settings: Settings) -> HomeBroker | None:
    """Return where customers reach our own broker: at the public address, by TLS where it listens so.

    None where the broker is somebody else's: nobody makes accounts there from here.
    """
    if settings.broker_url is not None:
        return None
    listener = settings.mqtt_tls or settings.mqtt
    host = urlsplit(settings.origin).hostname or listener.host
    return HomeBroker(host=host, port=listener.port, tls=settings.mqtt_tls is not None)
