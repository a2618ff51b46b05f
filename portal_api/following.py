"""What it takes to follow a customer's wish: a portal has it, and so has a command for somebody who asks by letter."""

from typing import Protocol

from isocket.domain.policies import Policy
from portal_api.forgetting import Parts


class Published(Protocol):
    """Who knows where the pages are, and which versions of the policy there are."""

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Every published version, the oldest first."""
        ...

    def link(self, path: str) -> str:
        """Return the public address of a path."""
        ...


class Following(Parts, Protocol):
    """Who follows a customer's wish."""

    @property
    def settings(self) -> Published:
        """What a letter and a line of the ledger of consents refer to."""
        ...
