"""`handle_error` against a real worker: what heals, what stands in, what is told, and what is on record."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from devsync.api.connection import Connection
from devsync.api.core import Core
from devsync.api.handler import ChangelogErrorHandler
from devsync.api.sources import Fallback
from devsync.api.unavailable import NoWorker
from devsync.contracts import names
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.errors import ErrorCategory, ErrorContext, ErrorSeverity, RecoveryAction
from devsync.domain.exceptions import DataCollectionError, RateLimitError
from devsync.runtime.connection import TemporalUnreachable
from sandbox.temporal_server import TemporalServer
from tests.api.conftest import WEEK
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually

CONTEXT = {"service": "billing", "operation": "fetch_invoices", "team_id": ""}
LOST = DataCollectionError("the invoices did not come")


async def test_a_registered_source_stands_in_and_the_recovery_is_in_temporal(
    product: Stage, handler: ChangelogErrorHandler
) -> None:
    copy = {"invoices": [7, 8]}
    collected_at = datetime(2026, 11, 20, tzinfo=UTC)

    async def source() -> Fallback:
        return Fallback(copy, as_of=collected_at)

    handler.register_fallback_data_source("billing", source)
    result = await handler.handle_error(LOST, CONTEXT)
    assert (result.success, result.action_taken, result.escalation_required) == (True, RecoveryAction.FALLBACK, False)
    assert result.fallback_data is copy
    assert (result.metadata["source"], result.metadata["as_of"]) == ("program", collected_at)
    assert result.metadata["age"] > timedelta(days=1)
    assert result.metadata["steps"] == {"retry": "skipped", "source": "resolved"}
    run = product.client.get_workflow_handle(result.metadata["workflow_id"], result_type=RecoveryReport)
    report = await run.result()
    assert (report.service, report.steps[0].message) == ("billing", "the program has registered no operation to repeat")


async def test_a_registered_operation_is_repeated_and_heals(handler: ChangelogErrorHandler) -> None:
    tries: list[int] = []

    async def fetch_invoices() -> list[int]:
        tries.append(1)
        if len(tries) == 1:
            raise httpx.ReadTimeout("slow")
        return [1, 2, 3]

    handler.register_operation("billing", "fetch_invoices", fetch_invoices)
    result = await handler.handle_error(LOST, CONTEXT)
    assert (result.success, result.action_taken, result.fallback_data) == (True, RecoveryAction.RETRY, [1, 2, 3])
    assert len(tries) == 2


async def test_the_functions_run_in_the_loop_that_waits(handler: ChangelogErrorHandler) -> None:
    homes: list[asyncio.AbstractEventLoop] = []

    async def source() -> str:
        homes.append(asyncio.get_running_loop())
        return "here"

    handler.register_fallback_data_source("billing", source)
    await handler.handle_error(LOST, CONTEXT)
    await asyncio.to_thread(lambda: asyncio.run(handler.handle_error(LOST, CONTEXT)))
    assert homes[0] is asyncio.get_running_loop()
    assert homes[1] is not homes[0]


@pytest.mark.parametrize("gives", [None, object()])
async def test_a_source_that_has_nothing_or_nothing_that_json_holds_has_failed(
    handler: ChangelogErrorHandler, gives: Any
) -> None:
    async def source() -> Any:
        return gives

    handler.register_fallback_data_source("billing", source)
    result = await handler.handle_error(LOST, CONTEXT)
    assert (result.success, result.fallback_data) == (False, None)
    assert result.metadata["steps"]["source"] == "failed"
    assert "; not healed: source failed" in result.message


async def test_without_anything_registered_it_says_that_nothing_could_be_done(handler: ChangelogErrorHandler) -> None:
    result = await handler.handle_error(LOST, CONTEXT)
    assert (result.success, result.escalation_required, result.fallback_data) == (False, True, None)
    assert "the invoices did not come; not healed: there was nothing to try" in result.message
    assert result.metadata["outcome"] == "failed"


async def test_the_last_good_copy_of_the_same_week_stands_in_for_a_repository(
    product: Stage, handler: ChangelogErrorHandler
) -> None:
    await product.run(WEEK)
    repository = product.sandbox.world.teams[0].repositories[0]
    context = {
        "service": "github",
        "operation": "fetch_commits",
        "team_id": product.team,
        "repository": repository,
        "iso_week": WEEK,
    }
    result = await handler.handle_error(DataCollectionError("GitHub API failed"), context)
    assert (result.success, result.metadata["source"]) == (True, "cached")
    assert result.fallback_data["repository"] == repository
    assert result.metadata["age"] < timedelta(minutes=10)
    other_week = await handler.handle_error(
        DataCollectionError("GitHub API failed"), context | {"iso_week": "2026-W40"}
    )
    assert other_week.metadata["steps"]["cached"] == "succeeded"
    assert other_week.success or "cached succeeded and brought nothing" in other_week.message
    assert other_week.fallback_data is None or other_week.metadata["source"] != "cached"


async def test_what_was_caught_is_classified_by_itself(handler: ChangelogErrorHandler) -> None:
    wrapped = DataCollectionError("GitHub did not answer")
    wrapped.__cause__ = httpx.ConnectTimeout("nobody there")
    network = await handler.handle_error(wrapped, CONTEXT)
    limited = await handler.handle_error(RateLimitError("slow down", retry_after=timedelta(seconds=30)), CONTEXT)
    assert network.metadata["category"] == "network"
    assert (limited.metadata["category"], limited.retry_after) == ("rate_limiting", timedelta(seconds=30))
    assert not limited.escalation_required


async def test_what_the_context_states_wins(handler: ChangelogErrorHandler) -> None:
    context = ErrorContext(
        error=LOST,
        service="billing",
        operation="x",
        category=ErrorCategory.DATABASE,
        severity=ErrorSeverity.CRITICAL,
    )
    result = await handler.handle_error(LOST, context)
    assert (result.metadata["category"], result.metadata["severity"]) == ("database", "critical")


@pytest.mark.parametrize("context", [None, {}, {"service": None, "severity": "dreadful", 7: object()}])
async def test_a_context_that_says_little_or_nonsense_stops_nothing(
    handler: ChangelogErrorHandler, context: Any
) -> None:
    result = await handler.handle_error(ValueError("what is that"), context)
    assert (result.success, result.metadata["category"]) == (False, "system")


@pytest.mark.parametrize("error", ["it broke", None, ValueError])
async def test_an_error_that_is_none_is_refused(handler: ChangelogErrorHandler, error: Any) -> None:
    with pytest.raises(TypeError, match="error must be of type Exception, not"):
        await handler.handle_error(error, {})


async def test_characters_that_nobody_can_write_stop_nothing(
    product: Stage, handler: ChangelogErrorHandler, core: Core
) -> None:
    odd = "\ud800\x00"
    context = {"service": f"odd{odd}", "operation": odd, "team_id": odd, f"note{odd}": odd}
    result = await handler.handle_error(DataCollectionError(f"bad {odd}"), context)
    assert result.metadata["outcome"] == "failed"
    assert await core.run(core.is_written(PATIENCE_SECONDS))
    assert len(product.rows("SELECT 1 FROM errors WHERE service LIKE 'odd%'")) == 1


async def test_without_a_worker_it_says_so_and_does_not_wait(hasty_temporal: TemporalServer) -> None:
    connection = Connection(program="early", temporal_address=hasty_temporal.address)
    early = ChangelogErrorHandler(connection=connection)
    with pytest.raises(NoWorker, match=r"start one with `python worker\.py`"):
        await asyncio.wait_for(early.handle_error(LOST, CONTEXT), 10)
    early.close()


async def test_alike_errors_that_meet_are_one_recovery(handler: ChangelogErrorHandler) -> None:
    asked: list[int] = []

    async def source() -> dict[str, int]:
        asked.append(1)
        await asyncio.sleep(0.5)
        return {"n": 1}

    handler.register_fallback_data_source("billing", source)
    results = await asyncio.gather(*(handler.handle_error(LOST, CONTEXT) for _ in range(200)))
    assert len({result.metadata["workflow_id"] for result in results}) == 1
    assert len(asked) == 1


async def test_errors_about_different_repositories_never_share_their_data(handler: ChangelogErrorHandler) -> None:
    async def of_the_repository(context: ErrorContext) -> str:
        await asyncio.sleep(0.3)
        return f"commits of {context.metadata['repository']}"

    handler.register_fallback_data_source("mirror", of_the_repository)
    contexts = [{"service": "mirror", "operation": "fetch", "repository": name} for name in ("acme/a", "acme/b")]
    results = await asyncio.gather(*(handler.handle_error(LOST, context) for context in contexts))
    assert [result.fallback_data for result in results] == ["commits of acme/a", "commits of acme/b"]


async def test_each_error_is_on_record_and_in_the_audit_without_secrets(
    product: Stage, handler: ChangelogErrorHandler, core: Core
) -> None:
    secret = f"ghp_{'a1B2' * 9}"
    for _ in range(3):
        await handler.handle_error(DataCollectionError(f"refused {secret}"), CONTEXT | {"operation": "audited"})
    assert await core.run(core.is_written(PATIENCE_SECONDS))
    rows = product.rows("SELECT message, category, workflow_id FROM errors WHERE operation = 'audited'")
    entries = product.rows("SELECT outcome FROM audit WHERE action = 'billing.audited'")
    assert [row["message"] for row in rows] == ["billing: refused [redacted]"] * 3
    assert {row["category"] for row in rows} == {"data_collection"}
    assert [entry["outcome"] for entry in entries] == ["failed"] * 3
    assert all(row["workflow_id"].startswith(f"recovery:{names.PROGRAM}:tests:") for row in rows)


async def test_the_recovery_is_on_record(product: Stage, handler: ChangelogErrorHandler) -> None:
    result = await handler.handle_error(LOST, CONTEXT)

    async def is_recorded() -> bool:
        query = f"SELECT plan, outcome FROM recoveries WHERE workflow_id = '{result.metadata['workflow_id']}'"
        return product.rows(query) == [{"plan": "program", "outcome": "failed"}]

    await eventually(is_recorded)


async def test_from_many_threads_and_loops_at_once(handler: ChangelogErrorHandler) -> None:
    async def source() -> list[int]:
        return [1]

    handler.register_fallback_data_source("billing", source)

    def program(number: int) -> Any:
        context = CONTEXT | {"operation": f"fetch_{number}"}
        return asyncio.run(handler.handle_error(LOST, context)).fallback_data

    found = await asyncio.gather(*(asyncio.to_thread(program, number) for number in range(8)))
    assert found == [[1]] * 8


async def test_temporal_that_is_away_is_told_at_once_and_the_error_is_on_record_all_the_same(
    product: Stage,
) -> None:
    connection = Connection(
        program="lonely", temporal_address="127.0.0.1:1", database_url=product.environment["DATABASE_URL"]
    )
    handler = ChangelogErrorHandler(connection=connection)
    began = asyncio.get_running_loop().time()
    with pytest.raises(TemporalUnreachable, match=r"127\.0\.0\.1:1"):
        await handler.handle_error(LOST, CONTEXT | {"operation": "lonely"})
    assert asyncio.get_running_loop().time() - began < 5
    assert await handler.core.run(handler.core.is_written(PATIENCE_SECONDS))
    handler.close()
    assert len(product.rows("SELECT 1 FROM errors WHERE operation = 'lonely'")) == 1


@pytest.fixture
def elsewhere(product: Stage) -> Iterator[ChangelogErrorHandler]:
    """Of a program on a machine without config/ and without a database."""
    connection = Connection(program="elsewhere", temporal_address=product.environment["TEMPORAL_ADDRESS"])
    handler = ChangelogErrorHandler(connection=connection)
    yield handler
    handler.close()


async def test_a_program_without_a_database_has_its_data_carried(
    elsewhere: ChangelogErrorHandler,
) -> None:
    async def source() -> dict[str, int]:
        return {"n": 1}

    elsewhere.register_fallback_data_source("billing", source)
    result = await elsewhere.handle_error(LOST, CONTEXT)
    assert result.fallback_data == {"n": 1}
