"""The failures that a person at the command line can do something about; each message says what."""

from broker_bridge.mosquitto.life import BrokerStartError
from firmware_sim.network import AddressError
from isocket.app.data_folder import DataFolderError
from isocket.app.demo_customer import DemoError
from isocket.app.http_server import PortalStartError
from isocket.domain.holds import UncopiedError
from isocket.domain.policies import PolicyBrokenError
from isocket.storage.master_key import MasterKeyError
from isocket.storage.port import StoreUnavailableError
from portal_api.invitations import InvitationError
from privacy.choice_ledger import ChoicesBrokenError
from privacy.ledger import LedgerBrokenError
from privacy.scan import SearchBrokenError

EXPECTED: tuple[type[Exception], ...] = (
    AddressError,
    BrokerStartError,
    ChoicesBrokenError,
    DataFolderError,
    DemoError,
    InvitationError,
    LedgerBrokenError,
    MasterKeyError,
    PolicyBrokenError,
    PortalStartError,
    SearchBrokenError,
    StoreUnavailableError,
    UncopiedError,
)
