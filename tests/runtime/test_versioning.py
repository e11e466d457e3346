"""What each queue's worker says of its build."""

import pytest
from temporalio import workflow
from temporalio.common import VersioningBehavior

from devsync.contracts import names
from devsync.runtime.versioning import deployment_config
from devsync.settings.environment import WorkerVersion
from workflows.registry import SERVED, WORKFLOWS

VERSION = WorkerVersion("changelog", "42")


@pytest.mark.parametrize(
    ("queue", "behaviour"),
    [
        (names.EDITIONS_QUEUE, VersioningBehavior.PINNED),
        (names.CONTROL_QUEUE, VersioningBehavior.AUTO_UPGRADE),
        *((names.service_queue(service), VersioningBehavior.UNSPECIFIED) for service in names.WITH_QUEUE),
    ],
)
def test_the_queue_decides_how_its_runs_follow_a_new_build(queue: str, behaviour: VersioningBehavior) -> None:
    config = deployment_config(VERSION, queue)
    assert config is not None
    assert config.use_worker_versioning
    assert (config.version.deployment_name, config.version.build_id) == ("changelog", "42")
    assert config.default_versioning_behavior is behaviour


@pytest.mark.parametrize("queue", [*SERVED, *map(names.service_queue, names.WITH_QUEUE)])
def test_without_a_version_nothing_is_said(queue: str) -> None:
    assert deployment_config(None, queue) is None


def test_every_queue_that_runs_workflows_has_a_behaviour() -> None:
    configs = [deployment_config(VERSION, queue) for queue in SERVED]
    assert all(
        config is not None and config.default_versioning_behavior is not VersioningBehavior.UNSPECIFIED
        for config in configs
    )


@pytest.mark.parametrize("served", WORKFLOWS)
def test_no_workflow_declares_a_behaviour(served: type) -> None:
    """A worker without a version would hang on it, and time-skipping tests would not notice."""
    definition = workflow._Definition.must_from_class(served)
    assert definition.versioning_behavior is VersioningBehavior.UNSPECIFIED
