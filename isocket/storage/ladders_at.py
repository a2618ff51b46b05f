"""Which ladders are read for a socket: its own and its account's, not those of thousands of others."""

from collections.abc import Iterable

from isocket.storage.port import Test, is_, one_of


def ladders_at(account_id: str, device_ids: Iterable[str]) -> list[Test]:
    """Return what fits the account's general ladder and the ladders of these sockets."""
    return [is_("account_id", account_id), one_of("device_id", (None, *device_ids))]
