"""Editions that the rendering tests show: small, but with everything that a reader may meet."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from devsync.domain.changelog.edition import (
    ClassifiedBy,
    Contributor,
    DeploymentCount,
    Edition,
    Gap,
    IssueLink,
    Item,
    MarkedDays,
    MedianTime,
    Metrics,
    NextSprint,
    Provenance,
    ProvenanceKind,
    ReleaseNote,
    Section,
    SprintProgress,
    StartedWork,
    Upcoming,
)
from devsync.domain.changelog.window import week_window

RELEASES_INSTEAD = DeploymentCount(environment="releases", total=1, is_derived=True)
WEEK = "2026-W46"
WINDOW = week_window(WEEK, "Europe/Berlin")
API, WEB = "acme/payments-api", "acme/payments-web"

HOSTILE_TEXTS = (
    "<!channel> <@U1> <#C1|general> <https://evil.example|click>",
    "<script>alert(1)</script><img src=x onerror=alert(1)> </li></ul><h1>mine</h1>",
    "line one\r\nSubject: forged\n\n# Heading\n- item\n1. one",
    "{{ 7 * 7 }} {% for x in y %} {# gone #}",
    "\x1b[31mred\x07 \x00null \u202eesrever\u202c \u2066isolated\u2069 \ufeff",
    "```python\ncode``` `tick` *bold* _it_ __init__ ~struck~ **b** snake_case",
    "[click](https://evil.example) ![i](http://evil.example/i.png) <https://evil.example> www.evil.example",
    "@everyone @acme/admins fixes #1 GH-2 https://evil.example/?a=1&b=2",
    "عنوان من اليمين إلى اليسار \u200f(שלום)",
    "👩‍👩‍👧‍👦 🎉 café 日本語",
    "&lt;!channel&gt; &amp; &#60;b&#62; &copy;",
    "1. first | second\n---|---\n===",
    "> quoted\\ trailing\\",
    "$x^2$ :tada: \"quoted\" 'single'",
    "x" * 10_000,
    "&<>*_~`" * 2_000,
)


def at(day: int, hour: int = 12) -> datetime:
    """An instant in November 2026, UTC."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def pull(section: Section, number: int, title: str, repository: str = API, **fields: Any) -> Item:
    """A merged pull request as an item."""
    fields.setdefault("people", ("Anna Schmidt",))
    fields.setdefault("classified_by", ClassifiedBy.CONVENTIONAL_COMMIT)
    fields.setdefault("shipped_at", at(10) + timedelta(minutes=number))
    return Item(
        id=f"{repository}#{number}",
        section=section,
        title=title,
        repository=repository,
        pull_request=number,
        url=f"https://github.com/{repository}/pull/{number}",
        commits=(f"{number:040x}",),
        **fields,
    )


def jira(key: str, summary: str = "") -> IssueLink:
    return IssueLink(
        key=key, url=f"https://acme.atlassian.net/browse/{key}", summary=summary, issue_type="Story", status="Done"
    )


def normal() -> Edition:
    """A week as most are: something of everything, two repositories, all sources live."""
    items = (
        pull(
            Section.BREAKING,
            412,
            "Amounts are integers in minor units",
            scope="api",
            is_breaking=True,
            breaking_note="`amount` was a decimal string. Multiply by 100 and drop the point before you upgrade.",
            people=("Anna Schmidt", "@bob-dev"),
            issues=(jira("PAY-101", "Money without rounding"),),
        ),
        pull(Section.FEATURES, 420, "Refunds can be partial", scope="refunds", issues=(jira("PAY-88"), jira("PAY-91"))),
        pull(
            Section.FEATURES,
            77,
            "Pay with one tap on the order page",
            WEB,
            scope="checkout",
            people=("Chidi Okafor", "Anna Schmidt", "Dana", "Erik", "Fatima"),
            issues=(jira("PAY-95"),),
        ),
        pull(Section.FIXES, 415, "Webhooks are not sent twice after a restart", scope="webhooks", people=("@bob-dev",)),
        pull(Section.FIXES, 418, "Time out a card check after 10 seconds instead of never", issues=(jira("PAY-104"),)),
        Item(
            id=f"{WEB}@0123456789ab",
            section=Section.FIXES,
            title="Correct the decimal comma in French invoices",
            repository=WEB,
            url=f"https://github.com/{WEB}/commit/0123456789abcdef0123456789abcdef01234567",
            commits=("0123456789abcdef0123456789abcdef01234567",),
            people=("Dana",),
            shipped_at=at(12),
            classified_by=ClassifiedBy.HEURISTIC,
        ),
        pull(Section.PERFORMANCE, 421, "List payments with one query instead of n + 1", scope="api"),
        pull(Section.SECURITY, 80, "Session cookies are SameSite=Strict", WEB, people=("Dana",)),
        pull(Section.REVERTED, 423, "Revert the retry of declined cards", people=("Chidi Okafor",)),
        Item(
            id="PAY-97",
            section=Section.ISSUES,
            title="Agree with the bank on settlement times",
            url="https://acme.atlassian.net/browse/PAY-97",
            issues=(jira("PAY-97"),),
            people=("Erik",),
            shipped_at=at(13),
            classified_by=ClassifiedBy.JIRA_TYPE,
        ),
        pull(Section.DOCUMENTATION, 419, "How to test webhooks on a laptop", people=("Fatima",)),
        pull(Section.INTERNAL, 424, "Run the slow tests nightly", scope="ci"),
        pull(Section.INTERNAL, 425, "Format the changelog", people=(), is_automated=True),
        *(
            pull(
                Section.DEPENDENCIES,
                number,
                f"Bump library-{number} from 1 to 2",
                WEB if number % 3 else API,
                people=(),
                is_automated=True,
            )
            for number in range(500, 511)
        ),
        pull(Section.OTHER, 430, "Tidy up", people=("Erik",), issues=(), classified_by=ClassifiedBy.NOTHING),
    )
    return Edition(
        team="payments",
        iso_week=WEEK,
        window=WINDOW,
        items=items,
        highlights=(items[0].id, items[2].id, items[3].id),
        releases=(
            ReleaseNote(
                repository=API,
                tag="v4.0.0",
                name="Exact money",
                published_at=at(13),
                url=f"https://github.com/{API}/releases/tag/v4.0.0",
            ),
            ReleaseNote(repository=WEB, tag="v2.9.0-rc.1", is_prerelease=True, published_at=at(14)),
        ),
        contributors=(
            Contributor(name="Anna Schmidt", login="anna", item_count=8),
            Contributor(name="Bob", login="bob-dev", item_count=2),
            Contributor(name="Chidi Okafor", login="chidi", item_count=2),
            Contributor(name="Dana", item_count=3),
            Contributor(name="Erik", item_count=3),
            Contributor(name="Fatima", login="fatima", item_count=2, is_first_time=True),
        ),
        units_asked=(f"github:{API}", f"github:{WEB}", "jira:PAY"),
        reverted_pairs=1,
        excluded_count=2,
        upcoming=upcoming(),
        metrics=metrics(),
    )


def upcoming() -> Upcoming:
    """Two weeks with something of everything, more in progress than is named."""
    return Upcoming(
        in_progress=tuple(
            StartedWork(
                key=f"PAY-{number}",
                title=title,
                url=f"https://acme.atlassian.net/browse/PAY-{number}",
                assignee=assignee,
            )
            for number, title, assignee in (
                (120, "Instant payouts for Austria", "Anna Schmidt"),
                (121, "Show the exchange rate before paying", "Dana"),
                (124, "Find out why invoices of March differ", None),
            )
        ),
        in_progress_total=7,
        sprints=(
            NextSprint(name="PAY sprint 24", goal="Payouts within ten seconds", starts_at=at(23), issue_count=14),
            NextSprint(name="WEB sprint 9"),
        ),
        away=(
            MarkedDays(title="Fatima: parental leave", first_day=date(2026, 9, 1), last_day=date(2026, 12, 31)),
            MarkedDays(title="Anna Schmidt: vacation", first_day=date(2026, 11, 16), last_day=date(2026, 11, 20)),
            MarkedDays(title="Dana at a conference", first_day=date(2026, 11, 24), last_day=date(2026, 11, 24)),
        ),
        milestones=(MarkedDays(title="Code freeze", first_day=date(2026, 11, 26), last_day=date(2026, 12, 1)),),
        holidays=(
            MarkedDays(title="Repentance and Prayer Day", first_day=date(2026, 11, 18), last_day=date(2026, 11, 18)),
        ),
    )


def metrics() -> Metrics:
    """A week of which all is known but where two pull requests began."""
    return Metrics(
        merged=11,
        merged_by_bots=12,
        cycle=MedianTime(median=timedelta(hours=29, minutes=40), count=11, from_opening=2),
        first_review=MedianTime(median=timedelta(hours=3, minutes=12), count=8),
        deployments=(
            DeploymentCount(environment="production", total=9, failed=1),
            DeploymentCount(environment="staging", total=31),
        ),
        sprints=(
            SprintProgress(name="PAY sprint 23", goal="Refund a part of a payment", ends_at=at(20), done=22, total=24),
        ),
    )


def partial() -> Edition:
    """The same week with JIRA from the cache and one repository missing."""
    complete = normal()
    cached = Provenance(kind=ProvenanceKind.CACHED, as_of=at(13, 7))
    return complete.model_copy(
        update={
            "items": tuple(
                item.model_copy(update={"provenance": cached}) if item.id == "PAY-97" else item
                for item in complete.items
                if item.repository != WEB
            ),
            "highlights": complete.highlights[:1],
            "releases": complete.releases[:1],
            "gaps": (
                Gap(
                    unit=f"github:{WEB}",
                    service="github",
                    reason="github answered 503",
                    category="external_service",
                ),
                Gap(
                    unit="jira:PAY",
                    service="jira",
                    reason="jira answered 401: check JIRA_EMAIL and JIRA_API_TOKEN (Cloud) or JIRA_PAT (Data Center)",
                    category="authentication",
                    as_of=at(13, 7),
                ),
            ),
            "completeness": 1 / 3,
            "metrics": Metrics(merged=2, is_partial=True, deployments=(RELEASES_INSTEAD,)),
        }
    )


def quiet() -> Edition:
    """A week in which nothing happened, all sources live."""
    return Edition(
        team="payments",
        iso_week="2026-W53",
        window=week_window("2026-W53", "Europe/Berlin"),
        units_asked=(f"github:{API}", "jira:PAY"),
    )


def quiet_and_partial() -> Edition:
    """Nothing was found, and one source is missing: that is not the same as nothing."""
    return quiet().model_copy(
        update={
            "gaps": (Gap(unit="jira:PAY", service="jira", reason="JIRA did not answer within 2 minutes"),),
            "completeness": 0.5,
        }
    )


def with_text(edition: Edition, text: str) -> Edition:
    """The edition with this text in every field that people or services outside fill in."""
    return edition.model_copy(
        update={
            "items": tuple(_item_with_text(item, text) for item in edition.items),
            "releases": tuple(
                release.model_copy(update={"tag": text, "name": text, "repository": text, "url": f"javascript:{text}"})
                for release in edition.releases
            ),
            "contributors": tuple(
                person.model_copy(update={"name": text, "login": text}) for person in edition.contributors
            ),
            "gaps": tuple(gap.model_copy(update={"reason": text, "unit": text}) for gap in edition.gaps),
            "upcoming": _upcoming_with_text(text),
            "metrics": _metrics_with_text(text),
        }
    )


def _upcoming_with_text(text: str) -> Upcoming:
    marked = MarkedDays(title=text, first_day=date(2026, 11, 17), last_day=date(2026, 11, 18))
    return Upcoming(
        in_progress=(StartedWork(key=text, title=text, url=f"javascript:{text}", assignee=text),),
        in_progress_total=1,
        sprints=(NextSprint(name=text, goal=text),),
        away=(marked,),
        milestones=(marked,),
        holidays=(marked,),
    )


def _metrics_with_text(text: str) -> Metrics:
    return Metrics(
        merged=1,
        deployments=(DeploymentCount(environment=text, total=1),),
        sprints=(SprintProgress(name=text, goal=text, done=1, total=2),),
    )


def _item_with_text(item: Item, text: str) -> Item:
    return item.model_copy(
        update={
            "title": text,
            "scope": text,
            "breaking_note": text if item.breaking_note else "",
            "people": tuple(text for _ in item.people),
            "labels": (text,),
            "issues": tuple(
                issue.model_copy(update={"key": text, "summary": text, "url": f"javascript:{text}"})
                for issue in item.issues
            ),
        }
    )


def hostile() -> Edition:
    """A partial week in which each text is an attack of its own; what breaks out of its place shows."""
    complete = partial()
    items = tuple(
        _item_with_text(item, HOSTILE_TEXTS[index % len(HOSTILE_TEXTS)]) for index, item in enumerate(normal().items)
    )
    attacked = with_text(complete, "<!here> </div>\r\n# @all [x](javascript:alert(1))")
    return attacked.model_copy(update={"team": "<!channel>\n# payments", "items": items})


def large(count: int) -> Edition:
    """An edition of so many items in 50 repositories, a tenth of them by bots."""
    sections = tuple(Section)
    items = tuple(
        pull(
            sections[number % len(sections)],
            number,
            f"Change number {number} of the large edition, with a title of usual length",
            f"acme/service-{number % 50:02d}",
            scope="api" if number % 2 else "",
            people=("Anna Schmidt", "@bob-dev") if number % 3 else ("Dana",),
            issues=(jira(f"PAY-{number}"),) if number % 2 else (),
            is_automated=number % 10 == 0,
        )
        for number in range(count)
    )
    ordered = tuple(sorted(items, key=lambda item: (sections.index(item.section), item.repository, item.shipped_at)))
    return normal().model_copy(update={"items": ordered, "highlights": tuple(item.id for item in ordered[:7])})
