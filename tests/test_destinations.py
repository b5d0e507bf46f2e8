"""Where outgoing requests may go."""

from ipaddress import ip_network

import pytest

from campaigns_app import destinations
from campaigns_app.destinations import UrlFault, check_url, is_reachable

INSIDE = (
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255"),
    *("192.168.1.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "224.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1"),
    *("64:ff9b:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2002:7f00:1::", "2001:db8::1"),
    *("3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1"),
    *("ff02::1", "100::1", "not an address", ""),
)
OUTSIDE = ("1.1.1.1", "93.184.216.34", "::ffff:1.1.1.1", "2606:4700:4700::1111")


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_not_reachable(address: str) -> None:
    assert not is_reachable(address, 443, ())


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_reachable(address: str) -> None:
    assert is_reachable(address, 443, ())


def test_this_machines_own_address_is_not_reachable_even_if_it_is_public(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No machine of a test can be relied on to have a public one, so its own counts as public.
    monkeypatch.setattr(destinations, "DENIED_NETWORKS", ())

    assert is_reachable("10.255.255.1", 443, ())
    assert not is_reachable("127.0.0.1", 443, ())
    assert is_reachable("127.0.0.1", 443, (ip_network("127.0.0.1/32"),))


def test_a_network_can_be_allowed_also_in_its_mapped_form() -> None:
    allowed = (ip_network("10.1.0.0/16"),)

    assert is_reachable("10.1.2.3", 25, allowed)
    assert is_reachable("::ffff:10.1.2.3", 25, allowed)
    assert not is_reachable("10.2.0.1", 25, allowed)
    assert not is_reachable("64:ff9b::a01:203", 25, allowed)


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.com", "ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)"),
        *("http://", "http:///path", "http://user@example.com/", "http://a:b@example.com/"),
        *("http://@example.com/", "http://example.com/#part", "http://example.com:0/"),
        *("http://example.com:65536/", "http://example.com:port/", "http://exa mple.com/"),
        *("http://example.com/\nHost: inside", "http://example.com\\@127.0.0.1/"),
        *("http://2130706433/", "http://127.1/", "http://0x7f000001/", "http://0177.0.0.1/"),
        *("http://[::1/", "http://[fe80::1%25lo]/", "http://" + "a" * 3000),
    ],
)
def test_what_is_no_plain_web_address_is_invalid(url: str) -> None:
    assert check_url(url, ()) is UrlFault.INVALID


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:8000/", "https://10.0.0.1/", "http://169.254.169.254/latest"),
        *("http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://localhost/", "http://LOCALHOST./"),
        *("http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[fe80::1]/"),
    ],
)
def test_what_leads_inside_is_not_allowed(url: str) -> None:
    assert check_url(url, ()) is UrlFault.NOT_ALLOWED


def test_what_leads_outside_or_nowhere_yet_is_accepted() -> None:
    assert check_url("https://1.1.1.1/hook?key=value", ()) is None
    assert check_url("http://not-yet-there.invalid:8080/hook", ()) is None


def test_an_allowed_network_is_accepted() -> None:
    assert check_url("http://127.0.0.1:8000/", [ip_network("127.0.0.0/8")]) is None


@pytest.mark.parametrize("port", [0, 1, 22, 25, 53, 110, 444, 1023, 65536])
def test_ports_of_other_servers_are_no_destination(port: int) -> None:
    assert not is_reachable("1.1.1.1", port, ())
    if 0 < port <= 65535:
        assert check_url(f"https://1.1.1.1:{port}/", ()) is UrlFault.PORT
        assert check_url(f"https://not-yet-there.invalid:{port}/", ()) is UrlFault.PORT


@pytest.mark.parametrize("port", [80, 443, 1024, 8080, 65535])
def test_ports_of_web_servers_are_destinations(port: int) -> None:
    assert is_reachable("1.1.1.1", port, ())
    assert check_url(f"https://1.1.1.1:{port}/", ()) is None


def test_in_an_allowed_network_every_port_is_a_destination() -> None:
    assert check_url("http://127.0.0.1:25/", [ip_network("127.0.0.0/8")]) is None
