"""The step `acme.read_wiki`: while GitHub is away, the team's wiki tells what was merged."""

import json
import os
from datetime import datetime
from pathlib import Path

from devsync.recovery_steps import (
    Author,
    FailedUnit,
    ProvenanceKind,
    PullRequest,
    RepositoryData,
    StepRequest,
    StepResult,
    recovery_step,
    stand_in,
)


@recovery_step("acme.read_wiki")
async def read_wiki(message: StepRequest) -> StepResult:
    """Raises where the wiki cannot be read: the step has failed then, and the plan goes on with the next."""
    wiki = json.loads(Path(os.environ["ACME_WIKI"]).read_text())[message.arguments["space"]]
    known = [unit for unit in message.units if unit.unit in wiki]
    healed = [stand_in(unit, _read(unit, wiki), ProvenanceKind.DERIVED, _written_at(wiki)) for unit in known]
    return StepResult(healed=tuple(healed), message=f"the wiki knows {len(known)} of {len(message.units)}")


def _read(unit: FailedUnit, wiki: dict[str, list[dict[str, str]]]) -> RepositoryData:
    repository = unit.unit.partition(":")[2]
    merged = tuple(
        PullRequest(
            number=int(line["number"]),
            title=line["title"],
            author=Author(name=line["by"]),
            created_at=datetime.fromisoformat(line["merged_at"]),
            merged_at=datetime.fromisoformat(line["merged_at"]),
        )
        for line in wiki[unit.unit]
    )
    return RepositoryData(repository=repository, pull_requests=merged)


def _written_at(wiki: dict[str, list[dict[str, str]]]) -> datetime:
    return max(datetime.fromisoformat(line["merged_at"]) for lines in wiki.values() for line in lines)
