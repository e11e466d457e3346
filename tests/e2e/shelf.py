"""Which pages of GitHub's lists are stored, and which were asked for: what is on the shelf must not be asked again."""

from urllib.parse import parse_qs

from tests.e2e.stage import Stage

LISTS = {"pulls", "commits", "releases"}

Page = tuple[str, str, int]
"""(repository, list, page)."""


def stored_pages(stage: Stage) -> set[Page]:
    rows = stage.rows("SELECT unit, part, page FROM collection_pages WHERE unit LIKE 'github:%'")
    return {(row["unit"].removeprefix("github:"), row["part"], row["page"]) for row in rows}


def asked_pages(stage: Stage, after: int) -> set[Page]:
    """Those of the requests that came after the one of that number."""
    asked = set()
    for record in stage.sandbox.log.select("github"):
        parts = record.path.split("/")
        if record.number > after and parts[-1] in LISTS:
            asked.add(("/".join(parts[2:4]), parts[-1], int(parse_qs(record.query)["page"][0])))
    return asked


def last_request(stage: Stage) -> int:
    """The number of the newest, whatever was asked."""
    return stage.sandbox.log.select()[-1].number
