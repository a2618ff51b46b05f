"""Which addresses customers may have us call: the internet, and never a network of our own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocket.domain.outside import TargetError, check_target, is_outside

OUTSIDE = ["8.8.8.8", "203.0.114.7", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
INSIDE = [
    "10.1.2.3", "172.16.0.1", "192.168.1.1",  # private
    "127.0.0.1", "127.8.8.8", "::1",  # this machine
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00:ec2::254",  # link-local; where clouds keep their keys
    "100.64.0.1",  # between a provider and its customers (RFC 6598)
    "0.0.0.0", "::", "255.255.255.255", "240.0.0.1",  # noqa: S104 - an address to refuse, not to listen on
    "224.0.1.1", "239.1.1.1", "ff02::1",  # multicast
    "192.0.2.1", "198.51.100.1", "198.18.0.1", "2001:db8::1", "3fff::1",  # documentation and benchmarks
    "fc00::1", "fec0::1", "5f00::1", "100::1",
    "::ffff:10.1.2.3", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::10.1.2.3",  # IPv4 inside IPv6
    "64:ff9b::a01:203", "64:ff9b::7f00:1", "64:ff9b:1::a01:203",  # translated
    "2002:a01:203::1", "2002:808:808::1", "2001:0:a01:203::1",  # tunnels
    "", "localhost", "2130706433", "0x7f.1", "8.8.8", "1.2.3.4.5",  # no addresses
]  # fmt: skip


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_outside(address: str) -> None:
    assert is_outside(address)


@pytest.mark.parametrize("address", INSIDE)
def test_any_other_address_is_not(address: str) -> None:
    assert not is_outside(address)


@given(st.ip_addresses(v=4).filter(lambda address: address.is_private))
def test_no_private_address_becomes_public_by_another_spelling(address: object) -> None:
    assert not is_outside(str(address))
    assert not is_outside(f"::ffff:{address}")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/alarm",
        "https://hooks.example.org:8443/a?b=c",
        "https://hooks.example.org:443/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:8443/x",
        "https://hooks.example.org./alarm",
    ],
)
def test_an_address_on_the_internet_may_be_named(url: str) -> None:
    assert check_target(url) == url


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://hooks.example.org/", "https://"),
        ("ftp://hooks.example.org/", "https://"),
        ("hooks.example.org/alarm", "host"),
        ("https:///alarm", "host"),
        ("https://user:pass@hooks.example.org/", "password"),
        ("https://hooks.example.org@10.0.0.1/", "user"),
        ("https://hooks.example.org/#part", "fragment"),
        ("https://hooks.example.org:22/", "port"),
        ("https://hooks.example.org:25/", "port"),
        ("https://hooks.example.org:0/", "port"),
        ("https://hooks.example.org:99999/", "read"),
        ("https://[::1/", "read"),
        ("https://10.0.0.1/", "internet"),
        ("https://127.0.0.1/", "internet"),
        ("https://[::ffff:10.0.0.1]/", "internet"),
        ("https://localhost/", "internet"),
        ("https://app.localhost/", "internet"),
        ("https://intranet/", "internet"),
        ("https://2130706433/", "internet"),
        ("https://hooks.example.org\\@10.0.0.1/", "characters"),
        ("https://hooks.example.org/a b", "characters"),
        ("https://hooks.example.org/\n", "characters"),
        ("https://hooks.exämple.org/", "characters"),
        ("https://hooks.example.org/" + "a" * 2048, "longer"),
    ],
)
def test_an_address_that_cannot_be_called_says_what_is_wrong(url: str, word: str) -> None:
    with pytest.raises(TargetError, match=word):
        check_target(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/x", "http://[::1]:9000/", "https://localhost/x"])
def test_this_machine_may_be_named_only_where_that_is_allowed(url: str) -> None:
    assert check_target(url, loopback=True) == url
    with pytest.raises(TargetError):
        check_target(url)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://hooks.example.org/", "https://10.0.0.1/"])
def test_allowing_this_machine_allows_no_other(url: str) -> None:
    with pytest.raises(TargetError):
        check_target(url, loopback=True)
