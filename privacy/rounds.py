"""What the services of this package make of a round that goes wrong: they log it, and look again the next time."""

from collections.abc import Iterator
from contextlib import contextmanager

from structlog.typing import FilteringBoundLogger

from isocket.storage.port import StoreUnavailableError


@contextmanager
def survived(
    log: FilteringBoundLogger, *, waits: str, broken_off: str, but: type[Exception] | tuple[()] = ()
) -> Iterator[None]:
    """Log what goes wrong within as `waits` where a store does not answer, else as `broken_off`: it ends nothing.

    Only `but` is raised.
    """
    try:
        yield
    except but:
        raise
    except StoreUnavailableError as error:
        log.warning(waits, error=type(error).__name__)
    except Exception as error:
        log.exception(broken_off, error=type(error).__name__)
