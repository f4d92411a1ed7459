"""What any page of ours must be: well formed, named for those who do not see it, and without a script."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

EVIL = '<script>document.title="RAN"</script>'
VOID = {"meta", "wbr", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """What a page holds, and the faults of its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.tags: Counter[str] = Counter()
        self.headings: list[int] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.cells: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-3:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def sound(html: str, tables: int = 1) -> Page:
    """A page, once everything that any page must be is checked; it has so many tables or more."""
    page = Page(html)
    assert page.faults == []
    assert [name for name, count in Counter(page.ids).items() if count > 1] == []
    for tag, name, value in page.attributes:
        if name in ("aria-labelledby", "aria-describedby"):
            assert set(value.split()) <= set(page.ids), (tag, value)
        assert not name.startswith("on"), (tag, name)
        assert name != "src"
        if name == "href":
            assert value == "data:," or (value.startswith("#") and value[1:] in page.ids), value
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    for tag in ("script", "iframe", "object", "img", "form"):
        assert not page.tags[tag]
    for one in ("header", "nav", "main", "footer", "title"):
        # an <svg> has titles of its own
        assert page.tags[one] == 1 or one == "title"
    assert page.tags["caption"] == page.tags["table"] >= tables
    assert page.tags["th"] == sum(tag == "th" and name == "scope" for tag, name, _ in page.attributes)
    # what scrolls can be scrolled by keyboard, and says what it is
    assert html.count('class="scroll"') == html.count('role="region"') == html.count('tabindex="0"')
    assert html.count("<svg") == html.count('role="img"') + html.count('aria-hidden="true"') - html.count(
        '"strip"'
    )
    assert "@import" not in html
    assert "url(" not in html
    assert not re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", html)
    html.encode("utf-8")
    return page
