"""The team that a run works for stands in its id."""

import pytest

from devsync.contracts import names


@pytest.mark.parametrize("team", ["payments", "a-b-2026-11-23", "x"])
def test_the_team_is_read_from_every_id_that_names_one(team: str) -> None:
    ids = [
        names.edition_id(team, "2026-W47"),
        names.preview_id(team, "2026-W47"),
        names.delivery_id(team, "2026-W47", "slack-payments"),
        names.due_id(team),
        f"{names.due_id(team)}-2026-11-23T08:00:00Z",
    ]
    assert [names.team_of(one) for one in ids] == [team] * len(ids)


@pytest.mark.parametrize("workflow_id", ["", "breaker:github", "monitor", "somebody:elses"])
def test_work_for_nobody_or_for_many_has_no_team(workflow_id: str) -> None:
    assert names.team_of(workflow_id) == ""
