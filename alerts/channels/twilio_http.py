"""What the Twilio SDK takes for its HTTP client.

The SDK's own asynchronous client waits without limit, repeats POSTs when told to retry, and logs phone
numbers.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

import aiohttp
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]  # twilio ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # twilio ships no types

from alerts.channels.provider_http import HttpRequest, NothingSentError, ProviderHttp


class TwilioExchange(AsyncHttpClient):  # type: ignore[misc]  # twilio ships no types
    """Made anew for each call, so that what it notes is of that call.

    After the call: `began_to_leave`, and `http_status` (0 without an answer) and `retry_after_s` of the last
    answer.
    """

    def __init__(self, http: ProviderHttp) -> None:
        """Use `http`, which outlives this."""
        self.is_async = True
        self.began_to_leave = False
        self.http_status = 0
        self.retry_after_s: float | None = None
        self._http = http

    async def request(  # noqa: PLR0917 - the SDK's signature
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the SDK's signature; our own limits hold
        allow_redirects: bool = False,  # the SDK's signature; we never follow
    ) -> Response:
        """Make the SDK's request; see ProviderHttp.carry for what it raises."""
        del timeout, allow_redirects
        all_headers = dict(headers or {})
        if auth is not None:
            all_headers["Authorization"] = aiohttp.encode_basic_auth(*auth)
        url = f"{uri}?{urlencode(params, doseq=True)}" if params else uri
        body = urlencode(data, doseq=True).encode() if data else None
        request = HttpRequest(method=method.upper(), url=url, body=body, headers=all_headers)
        self.began_to_leave = True  # whatever breaks, unless we are told that it did not
        try:
            answer = await self._http.carry(request)
        except NothingSentError:
            self.began_to_leave = False
            raise
        self.http_status, self.retry_after_s = answer.status, answer.retry_after_s
        return Response(answer.status, answer.text, answer.headers)
