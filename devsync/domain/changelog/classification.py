"""Which section a change belongs to: by label, conventional commit, JIRA type, then its words.

The tables at the top are the rules; the code below only looks things up, and the first rule that speaks decides.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from devsync.domain.changelog.breaking import breaking_note
from devsync.domain.changelog.collected import JiraIssue
from devsync.domain.changelog.conventional import ConventionalCommit, parse
from devsync.domain.changelog.edition import ClassifiedBy, Section
from devsync.domain.changelog.folding import Change
from devsync.domain.changelog.labels import plain_label
from devsync.domain.changelog.reverts import innermost_subject
from devsync.domain.changelog.texts import changelog_override, one_line

LABEL_SECTIONS: Mapping[str, Section] = {
    "security": Section.SECURITY,
    "vulnerability": Section.SECURITY,
    "feature": Section.FEATURES,
    "feat": Section.FEATURES,
    "new-feature": Section.FEATURES,
    "enhancement": Section.FEATURES,
    "improvement": Section.FEATURES,
    "bug": Section.FIXES,
    "bugfix": Section.FIXES,
    "bug-fix": Section.FIXES,
    "fix": Section.FIXES,
    "hotfix": Section.FIXES,
    "regression": Section.FIXES,
    "incident": Section.FIXES,
    "performance": Section.PERFORMANCE,
    "perf": Section.PERFORMANCE,
    "dependencies": Section.DEPENDENCIES,
    "dependency": Section.DEPENDENCIES,
    "deps": Section.DEPENDENCIES,
    "documentation": Section.DOCUMENTATION,
    "docs": Section.DOCUMENTATION,
    "internal": Section.INTERNAL,
    "chore": Section.INTERNAL,
    "refactor": Section.INTERNAL,
    "refactoring": Section.INTERNAL,
    "maintenance": Section.INTERNAL,
    "tests": Section.INTERNAL,
    "test": Section.INTERNAL,
    "testing": Section.INTERNAL,
    "ci": Section.INTERNAL,
    "build": Section.INTERNAL,
    "tech-debt": Section.INTERNAL,
}
"""Names without their group (`type: bug`, `kind/bug`), in lower case, words joined by hyphens. Where a pull request
has several, the first of this table wins."""

TYPE_SECTIONS: Mapping[str, Section] = {
    "feat": Section.FEATURES,
    "feature": Section.FEATURES,
    "improvement": Section.FEATURES,
    "fix": Section.FIXES,
    "bugfix": Section.FIXES,
    "hotfix": Section.FIXES,
    "perf": Section.PERFORMANCE,
    "security": Section.SECURITY,
    "revert": Section.REVERTED,
    "docs": Section.DOCUMENTATION,
    "doc": Section.DOCUMENTATION,
    "deps": Section.DEPENDENCIES,
    "build": Section.INTERNAL,
    "chore": Section.INTERNAL,
    "ci": Section.INTERNAL,
    "refactor": Section.INTERNAL,
    "release": Section.INTERNAL,
    "style": Section.INTERNAL,
    "test": Section.INTERNAL,
    "tests": Section.INTERNAL,
}
"""Types that are understood. Another word before a colon (`sdk: fix it`, `PAY-12: fix it`) is part of the title."""

SCOPE_SECTIONS: Mapping[str, Section] = {
    "deps": Section.DEPENDENCIES,
    "deps-dev": Section.DEPENDENCIES,
    "dependencies": Section.DEPENDENCIES,
}
"""Scopes that say more than the type: `chore(deps)`, `fix(deps)`."""

ISSUE_TYPE_SECTIONS: Mapping[str, Section] = {
    "bug": Section.FIXES,
    "defect": Section.FIXES,
    "incident": Section.FIXES,
    "story": Section.FEATURES,
    "feature": Section.FEATURES,
    "new feature": Section.FEATURES,
    "improvement": Section.FEATURES,
    "vulnerability": Section.SECURITY,
    "security": Section.SECURITY,
    "documentation": Section.DOCUMENTATION,
    "dependency upgrade": Section.DEPENDENCIES,
    "test": Section.INTERNAL,
    "technical debt": Section.INTERNAL,
}

NOT_DONE_RESOLUTIONS = frozenset(
    {
        "abandoned",
        "cannot reproduce",
        "declined",
        "duplicate",
        "incomplete",
        "invalid",
        "not a bug",
        "obsolete",
        "rejected",
        "won't do",
        "won't fix",
    }
)
"""An issue closed like this shipped nothing: it stands among the issues, never among features or fixes."""

LEADING_WORDS: Mapping[str, Section] = {
    **dict.fromkeys(("fix", "fixes", "fixed", "fixing", "bugfix", "hotfix"), Section.FIXES),
    **dict.fromkeys(("correct", "repair", "resolve", "resolves", "restore", "prevent", "avoid"), Section.FIXES),
    **dict.fromkeys(("handle", "guard", "ensure", "stop", "workaround"), Section.FIXES),
    **dict.fromkeys(("add", "adds", "added", "adding", "allow", "enable", "expose", "implement"), Section.FEATURES),
    **dict.fromkeys(("introduce", "provide", "support", "create", "improve", "extend"), Section.FEATURES),
    **dict.fromkeys(("accept", "deprecate", "feat", "feature", "make", "new", "warn"), Section.FEATURES),
    **dict.fromkeys(("optimize", "optimise", "accelerate", "perf"), Section.PERFORMANCE),
    **dict.fromkeys(("document", "docs", "doc", "clarify"), Section.DOCUMENTATION),
    **dict.fromkeys(("bump", "upgrade"), Section.DEPENDENCIES),
    **dict.fromkeys(("refactor", "rename", "move", "clean", "cleanup", "tidy", "decouple"), Section.INTERNAL),
    **dict.fromkeys(("remove", "removing", "delete", "drop", "replace", "swap", "split"), Section.INTERNAL),
    **dict.fromkeys(("simplify", "extract", "rework", "reorganize", "migrate", "unify"), Section.INTERNAL),
    **dict.fromkeys(("release", "prepare", "merge", "ci", "build", "chore", "pin"), Section.INTERNAL),
    **dict.fromkeys(("automate", "test", "tests"), Section.INTERNAL),
}
"""The first word of a title, behind issue keys and module names."""

Words = tuple[frozenset[str], Section]

WORDS_BEFORE_LEADING: tuple[Words, ...] = (
    (frozenset({"cve", "cves", "vulnerability", "vulnerabilities", "xss", "csrf", "ssrf"}), Section.SECURITY),
    (
        frozenset({"readme", "javadoc", "docstring", "docstrings", "documentation", "typo", "typos"}),
        Section.DOCUMENTATION,
    ),
    (frozenset({"tests", "flaky", "pytest", "testcase", "testcases"}), Section.INTERNAL),
)
"""Words that say more than the first one, wherever they stand, asked in this order: an upgrade that closes a hole is
security, a fixed typo is documentation, a fixed flaky test is internal."""

WORDS_AFTER_LEADING: tuple[Words, ...] = (
    (frozenset({"lint", "linter", "refactoring"}), Section.INTERNAL),
    (frozenset({"faster", "speed", "performance", "latency"}), Section.PERFORMANCE),
    (
        frozenset({"bug", "crash", "crashes", "deadlock", "fail", "fails", "failure", "hang", "hangs", "leak"})
        | frozenset({"leaks", "broken", "regression", "throws", "wrong", "npe", "incorrect", "incorrectly"})
        | frozenset({"unexpected", "unexpectedly", "missing", "invalid", "cannot", "unable", "ignores", "never"})
        | frozenset({"should", "not", "stale", "race"}),
        Section.FIXES,
    ),
)
"""Words of titles that describe a fault instead of a change, as issue trackers word them."""

FAULT_ENDINGS = ("error", "errors", "exception", "exceptions")
"""`AssertionError`, `NullPointerException`: a title that names one, and starts with no telling word, is a fix."""

BRANCH_PREFIXES: Mapping[str, Section] = {
    "feature": Section.FEATURES,
    "feat": Section.FEATURES,
    "fix": Section.FIXES,
    "bugfix": Section.FIXES,
    "hotfix": Section.FIXES,
    "docs": Section.DOCUMENTATION,
    "chore": Section.INTERNAL,
    "refactor": Section.INTERNAL,
    "dependabot": Section.DEPENDENCIES,
    "renovate": Section.DEPENDENCIES,
}
"""What stands before the slash in a head branch; asked last."""

_LABEL_RANKS = {label: rank for rank, label in enumerate(LABEL_SECTIONS)}
_SECTIONS_BY_LABEL_RANK = tuple(LABEL_SECTIONS.values())
_SECTION_RANKS = {section: rank for rank, section in enumerate(Section)}

_DEPENDENCY_BUMP = re.compile(
    r"lock ?file maintenance\b|pins?\b[^\n]{0,200}?\b(?:dependency|dependencies|digest)"
    r"|(?:bump|update|upgrade)s?\b[^\n]{0,200}?"
    r"\b(?:dependency|dependencies|monorepo|lock ?files?|digest|submodule|to \^?v?\d(?!\d{3}\b(?!\.)))",
    re.IGNORECASE,
)
"""Routine, as bots word it. A number of four digits is a year; `pin Poetry to 2.2.1 for Python 3.9` is a remedy."""
_OWN_VERSION = re.compile(
    r"v?\d{1,9}\.\d[\w.+-]{0,60}|(?:bump|update) version(?: (?:from \S{1,60} )?to \S{1,60})?|version bump",
    re.IGNORECASE,
)
"""What a release leaves behind: `v20.5.1`, `Bump version to 1.26.0`."""
_ADDED_TEST = re.compile(r"add(?:s|ed|ing)?\b[^\n]{0,200}?\btest(?: cases?\b| for\b|\Z)", re.IGNORECASE)
_TITLE_PREFIX = re.compile(r"(?:\[[^\]]{0,60}\]\s*|[\w./-]{1,60}:\s+|[A-Z][A-Z0-9_]{1,20}-\d{1,9}\s+(?:[-–—]\s+)?)*+")
_WORDS = re.compile(r"[^\W_]+")


class Verdict(NamedTuple):
    """What composition says of one change."""

    section: Section
    classified_by: ClassifiedBy
    title: str
    type: str = ""
    scope: str = ""
    is_breaking: bool = False
    breaking_note: str = ""
    is_skipped: bool = False
    """The change asks to be left out (`Changelog: skip`)."""


def classify_change(
    change: Change, issue_types: Iterable[str], incident_types: Collection[str], is_reverting: bool
) -> Verdict:
    """Judge a pull request or a lone commit.

    `issue_types` are the JIRA types of the issues it names, `incident_types` the team's names (lower case) of
    incidents. `is_reverting`: it undoes work from outside the window.
    """
    override = changelog_override(change.body)
    told = override or change.title
    telling = _understood(parse(told))
    conventional = telling or (_understood(parse(change.title)) if override else None) or _from_commits(change)
    note, breaking_rule = breaking_note(change)
    section, rule = _section(change, conventional, issue_types, incident_types)
    if is_reverting:
        section = Section.REVERTED
        is_conventional = conventional is not None and conventional.type == "revert"
        rule = ClassifiedBy.CONVENTIONAL_COMMIT if is_conventional else ClassifiedBy.HEURISTIC
    if breaking_rule is not None:
        section, rule = Section.BREAKING, breaking_rule
    title = _shown_title(change, told, telling)
    return Verdict(
        section=section,
        classified_by=rule,
        title=title,
        type=conventional.type if conventional is not None else "",
        scope=conventional.scope if conventional is not None else "",
        is_breaking=breaking_rule is not None,
        # `feat!: drop v1` says in its title what breaks; readers need it once.
        breaking_note=note if note != title else "",
        is_skipped=override == "",
    )


def classify_issue(issue: JiraIssue, incident_types: Collection[str]) -> Verdict:
    """Judge an issue that was resolved without code in the window."""
    title = one_line(issue.summary) or issue.key
    if issue.resolution.casefold().replace("’", "'") in NOT_DONE_RESOLUTIONS:
        return Verdict(Section.ISSUES, ClassifiedBy.JIRA_TYPE, title)
    by_label = _label_section(issue.labels)
    if by_label is not None:
        return Verdict(by_label, ClassifiedBy.LABEL, title)
    section = _issue_section((issue.issue_type,), incident_types)
    return Verdict(section or Section.ISSUES, ClassifiedBy.JIRA_TYPE, title)


def _section(
    change: Change,
    conventional: ConventionalCommit | None,
    issue_types: Iterable[str],
    incident_types: Collection[str],
) -> tuple[Section, ClassifiedBy]:
    by_label = _label_section(change.labels)
    if by_label is not None:
        return by_label, ClassifiedBy.LABEL
    if conventional is not None and conventional.type != "revert":
        return _conventional_section(conventional), ClassifiedBy.CONVENTIONAL_COMMIT
    by_issue = _issue_section(issue_types, incident_types)
    if by_issue is not None:
        return by_issue, ClassifiedBy.JIRA_TYPE
    branch = change.pull_request.head_branch if change.pull_request is not None else ""
    by_words = _section_by_words(innermost_subject(change.title)) or _branch_section(branch)
    if by_words is not None:
        return by_words, ClassifiedBy.HEURISTIC
    return Section.OTHER, ClassifiedBy.NOTHING


def _label_section(labels: Iterable[str]) -> Section | None:
    ranks = [rank for label in labels if (rank := _LABEL_RANKS.get(plain_label(label))) is not None]
    return _SECTIONS_BY_LABEL_RANK[min(ranks)] if ranks else None


def _conventional_section(conventional: ConventionalCommit) -> Section:
    by_scope = SCOPE_SECTIONS.get(conventional.scope.casefold())
    if by_scope is not None:
        return by_scope
    section = TYPE_SECTIONS[conventional.type]
    if section in (Section.FIXES, Section.INTERNAL) and _DEPENDENCY_BUMP.match(conventional.description):
        return Section.DEPENDENCIES
    if section is Section.FIXES and conventional.scope.casefold() == "security":
        return Section.SECURITY
    return section


def _issue_section(issue_types: Iterable[str], incident_types: Collection[str]) -> Section | None:
    for issue_type in issue_types:
        name = issue_type.casefold()
        if name in incident_types:
            return Section.FIXES
        if name in ISSUE_TYPE_SECTIONS:
            return ISSUE_TYPE_SECTIONS[name]
    return None


def _section_by_words(title: str) -> Section | None:
    conventional = _understood(parse(title))
    if conventional is not None and conventional.type != "revert":
        return _conventional_section(conventional)
    title = title[:300]
    prefix = _TITLE_PREFIX.match(title)
    said = title[prefix.end() :] if prefix is not None else title
    words = [word.casefold() for word in _WORDS.findall(said)]
    if not words:
        return None
    said_of = frozenset(words)
    section = _first_telling(WORDS_BEFORE_LEADING, said_of)
    if section is None and (_OWN_VERSION.fullmatch(said) or _ADDED_TEST.match(said)):
        section = Section.INTERNAL
    if section is None and _DEPENDENCY_BUMP.match(said):
        section = Section.DEPENDENCIES
    section = section or LEADING_WORDS.get(words[0]) or _first_telling(WORDS_AFTER_LEADING, said_of)
    if section is None and any(word.endswith(FAULT_ENDINGS) for word in words):
        section = Section.FIXES
    return section


def _first_telling(table: tuple[Words, ...], words: frozenset[str]) -> Section | None:
    return next((section for telling, section in table if not telling.isdisjoint(words)), None)


def _branch_section(branch: str) -> Section | None:
    prefix, slash, _ = branch.partition("/")
    return BRANCH_PREFIXES.get(prefix.casefold()) if slash else None


def _understood(conventional: ConventionalCommit | None) -> ConventionalCommit | None:
    return conventional if conventional is not None and conventional.type in TYPE_SECTIONS else None


def _from_commits(change: Change) -> ConventionalCommit | None:
    """The most visible kind among the commits that came in together, for a title that tells none."""
    if change.pull_request is None and len(change.commits) == 1:
        return None
    subjects = (commit.message.partition("\n")[0] for commit in change.commits if len(commit.parents) < 2)
    understood = (_understood(parse(subject)) for subject in subjects)
    found = [one for one in understood if one is not None and one.type != "revert"]
    return min(found, key=lambda one: _SECTION_RANKS[_conventional_section(one)], default=None)


def _shown_title(change: Change, told: str, telling: ConventionalCommit | None) -> str:
    title = telling.description if telling is not None and telling.type != "revert" else told
    return change.without_own_number(title) or told
