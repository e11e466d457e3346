"""docs/reference/metrics.md, from devsync/runtime/metrics/declared.py."""

from devsync.runtime.metrics.declared import GROUPS
from docs.generate.markdown import code, table

INTRODUCTION = """\
# Metrics

With [`METRICS_ADDRESS`](environment.md) set, a worker serves its metrics for Prometheus at
`http://METRICS_ADDRESS/metrics`: those of Temporal's SDK (`temporal_...`, see
[Temporal's reference](https://docs.temporal.io/references/sdk-metrics)) and the ones below. Each process tells what it
sees itself since it began; sum over processes where you want the whole. *How things stand* is read from the records and
from Temporal by every process: take the maximum. How to watch them:
[Watch it with Prometheus and Grafana](../how-to/watch-with-prometheus-and-grafana.md).

A call is one HTTP request to an outside service, or one mail. A histogram is exported as `..._bucket`, `..._sum` and
`..._count`. What workflows tell (editions and deliveries) has the SDK's labels `namespace`, `task_queue` and
`workflow_type` besides.
"""

HEAD = ("metric", "kind", "labels", "unit", "meaning")


def page() -> str:
    parts = [INTRODUCTION]
    for title, metrics in GROUPS.items():
        rows = [
            (code(metric.exported), metric.kind, ", ".join(map(code, metric.labels)), metric.unit, metric.meaning)
            for metric in metrics
        ]
        parts.append(f"## {title}\n\n{table(HEAD, rows)}")
    return "\n".join(parts)
