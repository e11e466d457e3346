"""How much of what was asked for is there, and what is said of the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devsync.domain.changelog.collected import ProjectData, RepositoryData
from devsync.domain.changelog.composition import CompositionInput, ProjectUnit, RepositoryUnit
from devsync.domain.changelog.coverage import completeness_of, gaps_of, units_asked, with_lost
from devsync.domain.changelog.edition import Gap, Provenance, ProvenanceKind
from devsync.domain.changelog.window import week_window
from tests.domain.changelog.makers import TUESDAY

STAND_INS = [kind for kind in ProvenanceKind if kind is not ProvenanceKind.LIVE]


def plan(*asked: str, gaps: tuple[Gap, ...] = (), **units: Provenance) -> CompositionInput:
    """`units` maps repositories of acme, and PAY, to their provenance."""
    return CompositionInput(
        team="payments",
        iso_week="2026-W47",
        window=week_window("2026-W47", "UTC"),
        repositories=tuple(
            RepositoryUnit(data=RepositoryData(repository=f"acme/{name}"), provenance=provenance)
            for name, provenance in units.items()
            if name != "PAY"
        ),
        projects=tuple(
            ProjectUnit(data=ProjectData(project=name), provenance=provenance)
            for name, provenance in units.items()
            if name == "PAY"
        ),
        units_asked=asked,
        gaps=gaps,
    )


LIVE = Provenance()


def test_nothing_asked_is_complete() -> None:
    assert (completeness_of(plan()), gaps_of(plan())) == (1.0, ())


def test_all_live_is_complete_whatever_the_spelling() -> None:
    found = plan("github:Acme/API", "jira:PAY", api=LIVE, PAY=LIVE)
    assert (completeness_of(found), gaps_of(found)) == (1.0, ())


def test_nothing_collected_is_a_gap() -> None:
    found = plan("github:acme/api", "jira:PAY", api=LIVE)
    assert [(gap.unit, gap.service, gap.reason) for gap in gaps_of(found)] == [
        ("jira:PAY", "jira", "Nothing was collected.")
    ]
    assert completeness_of(found) == 0.5


@pytest.mark.parametrize("kind", STAND_INS)
def test_each_stand_in_is_a_gap_with_its_own_words_and_age(kind: ProvenanceKind) -> None:
    found = plan("github:acme/api", api=Provenance(kind=kind, as_of=TUESDAY))
    (gap,) = gaps_of(found)
    assert (gap.unit, gap.as_of, completeness_of(found)) == ("github:acme/api", TUESDAY, 0.0)
    others = [gaps_of(plan("github:acme/api", api=Provenance(kind=other)))[0] for other in STAND_INS if other != kind]
    assert gap.reason not in {other.reason for other in others}


def test_of_two_answers_the_better_one_counts() -> None:
    old = Provenance(kind=ProvenanceKind.CACHED, as_of=TUESDAY - timedelta(days=1))
    young = Provenance(kind=ProvenanceKind.CACHED, as_of=TUESDAY)
    assert gaps_of(plan("github:acme/api", api=old, API=LIVE)) == ()
    (gap,) = gaps_of(plan("github:acme/api", api=old, API=young))
    assert gap.as_of == TUESDAY


def test_what_collection_reports_is_told_in_its_words_and_once() -> None:
    reported = Gap(unit="github:acme/api", service="github", reason="GitHub answered 503")
    found = plan("github:acme/api", gaps=(reported, reported), api=LIVE)
    assert gaps_of(found) == (reported,)
    assert completeness_of(found) == 0.0


def test_a_gap_in_what_nobody_asked_for_costs_no_completeness() -> None:
    beside = Gap(unit="calendar:payments", service="calendar", reason="It did not answer.")
    found = plan("github:acme/api", gaps=(beside,), api=LIVE)
    assert (gaps_of(found), completeness_of(found)) == ((beside,), 1.0)


def test_units_are_named_once_in_order() -> None:
    assert units_asked(plan("jira:PAY", "github:acme/api", "jira:PAY")) == ("github:acme/api", "jira:PAY")


def test_what_stood_in_and_is_lost_stands_in_no_more_and_what_was_live_is_missing() -> None:
    stale = Gap(unit="github:acme/api", service="github", reason="503", as_of=TUESDAY, stand_in=ProvenanceKind.CACHED)
    other = Gap(unit="jira:PAY", service="jira", reason="404")
    lost = [Gap(unit=unit, service="local", reason="too large") for unit in ("github:acme/api", "github:acme/web")]
    assert with_lost((stale, other), lost) == (
        stale.model_copy(update={"as_of": None, "stand_in": None}),
        other,
        lost[1],
    )
