"""The client's address is what the network says, except behind a proxy of ours."""

import ipaddress

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from portal_api.client_address import client_of, family_of

PROXIES = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8"))


class _Peer:
    def __init__(self, address: str) -> None:
        self._address = address

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._address, 4711) if name == "peername" else default


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6", "198.51.100.1, 10.0.0.9"], "198.51.100.1"),
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("::ffff:192.0.2.7", [], "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("", [], "unknown"),
    ],
)
def test_the_client_is_the_last_hop_that_we_do_not_trust(peer: str, forwarded: list[str], client: str) -> None:
    request = _request(peer, forwarded)
    assert client_of(request, PROXIES) == client


def test_without_trusted_proxies_nobody_can_say_to_be_another() -> None:
    assert client_of(_request("127.0.0.1", ["198.51.100.1"])) == "127.0.0.1"


@pytest.mark.parametrize(("peer", "family"), [("192.0.2.7", "ipv4"), ("2001:db8::1", "ipv6"), ("", "other")])
def test_the_log_learns_the_family_alone(peer: str, family: str) -> None:
    assert family_of(_request(peer, [])) == family


def _request(peer: str, forwarded: list[str]) -> web.Request:
    headers = CIMultiDict([("X-Forwarded-For", each) for each in forwarded])
    return make_mocked_request("GET", "/", headers=headers, transport=_Peer(peer))
