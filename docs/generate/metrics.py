"""docs/reference/metrics.md, from devsync/runtime/breaker/metrics.py."""

from devsync.runtime.breaker.metrics import METRICS, Kind
from docs.generate.markdown import code, table

INTRODUCTION = """\
# Metrics

With [`METRICS_ADDRESS`](environment.md) set, a worker serves its metrics for Prometheus at
`http://METRICS_ADDRESS/metrics`: those of Temporal's SDK (`temporal_...`, see
[Temporal's reference](https://docs.temporal.io/references/sdk-metrics)) and the ones below. Each process tells what it
sees itself; sum over processes where you want the whole.
"""

BREAKERS = """\
## Circuit breakers

A call is one HTTP request to an outside service. A refused call was not made.
"""

_SUFFIXES: dict[Kind, str] = {"counter": "_total", "gauge": "", "histogram": "_seconds"}
"""What Prometheus' names end with."""


def page() -> str:
    rows = [
        (code(name + _SUFFIXES[metric.kind]), metric.kind, ", ".join(map(code, metric.labels)), metric.meaning)
        for name, metric in METRICS.items()
    ]
    return "\n".join([INTRODUCTION, BREAKERS, table(("metric", "kind", "labels", "meaning"), rows)])
