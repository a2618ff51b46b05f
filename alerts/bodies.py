"""What is read of a request before anybody knows who sent it: not much, and not for long."""

import asyncio

from aiohttp import web

BODY_TIMEOUT_S = 10.0


async def read_body(request: web.Request, *, most: int) -> bytes:
    """Return the body; raise the answer for one of more than `most` bytes, or that does not arrive in time."""
    body = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > most:
                    raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(body))
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return body
