"""The documentation as a site: built as `make site` does it, every link followed, nothing asked of anybody else."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from commands.stack import ROOT
from tests.docs.manual import PAGES, links, name

DOCS = ROOT / "docs"
_LEADS = {"a": "href", "link": "href", "img": "src", "script": "src", "iframe": "src", "source": "src"}
"""The elements that lead somewhere, and by which attribute."""
_WITHOUT_END = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_WITHIN_WORDS = frozenset({"a", "code", "em", "span", "strong"})


@dataclass
class Seen:
    """What stands in one page of HTML."""

    anchors: set[str] = field(default_factory=set)
    leads: list[tuple[str, str]] = field(default_factory=list)
    """Each with its element."""
    text: list[str] = field(default_factory=list)
    """Of the article, in pieces."""

    @property
    def words(self) -> list[str]:
        return "".join(self.text).split()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = build(ROOT / "mkdocs.yml", folder)
    assert built.returncode == 0, built.stderr
    return folder


def build(config: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config, "-d", folder],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_link_and_every_anchor_of_the_site_leads_somewhere(site: Path) -> None:
    wrong = [
        f"{page.relative_to(site)}: {target}"
        for page in site.rglob("*.html")
        if page.name != "404.html"  # which is shown at any address, and leads from the server's root
        for _, target in seen(page).leads
        if is_ours(target) and not leads_somewhere(page, target, site)
    ]
    assert wrong == []


def test_every_link_of_the_readme_into_the_manual_leads_to_a_page_of_the_site(site: Path) -> None:
    led = [target for target in links(ROOT / "README.md") if target.startswith("docs/")]
    assert led
    for target in led:
        path, _, anchor = target.removeprefix("docs/").partition("#")
        page = site / re.sub(r"(^|/)README\.html$", r"\1index.html", re.sub(r"\.md$", ".html", path or "README.md"))
        page = page / "index.html" if page.is_dir() else page
        assert page.exists(), target
        assert not anchor or anchor in seen(page).anchors, target


def test_the_site_asks_nothing_of_anybody_else(site: Path) -> None:
    loaded = [target for page in site.rglob("*.html") for tag, target in seen(page).leads if tag != "a"]
    assert loaded
    assert [target for target in loaded if not is_ours(target)] == []
    styles = "".join(style.read_text() for style in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import\s*)[\"']?(?:https?:)?//[^)\"']*", styles) == []


@pytest.mark.parametrize("page", [page for page in PAGES if DOCS in page.parents], ids=name)
def test_a_page_says_the_same_on_the_site_as_in_the_repository(site: Path, page: Path) -> None:
    """Two readers of Markdown: CommonMark, which code hosts show, and the site's. A list that only one of them sees
    tells itself by its dashes."""
    path = page.relative_to(DOCS).with_suffix(".html")
    shown = seen(site / ("index.html" if path.name == "README.html" else path)).words
    meant = read(f"<article>{MarkdownIt('commonmark').enable('table').render(page.read_text())}</article>").words
    assert [pair for pair in zip_longest(meant, shown) if pair[0] != pair[1]][:3] == []


def test_a_link_that_leads_nowhere_breaks_the_build(tmp_path: Path) -> None:
    pages = tmp_path / "docs"
    pages.mkdir()
    checks = (ROOT / "mkdocs.yml").read_text().partition("validation:")[2].partition("nav:\n  - ")[0]
    config = tmp_path / "mkdocs.yml"
    config.write_text(f"site_name: a\nplugins: []\nvalidation:{checks}")
    index = pages / "index.md"
    index.write_text("[a](#here)\n\n## Here\n")
    assert build(config, tmp_path / "site").returncode == 0
    index.write_text("[a](gone.md) [b](#there)\n\n## Here\n")
    built = build(config, tmp_path / "site")
    assert built.returncode != 0
    assert "'gone.md'" in built.stderr
    assert "'#there'" in built.stderr


def is_ours(target: str) -> bool:
    return not re.match(r"([a-z]+:|//)", target)


def leads_somewhere(page: Path, target: str, site: Path) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    file = file / "index.html" if file.is_dir() else file
    is_within = file.is_relative_to(site.resolve())
    return is_within and file.exists() and (not anchor or file.suffix != ".html" or anchor in seen(file).anchors)


@cache
def seen(page: Path) -> Seen:
    return read(page.read_text())


def read(html: str) -> Seen:
    reader = _Reader()
    reader.feed(html)
    return reader.seen


class _Reader(HTMLParser):
    """Takes note; of the article's text, not what the theme adds: signs beside headings, words for screen readers."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()
        self._open: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        self.seen.anchors |= {found[key] for key in ("id", "name") if key in found}
        if target := found.get(_LEADS.get(tag, "")):
            self.seen.leads.append((tag, target))
        if tag not in _WITHOUT_END:
            self._open.append((tag, found.get("class", "")))
        self._part_words(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        self._part_words(tag)

    def _part_words(self, tag: str) -> None:
        if tag not in _WITHIN_WORDS:
            self.seen.text.append(" ")

    def handle_data(self, data: str) -> None:
        is_article = any(tag == "article" for tag, _ in self._open)
        is_added = any(tag in ("button", "nav", "aside") or "headerlink" in kind for tag, kind in self._open)
        if is_article and not is_added:
            self.seen.text.append(data)
