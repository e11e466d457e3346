"""Worker Versioning: what a worker tells the server of its build, queue by queue.

No workflow class declares a behaviour: a worker without a version would hang on it. The queue decides instead.
Editions end within hours, so each stays on the build that began it (pinned). Control workflows may wait for days and
follow the current build, which must therefore replay what older ones did. Activities run on the build of the workflow
that asks for them only where their queue is versioned too: on a queue without versions any build's worker takes any
build's activity (both measured on Server 1.32).
"""

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

from devsync.contracts.names import CONTROL_QUEUE, EDITIONS_QUEUE
from devsync.settings.environment import WorkerVersion

_BEHAVIOUR = {EDITIONS_QUEUE: VersioningBehavior.PINNED, CONTROL_QUEUE: VersioningBehavior.AUTO_UPGRADE}


def deployment_config(version: WorkerVersion | None, task_queue: str) -> WorkerDeploymentConfig | None:
    """For a worker of that queue; None, without a version: any worker takes any work."""
    if version is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(version.deployment, version.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=_BEHAVIOUR.get(task_queue, VersioningBehavior.UNSPECIFIED),
    )
