"""Words of a report that made the model's mind up are marked, and nothing of the text is lost."""

from hypothesis import given
from hypothesis import strategies as st

from reports.review.highlight import Piece, pieces


def test_words_are_marked_whole_whatever_their_case_and_the_longer_of_two_counts():
    words = [("street light", 1.2), ("light", 0.7), ("tree", -0.5)]
    assert pieces("Street  light by the Tree; lights off", words) == [
        Piece("Street  light", 1.2), Piece(" by the "), Piece("Tree", -0.5), Piece("; lights off"),
    ]  # fmt: skip
    assert pieces("by 24 Elm", [("0", 0.3)]) == [Piece("by "), Piece("24", 0.3), Piece(" Elm")]
    assert pieces("Nothing", []) == [Piece("Nothing")]


@given(st.text(), st.lists(st.tuples(st.text(max_size=8), st.floats(-3, 3)), max_size=5))
def test_the_pieces_are_the_text(text, words):
    assert "".join(piece.text for piece in pieces(text, words)) == text
