"""The page of decisions tells what the rows say, and nothing that they do not."""

from benchmarks.claim import ROOT
from benchmarks.decisions import table


def test_the_page_has_the_rows_as_they_were_last_written() -> None:
    page = (ROOT / "README.md").read_text()
    assert page.partition("<!-- decisions -->")[2].partition("<!-- end of decisions -->")[0].strip() == table()
