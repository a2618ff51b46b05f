"""The outside heartbeat: a dead man's switch of somebody else, which calls the operator when we stop asking it."""

import aiohttp

from isocket.kit.logs import get_logger

log = get_logger(__name__)

TIMEOUT_S = 10.0
_REDIRECTS_FROM = 300  # somebody else answers: that it was heard is not said


class Heartbeat:
    """Asks one address. Its path is a secret and is never logged; who loses a ping waits for the next."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url

    async def ping(self) -> bool:
        """Say that we live; return whether that was heard, False too where there is nobody to tell."""
        if self._url is None:
            return False
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
                session.get(self._url, allow_redirects=False) as answer,
            ):
                heard = answer.status < _REDIRECTS_FROM
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is one
            log.warning("heartbeat_not_heard", error=type(error).__name__)
            return False
        if not heard:
            log.warning("heartbeat_not_heard", status=answer.status)
        return heard
