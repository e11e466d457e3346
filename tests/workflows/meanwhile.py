"""A workflow that does nothing but wait, apart from everything that the sandbox would not load."""

from datetime import timedelta

from temporalio import workflow


@workflow.defn
class Meanwhile:
    """Lets the server's time pass: it skips while somebody waits for the result of what he has started."""

    @workflow.run
    async def run(self, duration: timedelta) -> None:
        await workflow.sleep(duration)
