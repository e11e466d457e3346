"""An outage that is played changes the team's files: at once, and for as long as it must."""

from pathlib import Path
from typing import Any, NoReturn

import pytest
from temporalio.client import Client

from commands.outages import Outage, Sabotage, read_yaml, write_yaml

PAYMENTS = {"team": "payments", "github": {"repositories": ["acme/ledger", "acme/api"]}}


@pytest.fixture
def team(tmp_path: Path) -> Path:
    path = tmp_path / "teams" / "payments.yaml"
    path.parent.mkdir()
    write_yaml(path, PAYMENTS)
    return path


def test_who_reads_a_file_while_it_is_written_has_all_of_it(team: Path) -> None:
    with team.open() as reader:
        before = team.read_text()
        write_yaml(team, {"team": "payments"})
        assert reader.read() == before
    assert list(team.parent.iterdir()) == [team]


async def test_a_team_has_its_repositories_again_although_the_refresh_failed(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    async def fails(*_: object, **__: object) -> NoReturn:
        seen.append(read_yaml(team)["github"])
        raise ConnectionError("Temporal is away")

    monkeypatch.setattr("commands.outages.start_edition", fails)
    sabotage = Sabotage("http://nowhere.invalid", team.parent.parent, Outage(cached=True))
    sandbox = {"week": "2026-W47", "teams": [{"team": "payments", "repositories": ["acme/ledger"]}]}
    nobody = await Client.connect("nowhere.invalid:7233", lazy=True)
    with pytest.raises(ConnectionError):
        await sabotage.begin(nobody, sandbox)
    assert seen == [{"repositories": ["acme/api"], "mirrors": {}}]
    assert read_yaml(team) == PAYMENTS
