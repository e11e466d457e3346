"""What highlights promise of any edition; how they are chosen is told in `cases/`."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.changelog.edition import IssueLink, Item, Section
from devsync.domain.changelog.highlights import FEWEST, MOST, choose_highlights
from tests.domain.changelog.makers import item

ROUTINE = (Section.DEPENDENCIES, Section.INTERNAL)


@st.composite
def editions(draw: st.DrawFn) -> list[Item]:
    sections = draw(st.lists(st.sampled_from(Section), max_size=25))
    return [
        item(
            f"acme/api#{number}",
            section,
            is_breaking=section is Section.BREAKING,
            is_automated=section is not Section.BREAKING and draw(st.booleans()),
            issues=(IssueLink(key=draw(st.sampled_from(["PAY-1", "PAY-2"]))),),
        )
        for number, section in enumerate(sections)
    ]


def chosen_of(items: Sequence[Item]) -> list[Item]:
    by_id = {one.id: one for one in items}
    return [by_id[id_] for id_ in choose_highlights(items, {"PAY-1": "Highest"})]


@given(editions())
def test_three_to_seven_unless_the_week_has_less_to_read(items: list[Item]) -> None:
    chosen = chosen_of(items)
    assert len({one.id for one in chosen}) == len(chosen) <= MOST
    readable = [one for one in items if not one.is_automated and one.section not in ROUTINE]
    assert len(chosen) >= min(FEWEST, len(readable))


@given(editions())
def test_breaking_changes_lead_and_only_their_number_leaves_one_out(items: list[Item]) -> None:
    chosen = chosen_of(items)
    breaking = [one for one in items if one.is_breaking]
    assert [one.is_breaking for one in chosen] == sorted((one.is_breaking for one in chosen), reverse=True)
    assert sum(one.is_breaking for one in chosen) == min(len(breaking), MOST)


@given(editions())
def test_routine_leads_only_where_it_is_urgent(items: list[Item]) -> None:
    for one in chosen_of(items):
        assert not one.is_automated
        assert one.section not in ROUTINE or one.issues[0].key == "PAY-1"


def test_features_do_not_hide_the_security_fix() -> None:
    features = [item(f"acme/api#{number}") for number in range(20)]
    security = item("acme/api#99", Section.SECURITY)
    assert security.id in choose_highlights([*features, security], {})
