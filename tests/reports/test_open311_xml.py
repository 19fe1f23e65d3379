"""XML that every parser reads, whatever people wrote."""

from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from reports.open311.xml import NO_PLACE, document


@given(st.text())
def test_every_text_comes_through_but_for_what_xml_cannot_hold(text):
    read = fromstring(document("errors", [{"code": 400, "description": text}]).encode())
    assert (read.findtext("error/description") or "") == NO_PLACE.sub("", text)


def test_what_is_not_there_is_an_empty_element_and_a_list_of_none_an_empty_list():
    assert document("services", []).endswith("<services></services>")
    assert document("discovery", {"contact": None, "metadata": True}).endswith(
        "<discovery><contact/><metadata>true</metadata></discovery>"
    )
