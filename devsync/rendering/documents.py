"""An edition as one document: Markdown, HTML, plain text, JSON. Slack's many messages are in `slack`."""

from pathlib import Path

from pydantic_core import to_json

from devsync.domain.changelog.edition import Edition
from devsync.domain.changelog.telling import Telling
from devsync.rendering.environment import Format, render
from devsync.rendering.story import PLAIN, even_share, shortened, story_of

MAX_MAIL_BYTES = 100_000
"""Gmail cuts what is longer than 102 kB off and hides it behind a link; the rest is for the mail's own frame."""

HTML_TEMPLATE = "edition.html.j2"

# What an item takes in HTML, seldom more: with its styles, links to a pull request and an issue, two names.
_ITEM_BYTES = 350


def render_markdown(edition: Edition, templates: Path, revision: int = 1, *, telling: Telling = PLAIN) -> str:
    """The edition in CommonMark, every item told. Raises jinja2.TemplateError where the template is wrong."""
    return render(templates, Format.MARKDOWN, "edition.md.j2", {"story": story_of(edition, revision, telling)})


def render_text(edition: Edition, templates: Path, revision: int = 1, *, telling: Telling = PLAIN) -> str:
    """The edition in plain text, every item told. Raises jinja2.TemplateError where the template is wrong."""
    return render(templates, Format.TEXT, "edition.txt.j2", {"story": story_of(edition, revision, telling)})


def render_html(
    edition: Edition,
    templates: Path,
    revision: int = 1,
    max_bytes: int | None = MAX_MAIL_BYTES,
    *,
    telling: Telling = PLAIN,
) -> str:
    """The edition as a page for mail programs: one column, styles inlined, no scripts, no outside resources.

    Beyond `max_bytes` (UTF-8) each section tells its first items, all sections the same number of them, and how
    many it leaves out; None tells everything, for a browser. Only items are left out: an edition whose gaps,
    releases and people alone are larger stays so. Raises jinja2.TemplateError where the template is wrong.
    """
    story = story_of(edition, revision, telling)
    if max_bytes is None:
        return render(templates, Format.HTML, HTML_TEMPLATE, {"story": story})
    # A large edition is not rendered whole to be thrown away: the first try holds about what will fit.
    limit = even_share(story, max_bytes // _ITEM_BYTES)
    while True:
        page = render(templates, Format.HTML, HTML_TEMPLATE, {"story": shortened(story, limit)})
        size = len(page.encode())
        if size <= max_bytes or limit == 0:
            return page
        limit = min(limit - 1, limit * max_bytes // size)


def render_json(edition: Edition) -> str:
    """The whole edition as JSON with `item_count`, `unclassified_ratio` and `is_partial`; its keys sorted, one line.

    ASCII only: control and direction-changing characters travel as escapes and act on nobody's terminal.
    """
    content = {
        **dict(edition),
        "item_count": edition.item_count,
        "unclassified_ratio": edition.unclassified_ratio,
        "is_partial": edition.is_partial,
    }
    return to_json(dict(sorted(content.items())), ensure_ascii=True).decode() + "\n"
