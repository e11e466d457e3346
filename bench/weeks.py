"""A team's week of any size, from a seed: what composition is given, in the mix that real repositories show.

Of 100 items about 60 are squash-merged pull requests of people, 12 of bots, 10 true merges with their branches, 10 lone
commits, 6 issues done without code, 2 reverts of older work; besides, some pairs of a change and its revert, which
composition drops. Every second pull request names an issue. Shares of labels, co-authors, scopes and lengths of texts
are those seen in the histories of large open projects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from devsync.domain.changelog.collected import (
    Author,
    Commit,
    JiraIssue,
    ProjectData,
    PullRequest,
    RepositoryData,
)
from devsync.domain.changelog.composition import CompositionInput, CompositionRules, ProjectUnit, RepositoryUnit
from devsync.domain.changelog.window import week_window

WINDOW = week_window("2026-W47", "Europe/Berlin")
REPOSITORIES, PROJECTS, PEOPLE = 50, 10, 120
_DEPENDABOT = Author(name="dependabot[bot]", login="dependabot[bot]", is_bot=True)

_WORDS = (
    "payments", "refunds", "basket", "checkout", "invoice", "webhook", "retry", "cache", "index", "search", "export",
    "import", "session", "token", "mandate", "payout", "ledger", "balance", "currency", "rounding", "queue", "worker",
    "schedule", "report", "dashboard", "filter", "audit", "limit", "timeout", "header",
)  # fmt: skip
_VERBS = ("add", "allow", "show", "keep", "stop", "handle", "split", "move", "document", "speed up", "validate", "drop")
_KINDS = ("feat", "fix", "fix", "chore", "docs", "refactor", "perf", "test", "", "")
_LABELS = ("bug", "enhancement", "documentation", "team: core", "needs review", "size/S")
_SENTENCE = "The {0} of the {1} was read before the {2} had been written, so that the {3} showed an older {4}. "


def week(items: int, seed: int = 1) -> CompositionInput:
    """A week whose edition has about so many items. The same arguments give the same week."""
    return _Week(Random(f"{seed}/{items}")).of(items)


class _Week:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._people = [
            Author(name=f"Person {number}", login=f"person-{number}", email=f"person-{number}@acme.example")
            for number in range(PEOPLE)
        ]
        self._pulls: dict[str, list[PullRequest]] = defaultdict(list)
        self._commits: dict[str, list[Commit]] = defaultdict(list)
        self._issues: dict[str, list[JiraIssue]] = defaultdict(list)

    def of(self, items: int) -> CompositionInput:
        ways = (
            (self._squash, 60),
            (self._bump, 12),
            (self._merge, 10),
            (self._lone, 10),
            (self._issue, 6),
            (self._old_revert, 2),
            (self._pair, 1),
        )
        for way in self._random.choices([way for way, _ in ways], [share for _, share in ways], k=items):
            way()
        names, keys = list(self._names()), list(self._keys())
        return CompositionInput(
            team="payments",
            iso_week="2026-W47",
            window=WINDOW,
            rules=CompositionRules(exclude_labels=("skip-changelog",), incident_types=("Incident",)),
            repositories=tuple(
                RepositoryUnit(
                    data=RepositoryData(
                        repository=name,
                        default_branch="main",
                        commits=tuple(self._commits[name]),
                        pull_requests=tuple(self._pulls[name]),
                    )
                )
                for name in names
            ),
            projects=tuple(ProjectUnit(data=ProjectData(project=key, issues=tuple(self._issues[key]))) for key in keys),
            units_asked=(*(f"github:{name}" for name in names), *(f"jira:{key}" for key in keys)),
            known_people=tuple(f"person-{number}" for number in range(0, PEOPLE, 2)),
        )

    def _squash(self) -> PullRequest:
        repository, author = self._repository(), self._person()
        title, body = self._title(), self._body()
        if self._random.random() < 0.5:
            key = self._issue()
            if self._random.random() < 0.5:
                title = f"{title} ({key})"
            else:
                body = f"{body}\n\nCloses {key}"
        return self._squashed(repository, author, title, body, labels=self._labels())

    def _bump(self) -> None:
        library, major = self._random.choice(_WORDS), self._random.randrange(9)
        title = f"chore(deps): bump lib{library} from {major}.0.1 to {major}.1.0"
        self._squashed(self._repository(), _DEPENDABOT, title, self._body(), labels=("dependencies",))

    def _merge(self) -> None:
        repository, author = self._repository(), self._person()
        number = self._number(repository)
        tip = self._tip(repository)
        branch = [tip]
        merged_at = self._instant()
        for step in range(self._random.randint(2, 6)):
            at = merged_at - timedelta(hours=6 - step)
            branch.append(self._commit(repository, self._title(), author, max(at, WINDOW.start), (branch[-1],)))
        message = f"Merge pull request #{number} from acme/topic-{number}"
        merge = self._commit(repository, message, self._person(), merged_at, (tip, branch[-1]))
        self._pull(repository, number, author, self._title(), self._body(), merged_at, merge)

    def _lone(self) -> None:
        message = f"{self._title()}\n\n{self._body()}"
        repository = self._repository()
        self._commit(repository, message, self._person(), self._instant(), (self._tip(repository),))

    def _issue(self) -> str:
        key = self._random.choice(list(self._keys()))
        resolved_at = self._instant()
        issue = JiraIssue(
            key=f"{key}-{1000 + len(self._issues[key])}",
            summary=self._words(6).capitalize(),
            issue_type=self._random.choice(("Bug", "Story", "Task", "Improvement")),
            status="Done",
            resolution="Done",
            priority=self._random.choice(("Medium", "Medium", "Medium", "High", "Low")),
            assignee=self._person().name,
            created_at=resolved_at - timedelta(days=9),
            resolved_at=resolved_at,
            url=f"https://acme.atlassian.net/browse/{key}-{1000 + len(self._issues[key])}",
        )
        self._issues[key].append(issue)
        return issue.key

    def _old_revert(self) -> None:
        title, sha = self._title(), f"{self._random.getrandbits(160):040x}"
        self._squashed(self._repository(), self._person(), f'Revert "{title}"', f"This reverts commit {sha}.")

    def _pair(self) -> None:
        pull = self._squash()
        repository = pull.url.removeprefix("https://github.com/").partition("/pull/")[0]
        later = min(pull.merged_at + timedelta(hours=3), WINDOW.end - timedelta(seconds=1))
        body = f"Reverts {repository}#{pull.number}"
        self._squashed(repository, self._person(), f'Revert "{pull.title}"', body, at=later)

    def _squashed(
        self,
        repository: str,
        author: Author,
        title: str,
        body: str,
        labels: tuple[str, ...] = (),
        at: datetime | None = None,
    ) -> PullRequest:
        number, merged_at = self._number(repository), at or self._instant()
        trailer = ""
        if self._random.random() < 0.15:
            helper = self._person()
            trailer = f"\n\nCo-authored-by: {helper.name} <{helper.email}>"
        message = f"{title} (#{number})\n\n{body}{trailer}"
        sha = self._commit(repository, message, author, merged_at, (self._tip(repository),))
        return self._pull(repository, number, author, title, body, merged_at, sha, labels)

    def _pull(
        self,
        repository: str,
        number: int,
        author: Author,
        title: str,
        body: str,
        merged_at: datetime,
        sha: str,
        labels: tuple[str, ...] = (),
    ) -> PullRequest:
        pull = PullRequest(
            number=number,
            title=title,
            body=body,
            author=Author(name=author.login or "", login=author.login, is_bot=author.is_bot),
            labels=labels,
            head_branch=f"feature/{number}-{title[:20].replace(' ', '-')}",
            base_branch="main",
            created_at=merged_at - timedelta(days=1),
            merged_at=merged_at,
            merge_commit_sha=sha,
            url=f"https://github.com/{repository}/pull/{number}",
        )
        self._pulls[repository].append(pull)
        return pull

    def _commit(self, repository: str, message: str, author: Author, at: datetime, parents: tuple[str, ...]) -> str:
        sha = f"{self._random.getrandbits(160):040x}"
        commit = Commit(
            sha=sha,
            message=message,
            author=author,
            authored_at=at,
            committed_at=at,
            parents=parents,
            url=f"https://github.com/{repository}/commit/{sha}",
        )
        self._commits[repository].append(commit)
        return sha

    def _tip(self, repository: str) -> str:
        commits = self._commits[repository]
        return commits[-1].sha if commits else "0" * 40

    def _number(self, repository: str) -> int:
        return 400 + len(self._pulls[repository])

    def _repository(self) -> str:
        return f"acme/service-{int(self._random.triangular(0, REPOSITORIES, 0)):02d}"

    def _names(self) -> Iterator[str]:
        return (f"acme/service-{number:02d}" for number in range(REPOSITORIES))

    def _keys(self) -> Iterator[str]:
        return (f"PRJ{chr(ord('A') + number)}" for number in range(PROJECTS))

    def _person(self) -> Author:
        return self._random.choice(self._people)

    def _instant(self) -> datetime:
        return WINDOW.start + timedelta(seconds=self._random.randrange(7 * 24 * 3600))

    def _labels(self) -> tuple[str, ...]:
        if self._random.random() < 0.01:
            return ("security",)
        return tuple(self._random.sample(_LABELS, self._random.choice((0, 0, 0, 1, 2))))

    def _title(self) -> str:
        kind = self._random.choice(_KINDS)
        scope = f"({self._random.choice(_WORDS)})" if kind and self._random.random() < 0.5 else ""
        bang = "!" if kind and self._random.random() < 0.01 else ""
        said = f"{self._random.choice(_VERBS)} {self._words(self._random.randint(3, 8))}"
        return f"{kind}{scope}{bang}: {said}" if kind else said.capitalize()

    def _body(self) -> str:
        sentences = (_SENTENCE.format(*self._random.choices(_WORDS, k=5)) for _ in range(self._random.randint(0, 8)))
        return "".join(sentences)

    def _words(self, count: int) -> str:
        return " ".join(self._random.choices(_WORDS, k=count))
