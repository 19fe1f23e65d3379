from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.rules import (
    HOUR,
    MINUTE,
    SENDS_PER_PHONE,
    Limit,
    NotAnAddress,
    NotAPhone,
    code_for,
    device_of,
    e164,
    email_token,
    mail_address,
    masked,
    masked_ip,
    neighbourhood,
    verification_of,
    wait,
)

CODE_ID = UUID(int=7)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+4930901820", "+4930901820"),
        ("+49 (30) 901-820", "+4930901820"),
        ("+91 98765 43210", "+919876543210"),
        ("+1 555 123 4567", "+15551234567"),
    ],
)
def test_a_phone_has_one_form(written, meant):
    assert e164(written) == meant


@pytest.mark.parametrize(
    "text",
    ["", "+", "030901820", "4930901820", "+49", "+4930901820 ext 5", "+1800FLOWERS", "+٤٩٣٠٩٠١٨٢٠", "+999123456789"]
    + ["+4930901820\n", "+" + "1" * 1_000_000, "+49 30 901820\x00", "tel:+4930901820", "+493", "+49" + "1" * 15],
)
def test_what_is_no_phone_is_refused(text):
    with pytest.raises(NotAPhone):
        e164(text)


def test_a_masked_phone_keeps_country_and_two_digits():
    assert masked("+4930901820") == "+49******20"


def test_a_code_depends_on_row_phone_and_pepper():
    code = code_for(CODE_ID, "+4930901820", pepper="p")
    assert code == code_for(str(CODE_ID), "+4930901820", pepper="p")
    assert len({code, code_for(CODE_ID, "+4930901821", pepper="p"), code_for(CODE_ID, "+4930901820", pepper="q")}) == 3


@given(st.uuids())
def test_a_code_has_six_digits(code_id):
    code = code_for(code_id, "+4930901820", pepper="p")
    assert len(code) == 6 and code.isascii() and code.isdigit()


def test_codes_are_spread_evenly():
    firsts = [code_for(UUID(int=n), "+4930901820", pepper="p")[0] for n in range(10_000)]
    assert all(850 < firsts.count(digit) < 1150 for digit in "0123456789")


def minutes(*values: int) -> list[timedelta]:
    return [timedelta(minutes=value) for value in values]


def test_the_first_is_never_made_to_wait():
    assert wait([], SENDS_PER_PHONE) == timedelta(0)


def test_one_a_minute():
    assert wait([timedelta(seconds=20)], SENDS_PER_PHONE) == timedelta(seconds=40)
    assert wait([timedelta(seconds=60)], SENDS_PER_PHONE) == timedelta(0)


def test_the_sixth_in_an_hour_waits_for_the_first_to_be_an_hour_old():
    assert wait(minutes(5, 10, 15, 20, 50), SENDS_PER_PHONE) == timedelta(minutes=10)


def test_the_longest_wait_counts():
    assert wait(minutes(0, 1), [Limit(1, MINUTE), Limit(2, HOUR)]) == timedelta(minutes=59)


def test_an_address_keeps_its_name_and_has_one_form_of_its_domain():
    assert mail_address("Ann.Lee+x@Example.ORG") == "Ann.Lee+x@example.org"


@pytest.mark.parametrize(
    "text", ["", "ann", '"a b"@x.org', "a@[127.0.0.1]", "ä@x.org", "a@ö.org", "a@b@c.org", "a @x.org"]
)
def test_an_address_that_could_be_read_in_two_ways_is_refused(text):
    with pytest.raises(NotAnAddress):
        mail_address(text)


def test_an_address_on_the_network_is_shown_as_its_network():
    shown = [masked_ip(ip) for ip in ("192.0.2.77", "2001:db8:1:2::3", "::ffff:192.0.2.77", None)]
    assert shown == ["192.0.2.0/24", "2001:db8:1::/48", "192.0.2.0/24", None]


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36 Edg/140.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19 Safari/604",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("", "unknown"),
    ],
)
def test_a_device_has_a_name_its_owner_knows(agent, device):
    assert device_of(agent) == device


@given(st.uuids(), st.text(max_size=20))
def test_a_token_tells_its_row_and_nothing_else_makes_it(row, address):
    token = email_token(row, address, pepper="p")
    assert verification_of(token) == row and len(token) == 64
    assert token != email_token(row, address + "x", pepper="p")


@given(st.text(max_size=100))
def test_any_text_is_a_token_or_none(text):
    assert verification_of(text) is None or isinstance(verification_of(text), UUID)


def test_an_ipv6_customer_counts_as_one_address():
    assert neighbourhood("2001:db8::1") == ("2001:db8::", "2001:db8::ffff:ffff:ffff:ffff")
    assert neighbourhood("192.0.2.1") == ("192.0.2.1", "192.0.2.1")
    assert neighbourhood("::ffff:192.0.2.1") == ("::ffff:192.0.2.1", "::ffff:192.0.2.1")
