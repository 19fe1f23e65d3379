"""What is exported comes back as it was, and no spreadsheet runs any of it."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from archive.formats import COLUMNS, FORMULA, original, safe, writer
from audit.models import Entry, Seal
from tests.makers import NOON

# What PostgreSQL can hold: no NUL, no lone surrogates; much of what spreadsheets look at first.
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])) | st.builds(
    str.__add__, st.sampled_from([*FORMULA, "'", "''", '"', ",", ";"]), st.text("=+-@'\"\n\r\t,;1a ")
)  # fmt: skip


def sealed(**fields) -> tuple[Entry, Seal]:
    made = Entry(pk=1, at=NOON, action="a", entity_type="t", entity_id="1", actor="user:1", status="success", **fields)
    return made, Seal(sequence=1, entry=made, previous_hash="0" * 64, hash="f" * 64, sealed_at=NOON)


@given(texts)
def test_a_cell_is_never_a_formula_and_tells_what_it_was(text):
    assert not safe(text).startswith(FORMULA)
    assert original(safe(text)) == text


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_a_file_of_cells_comes_back(pairs):
    file = io.StringIO(newline="")
    write = writer("csv", file)
    for agent, key in pairs:
        write(*sealed(user_agent=agent, metadata={key: agent}))
    header, *rows = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert header == COLUMNS and len(rows) == len(pairs)
    for row, (agent, _) in zip(rows, pairs, strict=True):
        assert not any(cell.startswith(FORMULA) for cell in row)
        assert original(row[COLUMNS.index("user_agent")]) == agent


def test_an_attack_is_shown_as_text():
    file = io.StringIO(newline="")
    writer("csv", file)(*sealed(user_agent='=HYPERLINK("http://x.example","click")', metadata={}))
    assert '"\'=HYPERLINK(""http://x.example"",""click"")"' in file.getvalue()
