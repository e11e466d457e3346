"""`ChangelogMonitoringIntegration` and `health_check`: the product's health, watched by a program."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pydantic
import pytest

from devsync import ChangelogMonitoringConfig
from devsync.api.connection import Connection
from devsync.api.core import Core
from devsync.api.handler import ChangelogErrorHandler
from devsync.api.monitoring import ChangelogMonitoringIntegration
from devsync.contracts import names
from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.domain.exceptions import DataCollectionError
from devsync.runtime.monitor import MonitorOperations
from tests.api.conftest import Handlers
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually

OFTEN = {"monitoring_interval_seconds": 5}


async def fail_often(handler: ChangelogErrorHandler, service: str, *, calls: int, failures: int) -> None:
    """Through the ordinary way of a program."""
    for number in range(calls):
        try:
            async with handler.performance_monitor("fetch", service):
                if number < failures:
                    raise ConnectionError("away")
        except ConnectionError:
            continue
    assert await handler.core.run(handler.core.is_written(PATIENCE_SECONDS))


async def test_health_tells_status_statistics_breakers_and_machine(handler: ChangelogErrorHandler) -> None:
    await handler.handle_error(DataCollectionError("nothing"), {"service": "checked", "operation": "fetch"})
    health = await handler.health_check()
    assert health["status"] in {"healthy", "degraded"}
    assert health["error_statistics"]["errors_by_service"]["checked"] == 1
    assert health["performance_statistics"]["total_operations"] == 0
    assert health["optimization_recommendations"] == []
    assert isinstance(health["circuit_breakers"], dict)
    assert health["system_metrics"]["memory_mb"] > 1
    assert health["system_metrics"]["database_mb"] > 1


async def test_operations_that_fail_make_it_unhealthy_with_the_reason(handler: ChangelogErrorHandler) -> None:
    await fail_often(handler, "shaky", calls=10, failures=5)
    health = await handler.health_check()
    assert health["services"]["shaky"]["band"] == "unhealthy"
    assert "5 of 10 attempts failed" in health["services"]["shaky"]["reasons"]
    assert any("shaky is unhealthy" in reason for reason in health["reasons"])


@pytest.fixture
def blind() -> Iterator[ChangelogErrorHandler]:
    connection = Connection(
        program="blind", temporal_address="127.0.0.1:1", database_url="postgresql://nobody@127.0.0.1:1/nothing"
    )
    handler = ChangelogErrorHandler(connection=connection)
    yield handler
    handler.close()


async def test_with_everything_away_health_is_unknown_and_raises_nothing(blind: ChangelogErrorHandler) -> None:
    health = await asyncio.wait_for(blind.health_check(), 20)
    assert (health["status"], health["error_statistics"], health["circuit_breakers"]) == ("unknown", None, None)
    assert health["reasons"]


async def test_the_dashboard_has_everything_that_the_brief_lists(
    handlers: Handlers, core: Core, connection: Connection
) -> None:
    monitoring = ChangelogMonitoringIntegration(ChangelogMonitoringConfig(**OFTEN), connection=connection)
    await monitoring.start_monitoring()
    data = await monitoring.get_monitoring_dashboard_data()
    assert data["system_status"]["status"] in {"healthy", "degraded", "unhealthy"}
    assert set(data) >= {
        "system_status",
        "error_statistics",
        "error_trend",
        "performance_metrics",
        "circuit_breakers",
        "optimization_recommendations",
        "recent_monitoring_data",
    }
    assert (data["is_monitoring"], len(data["recent_monitoring_data"])) == (True, 1)
    await monitoring.stop_monitoring()
    assert not monitoring.is_monitoring


async def test_the_dashboard_has_what_the_monitor_of_the_product_has_found(
    product: Stage, core: Core, connection: Connection
) -> None:
    monitoring = ChangelogMonitoringIntegration(connection=connection)
    await fail_often(monitoring.error_handler, "rotten", calls=20, failures=15)
    assert (await monitoring.get_monitoring_dashboard_data())["product_alerts"] is None
    await MonitorOperations(product.client).start()

    async def is_known() -> bool:
        found = (await monitoring.get_monitoring_dashboard_data())["product_alerts"]
        return "error_rate:rotten" in [alert["key"] for alert in found or ()]

    try:
        await eventually(is_known)
    finally:
        await product.client.get_workflow_handle(names.MONITOR_ID).terminate("its test is over")


async def test_a_crossed_threshold_alerts_once_with_the_channels_that_are_wanted(
    handlers: Handlers, core: Core, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts: list[dict[str, Any]] = []
    looks: list[dict[str, Any]] = []

    async def alerting(data: dict[str, Any]) -> None:
        alerts.append(data)

    async def watched(data: dict[str, Any]) -> None:
        looks.append(data)

    config = ChangelogMonitoringConfig.model_construct(
        **(
            ChangelogMonitoringConfig(alert_channels=["#changelog-alerts"]).__dict__
            | {"monitoring_interval_seconds": 0.2}
        )
    )
    monitoring = ChangelogMonitoringIntegration(
        config, connection=connection, alerting_callback=alerting, monitoring_callback=watched
    )
    await fail_often(monitoring.error_handler, "flaky", calls=20, failures=10)
    await monitoring.start_monitoring()

    async def has_looked_again() -> bool:
        return len(looks) >= 4

    await eventually(has_looked_again)
    await monitoring.stop_monitoring()
    (alert,) = [one for one in alerts if one["alerts"] == ["error_rate:flaky"]]
    assert (alert["type"], alert["severity"], alert["kind"]) == ("error_rate", "high", "fired")
    assert alert["channels"] == ["#changelog-alerts"]


async def test_a_callback_that_raises_does_not_stop_the_monitoring(handlers: Handlers, connection: Connection) -> None:
    async def raises(_: dict[str, Any]) -> None:
        raise ValueError("a bug")

    monitoring = ChangelogMonitoringIntegration(
        ChangelogMonitoringConfig(**OFTEN), connection=connection, monitoring_callback=raises
    )
    await monitoring.start_monitoring()
    await asyncio.sleep(0.1)
    assert monitoring.is_monitoring
    await monitoring.stop_monitoring()


async def test_switched_off_it_looks_at_nothing_and_still_handles(connection: Connection, core: Core) -> None:
    monitoring = ChangelogMonitoringIntegration(
        ChangelogMonitoringConfig(enable_real_time_monitoring=False), connection=connection
    )
    await monitoring.start_monitoring()
    result = await monitoring.handle_changelog_error(DataCollectionError("nothing"), {"service": "billing"})
    assert (monitoring.is_monitoring, result.success) == (False, False)


@pytest.mark.parametrize(
    "numbers",
    [
        {"error_threshold_percentage": float("nan")},
        {"performance_threshold_seconds": float("inf")},
        {"monitoring_interval_seconds": 0},
        {"error_threshold_percentage": -1},
        {"alert_channels": []},
        {"thresholds": {"memory_usage_mb": float("nan")}},
    ],
)
def test_numbers_that_make_no_sense_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        ChangelogMonitoringConfig(**numbers)


async def test_a_metric_that_is_no_number_is_no_measurement(handler: ChangelogErrorHandler, product: Stage) -> None:
    """A broken clock makes health not fall over, and what was measured beside it is not lost."""
    broken = OperationRecord(
        workflow_id="program:tests",
        run_id="nan",
        activity_id="1",
        attempt=1,
        kind=OperationKind.ATTEMPT,
        team="",
        service="broken",
        operation="clock",
        ended_at=datetime.now(UTC),
        seconds=float("nan"),
        succeeded=True,
        peak_memory_mb=float("nan"),
    )
    measured = broken.model_copy(
        update={"activity_id": "2", "service": "sound", "seconds": 1.0, "peak_memory_mb": 50.0}
    )
    for record in (broken, measured):
        handler.core.keep_operation(record)
    assert await handler.core.run(handler.core.is_written(PATIENCE_SECONDS))
    health = await handler.health_check()
    assert health["services"].keys() >= {"sound"}
    assert "broken" not in health["services"]
    assert health["status"] in {"healthy", "degraded", "unhealthy"}
