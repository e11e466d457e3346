"""The demo world: one believable team, one week with everything in it that a changelog must get right.

Around the handwritten stories it plants the hard cases: changes at the very edges of the week, reverts inside the
week and of older work, issues without code, keys in title, body or branch, false friends (UTF-8, CVE-2026-1234), an
address without an account, a newcomer, bots, breaking changes, titles that attack Slack, HTML and templates.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from random import Random

from sandbox.world import (
    Board,
    CalendarEvent,
    Deployment,
    Person,
    Project,
    Repository,
    Sprint,
    TeamCalendar,
    TeamSpec,
    World,
)
from sandbox.worlds import catalog
from sandbox.worlds.assembly import assemble
from sandbox.worlds.calendar import Week
from sandbox.worlds.catalog import Landing, Story
from sandbox.worlds.people import BOTS, CONTRACTOR, DEPENDABOT, NEWCOMER, RENOVATE, TEAM
from sandbox.worlds.planning import KeyPlace, Plan, PlannedChange, PlannedIssue, PlannedRelease

DEMO_WEEK = "2026-W47"
_STORIES_IN_WEEK = 26
_STORIES_AFTER = 4
_PRIORITIES = ("High", "Medium", "Medium", "Low")


def demo_world(week: str = DEMO_WEEK, *, seed: int = 1, timezone: str = "Europe/Berlin") -> World:
    """The payments team of Acme and its week; the same arguments give the same world, byte for byte."""
    plan = _DemoPlanner(Week.of(week, timezone), Random(f"{seed}/{week}/{timezone}")).plan()
    repositories, projects = assemble(plan, seed)
    _deploy(repositories, Week.of(week, timezone))
    boards = _boards(projects, Week.of(week, timezone))
    team = TeamSpec(
        team="payments",
        timezone=timezone,
        repositories=list(catalog.REPOSITORIES),
        projects=list(catalog.PROJECTS),
        slack_channels=["payments", "payments-backup", "engineering"],
        boards=[board.id for board in boards],
        deployments=["production"],
        calendar="payments",
        holidays="US",
    )
    return World(
        repositories=repositories,
        projects=projects,
        boards=boards,
        calendars={"payments": TeamCalendar("payments", timezone, _events(Week.of(week, timezone)))},
        slack_channels=list(team.slack_channels),
        teams=[team],
        week=week,
    )


def _boards(projects: dict[str, Project], week: Week) -> list[Board]:
    """A board a project: the running sprint of two weeks ends with the week after, the next one is planned."""
    boards = []
    for position, project in enumerate(projects.values(), start=1):
        started = [issue.key for issue in project.issues if issue.status_category == "indeterminate"]
        done = [issue.key for issue in project.issues if issue.resolved_at and issue.resolved_at >= week.start]
        planned = [issue.key for issue in project.issues if issue.status_category == "new"]
        running = Sprint(
            position * 10,
            f"{project.key} sprint 23",
            "active",
            starts_at=week.at(0, 10),
            ends_at=week.at(11, 16),
            goal=catalog.SPRINT_GOALS.get(project.key, ""),
            issue_keys=[*done, *started],
        )
        upcoming = Sprint(
            position * 10 + 1,
            f"{project.key} sprint 24",
            "future",
            starts_at=week.at(14, 10),
            ends_at=week.at(25, 16),
            issue_keys=planned,
        )
        boards.append(Board(40 + position, f"{project.name} board", project.key, [running, upcoming]))
    return boards


def _deploy(repositories: dict[str, Repository], week: Week) -> None:
    """Production gets a part of what was merged, most of it at the first try; staging gets all."""
    for repository in repositories.values():
        in_week = [one for one in repository.commits if week.start <= one.committed_at < week.end]
        for number, commit in enumerate(reversed(in_week)):
            at = commit.committed_at + timedelta(minutes=12)
            for environment in ("staging", "production") if number % 3 == 0 else ("staging",):
                failed = environment == "production" and number == 3 and repository.full_name == catalog.API
                state = "failure" if failed else "success"
                known = 1_000 * repository.id + len(repository.deployments)
                repository.deployments.append(Deployment(known, commit.sha, environment, commit.author, at, at, state))


def _events(week: Week) -> list[CalendarEvent]:
    """Two weeks to come, with a meeting that is nobody else's business and one that was called off."""

    def days(first: int, last: int) -> tuple[date, date]:
        return week.monday + timedelta(days=first), week.monday + timedelta(days=last + 1)

    def event(name: str, summary: str, when: tuple[date, date], **marks: str) -> CalendarEvent:
        return CalendarEvent(f"{name}@acme.example", summary, *when, marks)

    out_of_office = {"X-MICROSOFT-CDO-BUSYSTATUS": "OOF"}
    anna, mehmet, priya = (person.name for person in TEAM[:3])
    weekly = (week.at(-6, 10), week.at(-6, 11))
    return [
        event("leave-1", f"{anna}: vacation", days(7, 11), **out_of_office),
        event("leave-2", f"{mehmet}: parental leave", days(-20, 40), CATEGORIES="Leave"),
        event("leave-3", f"{priya} at a conference", days(9, 10), TRANSP="OPAQUE"),
        event("freeze", "Code freeze for Black Friday", days(10, 14), CATEGORIES="Code freeze"),
        event("launch", "Launch: instant payouts, Austria", days(15, 15), TRANSP="TRANSPARENT"),
        event("cancelled", "Team outing", days(11, 11), STATUS="CANCELLED"),
        event("private", "Doctor", days(8, 8), CLASS="PRIVATE", **out_of_office),
        event("hostile", "<!channel> <b>see</b> @everyone {{ 7 * 7 }}", days(8, 8), CATEGORIES="Vacation"),
        CalendarEvent("standup@acme.example", "Stand-up", *weekly, {"RRULE": "FREQ=WEEKLY"}),
    ]


class _DemoPlanner:
    def __init__(self, week: Week, random: Random) -> None:
        self._week = week
        self._random = random
        self._plan = Plan(repositories=list(catalog.REPOSITORIES), projects=dict(catalog.PROJECTS))
        self._next_author = 0

    def plan(self) -> Plan:
        stories = list(catalog.STORIES)
        self._random.shuffle(stories)
        in_week = stories[:_STORIES_IN_WEEK]
        after = stories[_STORIES_IN_WEEK : _STORIES_IN_WEEK + _STORIES_AFTER]
        before = stories[_STORIES_IN_WEEK + _STORIES_AFTER :]
        self._ordinary_work(before, weeks_later=-1)
        self._everybody_was_here_before()
        self._ordinary_work(in_week, weeks_later=0)
        self._ordinary_work((*catalog.HOSTILE_STORIES, catalog.BREAKING_STORY), weeks_later=0)
        self._ordinary_work((catalog.QUIET_BREAKING_STORY, catalog.SKIPPED_STORY), weeks_later=0)
        self._ordinary_work(after, weeks_later=1)
        self._dependency_bumps()
        self._edges()
        self._reverts()
        self._newcomer()
        self._unmerged()
        self._issues_without_code()
        self._issues_that_close_in_another_week()
        self._releases()
        return self._plan

    def _ordinary_work(self, stories: Iterable[Story], weeks_later: int) -> None:
        for story in stories:
            self._add(story, self._week.working_time(self._random, weeks_later))

    def _everybody_was_here_before(self) -> None:
        """A commit each in the weeks before, so that only the newcomer is new."""
        subjects = (
            "Update the on-call rota",
            "Add myself to CODEOWNERS",
            "Document the local setup on macOS",
            "Raise the log level of the payout job",
            "Sort the feature flags by owner",
            "Fix the link to the architecture diagram",
            "Ignore coverage reports",
            "Use the shared lint configuration",
            "Remove the old status badge",
        )
        for person, subject in zip((*TEAM, CONTRACTOR), subjects, strict=True):
            repository = self._random.choice(catalog.REPOSITORIES)
            story = Story(repository, subject, landing=Landing.COMMIT)
            self._add(story, self._week.working_time(self._random, -2), author=person)

    def _dependency_bumps(self) -> None:
        for position, (repository, title) in enumerate(catalog.BUMPS):
            bot = RENOVATE if ": update " in title else DEPENDABOT
            landed_at = self._week.working_time(self._random, weeks_later=-1 if position % 3 == 2 else 0)
            self._add(Story(repository, title, labels=("dependencies",)), landed_at, author=bot)

    def _edges(self) -> None:
        start, end, second = self._week.start, self._week.end, timedelta(seconds=1)
        for story, landed_at in zip(catalog.EDGE_STORIES, (start, start - second, end - second, end), strict=True):
            self._add(story, landed_at)
        for story, landed_at in zip(catalog.EDGE_COMMITS, (start, end), strict=True):
            self._add(story, landed_at)
        for (project, kind, summary), resolved_at in zip(catalog.EDGE_ISSUES, (start, end), strict=True):
            self._add_issue(project, kind, summary, resolved_at)

    def _reverts(self) -> None:
        reverted = self._add(catalog.REVERTED_STORY, self._week.at(1, 10, 12, 40))
        self._add_revert(reverted, self._week.at(3, 16, 31, 5))
        old = self._add(catalog.OLD_REVERTED_STORY, self._week.at(-5, 14, 2, 11))
        self._add_revert(old, self._week.at(2, 9, 45, 50), body="First paint got slower on cheap phones.")
        pushed = self._add(catalog.REVERTED_COMMIT_STORY, self._week.at(0, 11, 20, 3))
        self._add_revert(pushed, self._week.at(0, 13, 1, 44))

    def _newcomer(self) -> None:
        story = Story(
            catalog.WEB,
            "fix(receipts): print the merchant's VAT number on receipts",
            "My first change here, thanks for the patient review!",
            ("PAY", "Bug", "VAT number missing on receipts"),
            ("bug", "good first issue"),
        )
        change = self._add(story, self._week.at(3, 11, 26, 9), author=NEWCOMER)
        change.co_authors = (TEAM[2],)
        contractor = Story(catalog.INFRA, "Cache Maven packages on the build box", landing=Landing.COMMIT)
        self._add(contractor, self._week.at(4, 15, 3, 31), author=CONTRACTOR)

    def _unmerged(self) -> None:
        for story in (*catalog.OPEN_STORIES, *catalog.CLOSED_STORIES):
            opened_at = self._week.working_time(self._random)
            change = self._change(story, opened_at, None)
            if story in catalog.CLOSED_STORIES:
                change.closed_at = opened_at + timedelta(hours=5, minutes=17)
            if change.issue is not None:
                change.issue.is_started = True

    def _issues_without_code(self) -> None:
        for project, kind, summary in catalog.ISSUES_WITHOUT_CODE:
            self._add_issue(project, kind, summary, self._week.working_time(self._random))
        for project, kind, summary in catalog.UPCOMING_ISSUES:
            self._add_issue(project, kind, summary, None)
        # The body names an issue of its own besides the title's: the title wins, the other stays an item.
        titled = [change for change in self._landed_in_week() if _names_in_title(change)]
        titled[0].mentions = self._add_issue("PAY", "Bug", "Refund e-mail goes out twice", self._week.at(2, 17, 55))

    def _issues_that_close_in_another_week(self) -> None:
        """Code and issue seldom end on the same day; here not even in the same week."""
        early = [change for change in self._landed_in_week() if _names_in_title(change)][-1]
        assert early.issue is not None, "chosen for its issue"
        early.issue.resolved_at = self._week.end + timedelta(hours=10)
        late = next(
            change
            for change in self._plan.changes
            if change.issue is not None and change.landed_at is not None and change.landed_at < self._week.start
        )
        assert late.issue is not None, "chosen for its issue"
        late.issue.resolved_at = self._week.at(1, 12, 15)

    def _releases(self) -> None:
        for day, (repository, tag, name, body, is_prerelease) in enumerate(catalog.RELEASES, start=1):
            published_at = self._week.at(day, 17, 30)
            self._plan.releases.append(
                PlannedRelease(repository, tag, name, body, TEAM[day], published_at, is_prerelease)
            )
        earlier = PlannedRelease(
            catalog.WEB, "v4.17.2", "Dashboard 4.17.2", "Translations.", TEAM[0], self._week.at(-4, 12)
        )
        self._plan.releases.append(earlier)

    def _landed_in_week(self) -> list[PlannedChange]:
        start, end = self._week.start, self._week.end
        return [change for change in self._plan.changes if change.landed_at and start <= change.landed_at < end]

    def _add(self, story: Story, landed_at: datetime, author: Person | None = None) -> PlannedChange:
        opened_at = landed_at - timedelta(minutes=self._random.randrange(90, 60 * 70))
        return self._change(story, opened_at, landed_at, author)

    def _add_revert(self, reverted: PlannedChange, landed_at: datetime, body: str = "") -> None:
        landing = Landing.COMMIT if reverted.landing is Landing.COMMIT else Landing.SQUASH
        story = Story(reverted.repository, "", body, landing=landing)
        change = self._change(story, landed_at - timedelta(minutes=20), landed_at)
        change.reverts = reverted

    def _change(
        self, story: Story, opened_at: datetime, landed_at: datetime | None, author: Person | None = None
    ) -> PlannedChange:
        author = author or self._author()
        change = PlannedChange(
            repository=story.repository,
            title=story.title,
            author=author,
            opened_at=opened_at,
            landed_at=landed_at,
            landing=story.landing,
            body=story.body,
            footer=story.footer,
            steps=story.steps,
            labels=story.labels,
            known_account=author is not CONTRACTOR,
        )
        if author not in BOTS and story.landing is Landing.SQUASH and self._random.random() < 0.2:
            change.co_authors = (self._random.choice([person for person in TEAM if person is not author]),)
        if story.issue is not None:
            resolved_at = landed_at + timedelta(minutes=self._random.randrange(5, 240)) if landed_at else None
            change.issue = self._add_issue(*story.issue, resolved_at)
            change.issue.assignee = author
            change.key_place = self._random.choice((KeyPlace.TITLE, KeyPlace.TITLE, KeyPlace.BODY, KeyPlace.BRANCH))
        self._plan.changes.append(change)
        return change

    def _add_issue(self, project: str, kind: str, summary: str, resolved_at: datetime | None) -> PlannedIssue:
        days = self._random.randrange(2, 25)
        known_by = resolved_at or self._week.at(3, 12)
        issue = PlannedIssue(
            project=project,
            issue_type=kind,
            summary=summary,
            created_at=known_by - timedelta(days=days, minutes=self._random.randrange(600)),
            resolved_at=resolved_at,
            priority="Highest" if kind == "Incident" else self._random.choice(_PRIORITIES),
        )
        self._plan.issues.append(issue)
        return issue

    def _author(self) -> Person:
        """In turn, with a little chance, so that everybody has something in a week."""
        self._next_author += self._random.choice((1, 1, 1, 2))
        return TEAM[self._next_author % len(TEAM)]


def _names_in_title(change: PlannedChange) -> bool:
    return change.issue is not None and change.key_place is KeyPlace.TITLE
