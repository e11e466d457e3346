"""A program pays for what it uses: each library that it loads costs it a part of a second at its first error."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from commands.stack import ROOT

CLIENTS = {"github", "jira", "slack_sdk", "requests", "urllib3", "httpx", "aiohttp", "aiosmtplib"}
"""Of services that a program may never call."""
DATABASE = {"sqlalchemy", "psycopg", "alembic"}
OF_EDITIONS = {"jinja2", "holidays"}

HANDLES_AN_ERROR = """
import asyncio
from devsync import ChangelogErrorHandler, DataCollectionError, TemporalUnreachable

async def main():
    try:
        await ChangelogErrorHandler().handle_error(DataCollectionError("away"), {"service": "billing"})
    except TemporalUnreachable:
        pass

asyncio.run(main())
"""
NOWHERE = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
DATABASE_AWAY = NOWHERE | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}


def loaded(program: str, directory: Path, variables: Mapping[str, str]) -> set[str]:
    """The packages that the program has loaded at its end."""
    told = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **variables}
    ran = subprocess.run(
        [sys.executable, "-c", program + told],
        cwd=directory, env=environment, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_the_import_alone_loads_no_library(tmp_path: Path) -> None:
    libraries = CLIENTS | DATABASE | OF_EDITIONS | {"temporalio", "pydantic", "yaml"}
    assert loaded("import devsync", tmp_path, {}) & libraries == set()


@pytest.mark.parametrize(
    ("variables", "needless"),
    [(NOWHERE, CLIENTS | DATABASE | OF_EDITIONS), (DATABASE_AWAY, CLIENTS | OF_EDITIONS | {"alembic"})],
    ids=["without a database", "with a database"],
)
def test_a_handled_error_loads_what_it_needs(tmp_path: Path, variables: Mapping[str, str], needless: set[str]) -> None:
    found = loaded(HANDLES_AN_ERROR, tmp_path, variables)
    assert "temporalio" in found
    assert found & needless == set()
