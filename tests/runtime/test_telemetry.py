"""A process that serves its metrics, as Prometheus fetches them."""

import re
import subprocess
import sys

from commands.stack import ROOT
from devsync.runtime.metrics.declared import GROUPS
from sandbox.processes import free_port

SCRIPT = """
import sys, urllib.request
from datetime import UTC, datetime, timedelta
from devsync.domain.breaker import BreakerConfig
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.metrics import BreakerMetrics
from devsync.runtime.telemetry import export_metrics, meter
from devsync.settings.problems import ConfigError

export_metrics(sys.argv[1])
metrics, gate = BreakerMetrics(meter()), Gate("github", BreakerConfig(failure_threshold=1))
for error in (None, TimeoutError(), None):
    try:
        with gate.call("GET /"):
            if error:
                raise error
    except Exception:
        pass
metrics.stands("github", gate.ruling(), is_in_touch=False)
metrics.happened("github", gate.take_told())
metrics.changed("github", "open")
metrics.reported("github", timedelta(seconds=0.3))
gate = Gate("jira", BreakerConfig(failure_threshold=1, recovery_timeout=timedelta(microseconds=1)))
for error in (TimeoutError(), None):
    try:
        with gate.call("GET /"):
            if error:
                raise error
    except TimeoutError:
        pass
gate.pause(datetime.now(UTC) + timedelta(hours=1), "429")
metrics.happened("jira", gate.take_told())
print(urllib.request.urlopen(f"http://{sys.argv[1]}/metrics").read().decode())
try:
    export_metrics(sys.argv[1])
except ConfigError as error:
    print(error)
"""


def test_prometheus_finds_every_metric_of_the_breakers_with_its_labels() -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-c", SCRIPT, address]
    served = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    lines = {
        line.partition(" ")[0]: line.rpartition(" ")[2] for line in served.splitlines() if line[:1] not in {"", "#"}
    }

    def value(name: str, **labels: str) -> str:
        (found,) = (
            number
            for line, number in lines.items()
            if re.split(r"[{ ]", line)[0] == name and all(f'{label}="{text}"' in line for label, text in labels.items())
        )
        return found

    assert value("devsync_breaker_calls_total", service="github", outcome="success") == "1"
    assert value("devsync_breaker_calls_total", service="github", outcome="failure") == "1"
    assert value("devsync_breaker_refusals_total", service="github", why="open") == "1"
    assert value("devsync_breaker_probes_total", service="jira", outcome="success") == "1"
    assert value("devsync_breaker_transitions_total", service="github", to="open") == "1"
    assert value("devsync_breaker_state", service="github") == "2"
    assert value("devsync_breaker_paused", service="github") == "0"
    assert value("devsync_breaker_unreachable", service="github") == "1"
    assert value("devsync_breaker_report_lag_seconds_sum", service="github") == "0.3"
    assert [metric.exported for metric in GROUPS["Circuit breakers"] if metric.exported not in served] == []
    assert f"METRICS_ADDRESS {address} cannot be used" in served
