"""No block of code on a page about clients without a test that runs it, and no link that leads nowhere."""

import re
from pathlib import Path

from serving.access.scopes import NEEDS
from tests.clients.pages import FOLDER, SHOWN, blocks

PAGES = {"README.md", "braze.md", "klaviyo.md", "mailer.md", "page.md", "segment.md"}


def test_every_block_has_a_name_and_a_test_that_takes_it() -> None:
    assert {block.page for block in blocks()} == PAGES
    sources = "\n".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    for block in blocks():
        assert block.name, f"{block.page}: a block of {block.language} has no name"
        taken = f'"{block.page}", "{block.name}"' in sources
        assert taken, f"no test runs {block.name} of {block.page}"


def test_every_page_is_in_the_index_and_every_link_leads_somewhere() -> None:
    index = (FOLDER / "README.md").read_text()
    for page in PAGES - {"README.md"}:
        assert f"]({page})" in index, page
    for page in PAGES:
        text = (FOLDER / page).read_text()
        for target, anchor in re.findall(r"\]\(([^)#:]*\.md)?(#[^)]*)?\)", text):
            linked = (FOLDER / target).read_text() if target else text
            headings = {
                "#" + re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
                for title in re.findall(r"^#+ (.*)$", linked, re.MULTILINE)
            }
            assert not anchor or anchor in headings, (page, target, anchor)


def test_every_address_on_the_pages_is_one_of_the_service() -> None:
    for page in PAGES:
        for path in re.findall(rf"{re.escape(SHOWN)}(/[\w/.-]+)|`(/v1/[\w/]+)`", (FOLDER / page).read_text()):
            assert (path[0] or path[1]).rstrip(".") in NEEDS, (page, path)
