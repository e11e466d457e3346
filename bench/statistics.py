"""`python -m bench.statistics`: how long statistics over a million errors take, and what recording costs.

Row K of the targets. The errors of twelve weeks and forty teams, sixty kinds of which few are frequent, with an hour in
which a tenth of them happened. The rows come in by one statement; the counts are made by the triggers, as always. Each
question is asked as the commands ask it: the database's work, the way of its answer and what Python makes of it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from bench.report import Figure, Spread, print_report
from devsync.contracts.errors import ErrorRecord
from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.insight.span import Span
from devsync.domain.insight.statistics import error_statistics
from devsync.storage import migrate
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from devsync.storage.performance import Performance
from devsync.storage.statistics import Statistics
from sandbox.postgres import embedded_postgres

ROWS = 1_000_000
REPETITIONS = 7
END = datetime(2026, 11, 23, 10, 37, 12, tzinfo=UTC)
WEEKS = 12
WHOLE = Span(start=END - timedelta(weeks=WEEKS), end=END)
LAST_DAY = Span(start=END - timedelta(days=1), end=END)
HALF = Span(start=END - timedelta(weeks=WEEKS // 2), end=END)
BATCH = 200

# Kinds are frequent by the square of a random number; seconds of calls are spread evenly up to two.
_GENERATED = """
    SELECT number, kind, 'team' || lpad((number %% 40)::text, 2, '0') AS team,
           CASE WHEN number %% 10 = 0
                THEN CAST(%(end)s AS timestamptz) - interval '3 days' + random() * interval '40 minutes'
                ELSE CAST(%(end)s AS timestamptz) - random() * make_interval(weeks => %(weeks)s) END AS at
      FROM (SELECT number, floor(60 * random() ^ 2)::int AS kind
              FROM generate_series(1, CAST(%(rows)s AS bigint)) AS numbers (number)) AS kinds
"""

ERRORS = f"""
    INSERT INTO errors
    SELECT 'run', number::text, 1, 'changelog:' || team || ':2026-W47', team,
           (ARRAY['github', 'jira', 'slack', 'email'])[1 + kind %% 4], 'operation_' || kind %% 6,
           (ARRAY['network', 'external_service', 'rate_limiting', 'authentication'])[1 + kind %% 4],
           (ARRAY['low', 'medium', 'high'])[1 + kind %% 3], '503', substr(md5(kind::text), 1, 16),
           'the service answered 503 to operation ' || number, at
      FROM ({_GENERATED}) AS generated
"""

OPERATIONS = f"""
    INSERT INTO operations
    SELECT 'changelog:' || team || ':2026-W47', 'run', number::text, 1, 0, 'attempt', team,
           (ARRAY['github', 'jira', 'slack', 'email'])[1 + kind %% 4], 'operation_' || kind %% 6,
           at, 2 * random(), number %% 20 <> 0, 1, 1.0, 200.0, NULL
      FROM ({_GENERATED}) AS generated
"""


async def run(rows: int, repetitions: int) -> tuple[list[Figure], dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="devsync-bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        async with embedded_postgres(Path(name)) as server:
            migrate.upgrade(server.url())
            seconds = {
                table: await asyncio.to_thread(fill, server.url(), table, rows) for table in (ERRORS, OPERATIONS)
            }
            database = Database(server.url(), pool_size=1)
            try:
                asked = {what: await _timed(ask, repetitions) for what, ask in _questions(database).items()}
                written = {what: await _timed(write, repetitions) for what, write in _writes(database).items()}
                ((version,),) = await database.execute(text("SHOW server_version"))
            finally:
                await database.dispose()
    figures = [
        *(Figure("K", what, 1000 * spread.median, "ms", at_most=200) for what, spread in asked.items()),
        *(Figure("K", what, 1e6 * spread.median / BATCH, "µs") for what, spread in written.items()),
    ]
    details = {
        "rows": rows,
        "postgresql": version,
        "fill_seconds": list(seconds.values()),
        "seconds": {what: str(spread) for what, spread in (asked | written).items()},
    }
    return figures, details


def fill(url: str, statement: str, rows: int) -> float:
    """Without a time limit, and as a table that has been there for a while: with statistics of its own."""
    began = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement, {"end": END, "weeks": WEEKS, "rows": rows})
        connection.execute("VACUUM ANALYZE")
    return time.perf_counter() - began


def _questions(database: Database) -> dict[str, Callable[[], Awaitable[object]]]:
    statistics, performance = Statistics(database), Performance(database)

    async def errors_stats(span: Span) -> None:
        counts = await statistics.error_counts(span) + await statistics.error_counts(span.before)
        groups = await statistics.error_groups(span, limit=20)
        days = await statistics.daily_errors(span)
        attempts = await statistics.call_counts(span)
        found = error_statistics(span, counts, attempts, chain.from_iterable(days.values()))
        assert found.total == sum(day.count for day in found.by_day) >= sum(group.count for group in groups)

    return {
        "errors stats over 12 weeks": lambda: errors_stats(WHOLE),
        "errors stats over 6 weeks and the 6 before": lambda: errors_stats(HALF),
        "errors stats over the last day": lambda: errors_stats(LAST_DAY),
        "daily errors of one team over 12 weeks": lambda: statistics.daily_errors(WHOLE, team="team07"),
        "the services of the last hour": lambda: performance.services(Span(start=END - timedelta(hours=1), end=END)),
    }


def _writes(database: Database) -> dict[str, Callable[[], Awaitable[object]]]:
    numbers = iter(range(1_000_000))

    def error() -> ErrorRecord:
        return ErrorRecord(
            run_id="another run",
            activity_id=str(next(numbers)),
            attempt=1,
            workflow_id="changelog:team07:2026-W47",
            team="team07",
            service="github",
            operation="collect_repository",
            category=ErrorCategory.NETWORK,
            severity=ErrorSeverity.MEDIUM,
            code="503",
            fingerprint=f"kind {next(numbers) % 5}",
            message="github answered 503",
            occurred_at=END,
        )

    def operation() -> OperationRecord:
        return OperationRecord(
            workflow_id="changelog:team07:2026-W47",
            run_id="another run",
            activity_id=str(next(numbers)),
            attempt=1,
            kind=OperationKind.CALL,
            team="team07",
            service="github",
            operation="collect_repository",
            ended_at=END,
            seconds=0.3,
            succeeded=True,
        )

    return {
        "writing an error, of 200 at once": lambda: Errors(database).write([error() for _ in range(BATCH)]),
        "writing an operation, of 200 at once": lambda: Operations(database).write([operation() for _ in range(BATCH)]),
    }


async def _timed(work: Callable[[], Awaitable[object]], repetitions: int) -> Spread:
    await work()  # the first one plans
    seconds = []
    for _ in range(repetitions):
        began = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - began)
    return Spread(tuple(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.statistics", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="errors, and as many attempts")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    figures, details = asyncio.run(run(options.rows, options.repetitions))
    print_report("statistics", figures, details)


if __name__ == "__main__":
    main()
