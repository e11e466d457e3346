"""records.yaml held against who there is: a hold with a mistyped name would hold nothing, and nobody would know."""

import asyncio
from pathlib import Path

from devsync.settings.configuration import team_names
from devsync.settings.problems import ConfigError, any_of, did_you_mean
from devsync.settings.records import EVERYTHING, RecordSettings, read_records
from devsync.storage.audit import Audit
from devsync.storage.database import Database


async def read_records_with_holds(config_dir: Path, database: Database) -> RecordSettings:
    """records.yaml, whose holds name teams that have a file or are on record, though it be long ago.

    Raises ConfigError for a file that is wrong, DatabaseUnavailable and NotMigrated.
    """
    file = await asyncio.to_thread(read_records, config_dir / "records.yaml")
    held = [(at, hold.team) for at, hold in enumerate(file.model.legal_holds) if hold.team != EVERYTHING]
    if held:
        in_files = await asyncio.to_thread(team_names, config_dir)
        known = sorted({*in_files, *await Audit(database).teams()})
        otherwise = f"the known ones are {any_of(known)}" if known else "there is none yet"
        problems = [
            file.problem(
                f'neither a file nor a record knows the team "{team}", so that nothing is held; '
                f"{did_you_mean(team, known, otherwise)}",
                "legal_holds",
                at,
                "team",
            )
            for at, team in held
            if team not in known
        ]
        if problems:
            raise ConfigError(problems)
    return file.model
