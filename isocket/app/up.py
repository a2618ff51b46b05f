"""Runs some or all roles in this process until it is told to stop."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from broker_bridge.broker_address import BrokerAddress
from isocket.app.addresses import HostPort
from isocket.app.data_folder import DataFolder
from isocket.app.erasures import replay
from isocket.app.house import House, open_house
from isocket.app.process import settle_in
from isocket.app.roles import EVERY_ROLE, Role, Roles
from isocket.app.settings import Settings
from isocket.app.supervise import Stage, Supervisor, stop_on_signals
from isocket.kit.logs import get_logger

log = get_logger(__name__)

MoreStages = Callable[[House], Awaitable[list[Stage]]]


async def _no_more(_: House) -> list[Stage]:
    return []


async def run_roles(
    settings: Settings,
    roles: tuple[Role, ...],
    *,
    more: MoreStages = _no_more,
    on_ready: Callable[[], None] = lambda: None,
) -> bool:
    """Run these roles, and then the stages that `more` makes, until SIGTERM or SIGINT.

    Return whether nothing failed.

    Raises:
        DataFolderError, MasterKeyError, StoreUnavailableError, SettingsError, BrokerStartError, PortalStartError:
            it cannot start; the message says what to do.
    """

    def ready() -> None:
        log.info("ready", roles=[role.value for role in roles], **_places(settings, roles))
        settle_in()
        on_ready()

    async with stop_on_signals() as stop, _house(settings, alone=roles == EVERY_ROLE) as house:
        await replay(house)
        stages = [*await Roles(house).stages(roles), *await more(house)]
        orderly = await Supervisor(stages).run(stop, on_ready=ready)
    log.info("stopped", orderly=orderly)
    return orderly


def _places(settings: Settings, roles: tuple[Role, ...]) -> dict[str, str]:
    """Return where the portal listens, and which broker is spoken to, as far as these roles do either."""
    places = {"portal": str(settings.http)} if Role.PORTAL in roles else {}
    if Role.BRIDGE in roles:
        places["broker"] = str(settings.mqtt)
        if settings.broker_url is not None:
            address = BrokerAddress.parse(settings.broker_url.get_secret_value())
            places["broker"] = str(HostPort(host=address.host, port=address.port))
    return places


@asynccontextmanager
async def _house(settings: Settings, *, alone: bool) -> AsyncIterator[House]:
    """Open the house; `alone` keeps a second whole cloud out of the same data folder."""
    async with AsyncExitStack() as opened:
        if alone:
            folder = DataFolder(settings.data_dir)
            folder.check_keys(settings.store_file)  # before a mistyped folder is made
            folder.prepare()
            opened.enter_context(folder.held())
        yield await opened.enter_async_context(open_house(settings, may_be_new=True))
