"""No URL, number or name leads a webhook to what is not public."""

import socket

import pytest

from tasks.webhooks import addresses, endpoints, sending

SHAPES = [
    "http://example.com/",
    "ftp://example.com/",
    "//example.com/",
    "example.com",
    "https://",
    "https://example.com:22/",
    "https://example.com:80/",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://exa mple.com/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com/\r\nHost: other",
    "https://*.example.com/",
    "javascript:alert(1)",
    "",
]
HOSTS = [
    "localhost",
    "127.0.0.1",
    "127.1",
    "127.0.0.1.",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "0",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.0.170",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::8.8.8.8]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "[2001:db8::1]",
    "[fc00::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[3fff::1]",
    "[5f00::1]",
]


@pytest.mark.parametrize("url", SHAPES)
def test_a_url_of_the_wrong_shape_is_refused(settings, url):
    settings.WEBHOOK_ALLOW_INSECURE = False
    with pytest.raises(addresses.BadAddress):
        addresses.parse(url)


@pytest.mark.parametrize("host", HOSTS)
def test_an_address_that_is_not_public_is_refused_and_never_connected_to(settings, monkeypatch, host):
    settings.WEBHOOK_ALLOW_INSECURE = False
    connected = []
    monkeypatch.setattr("urllib3.util.connection.create_connection", lambda *a, **k: connected.append(a))
    target = addresses.parse(f"https://{host}:8443/")
    with pytest.raises((addresses.BadAddress, addresses.Unresolved)):
        endpoints.accepted_url(target.url)
    monkeypatch.setattr(addresses, "check", lambda target: None)  # the second lock holds by itself
    try:
        answer = sending.post(target, body=b"", headers={})
    except addresses.BadAddress:
        answer = None
    assert (answer is None or answer.status is None) and not connected


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "[2606:4700::1111]", "[::ffff:1.1.1.1]"])
def test_a_public_address_is_accepted(settings, address):
    settings.WEBHOOK_ALLOW_INSECURE = False
    for suffix in ("/hook?a=1", ":443/", ":8443/"):
        assert endpoints.accepted_url(f"https://{address}{suffix}").startswith("https://")


def names(monkeypatch, *addresses_in_turn):
    """The name service, which a test cannot run for real: each look-up gets the next list of addresses."""
    answers = iter(addresses_in_turn)

    def getaddrinfo(host, port, *args, **kwargs):
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in next(answers)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_a_name_with_one_bad_address_is_refused(settings, monkeypatch):
    settings.WEBHOOK_ALLOW_INSECURE = False
    names(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(addresses.BadAddress, match="not public"):
        endpoints.accepted_url("https://hooks.example/")


def test_a_name_that_changes_between_look_and_connection_reaches_nothing(settings, monkeypatch):
    settings.WEBHOOK_ALLOW_INSECURE = False
    connected = []
    monkeypatch.setattr("urllib3.util.connection.create_connection", lambda *a, **k: connected.append(a))
    for bad in ("10.0.0.1", "::127.0.0.1", "fec0::1", "127.0.0.1"):
        names(monkeypatch, ["93.184.215.14"], [bad])
        try:
            answer = sending.post(addresses.parse("https://hooks.example/"), body=b"", headers={})
        except addresses.BadAddress:
            continue
        assert answer.status is None
    assert not connected
