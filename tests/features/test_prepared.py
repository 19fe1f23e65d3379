"""Lists of ids travel as one literal, whatever characters they have."""

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from features.engine.prepared import text_array

# NUL and lone surrogates are no text of PostgreSQL
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]) | st.sampled_from('{}",\\ '))


@pytest.mark.django_db
def test_a_list_of_texts_is_the_same_in_postgresql():
    @given(st.lists(TEXTS | st.just("NULL"), max_size=6))
    def the_same(texts: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::text[]", [text_array(texts)])
            assert cursor.fetchone() == (texts,)

    the_same()
