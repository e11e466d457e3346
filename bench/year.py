"""A year of many teams on record, made by the database itself: editions, deliveries, operations and errors.

Each team has an edition a week, each of them twelve attempts with three API calls; in the last four weeks sources are
refreshed four times a day besides. Editions grow slower from week to week; of their attempts one in forty
fails, of the refreshes one in eleven.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

import psycopg

WEEKS: Final = 52
"""A team's editions a year."""

# Teams count from 1, ages from 0 weeks. An edition begins on a Monday after nine and is about the week before.
_EDITIONS: Final = """
    SELECT 'team' || lpad(number::text, 3, '0') AS team, number, age,
           to_char(due - interval '7 days', 'IYYY"-W"IW') AS iso_week,
           due + number * interval '1 second' AS began,
           20 + 60 * (%(weeks)s - age)::float / %(weeks)s + 5 * random() AS seconds
      FROM generate_series(1, %(teams)s) AS numbers (number)
           CROSS JOIN generate_series(0, %(weeks)s - 1) AS ages (age)
           CROSS JOIN LATERAL (SELECT date_trunc('week', CAST(%(now)s AS timestamptz), 'UTC') + interval '9 hours'
                                      - age * interval '7 days' AS due) AS dues
     WHERE due < CAST(%(now)s AS timestamptz)
"""
_ID: Final = "'changelog:' || team || ':' || iso_week"
_SERVICE: Final = "(ARRAY['github', 'github', 'jira', 'slack'])[1 + {0} %% 4]"
_OPERATION: Final = "(ARRAY['collect_repository', 'collect_repository', 'collect_project', 'send_part'])[1 + {0} %% 4]"

_STATEMENTS: Final = (
    f"CREATE TEMPORARY TABLE made AS {_EDITIONS}",
    f"""
    INSERT INTO editions
    SELECT team, iso_week, 1, CASE WHEN (number + age) %% 9 = 0 THEN 'partial' ELSE 'complete' END, md5({_ID}),
           CASE WHEN (number + age) %% 9 = 0 THEN 0.8 ELSE 1 END, 20 + number %% 30, 0.05, '[]', '[]', {_ID}, 'run',
           began - interval '7 days', began, began + make_interval(secs => seconds), NULL, '{{}}'
      FROM made
    """,
    f"""
    INSERT INTO runs (workflow_id, run_id, team, iso_week, status, requested_by, cancelled_because, started_at,
                      ended_at, seconds, api_calls)
    SELECT {_ID}, 'run', team, iso_week, 'complete', '', '', began, began + make_interval(secs => seconds),
           jsonb_build_object('total', seconds), '{{"github": 18, "jira": 9}}'
      FROM made
    """,
    """
    INSERT INTO deliveries (team, iso_week, channel, part, kind, revision, state, channel_id, message_id,
                            content_digest, attempts, last_error, delivered_at, updated_at)
    SELECT team, iso_week, channel, 0, channel, 1, 'delivered', 'C1', 'm', 'd', 1, '',
           began + make_interval(secs => seconds), began + make_interval(secs => seconds)
      FROM made CROSS JOIN (VALUES ('slack'), ('email')) AS channels (channel)
    """,
    f"""
    INSERT INTO operations
    SELECT {_ID}, 'run', '', 0, 0, 'edition', team, '', 'edition', began + make_interval(secs => seconds), seconds,
           true, 0, 0, NULL, NULL
      FROM made
    """,
    f"""
    INSERT INTO operations
    SELECT {_ID}, 'run', phase, 0, 0, 'phase', team, '', phase, began + make_interval(secs => until * seconds),
           share * seconds, true, 0, 0, NULL, NULL
      FROM made CROSS JOIN (VALUES ('collect', 0.7, 0.7), ('compose', 0.75, 0.05), ('deliver', 0.95, 0.2),
                                   ('record', 1.0, 0.05)) AS phases (phase, until, share)
    """,
    f"""
    INSERT INTO operations
    SELECT {_ID}, 'run', 'a' || attempt, 1, call,
           CASE call WHEN 0 THEN 'attempt' ELSE 'call' END, team, {_SERVICE.format("attempt")},
           {_OPERATION.format("attempt")}, began + make_interval(secs => 0.06 * attempt * seconds),
           (0.1 + 0.3 * random()) * CASE call WHEN 0 THEN 3 ELSE 1 END,
           (number * 31 + age * 17 + attempt) %% 40 <> 0, 3, 0.6, 180 + 3 * (%(weeks)s - age) + 20 * random(),
           CASE WHEN call = 0 AND attempt %% 4 < 3 THEN attempt %% 3 > 0 END
      FROM made CROSS JOIN generate_series(1, 12) AS attempts (attempt) CROSS JOIN generate_series(0, 3) AS calls (call)
    """,
    """
    INSERT INTO operations
    SELECT 'refresh:' || team || '-' || at, 'run', 'a', 1, call, CASE call WHEN 0 THEN 'attempt' ELSE 'call' END, team,
           'github', 'collect_repository', at, 0.2 + 0.2 * random(),
           (number * 31 + extract(epoch FROM at)::bigint / 3600) %% 11 <> 0, 2, 0.4, 180, false
      FROM (SELECT DISTINCT team, number FROM made) AS teams
           CROSS JOIN generate_series(date_trunc('day', CAST(%(now)s AS timestamptz), 'UTC') - interval '28 days',
                                      %(now)s, interval '6 hours') AS ats (at)
           CROSS JOIN generate_series(0, 2) AS calls (call)
    """,
    """
    INSERT INTO errors
    SELECT run_id || workflow_id, activity_id, 1, workflow_id, team, service, operation,
           CASE service WHEN 'github' THEN 'external_service' WHEN 'jira' THEN 'network' ELSE 'rate_limiting' END,
           CASE service WHEN 'jira' THEN 'high' ELSE 'medium' END, '503', substr(md5(service || operation), 1, 16),
           service || ' answered 503 to ' || operation, ended_at
      FROM operations WHERE kind = 'attempt' AND NOT succeeded
    """,
)


def fill(url: str, *, teams: int, weeks: int, now: datetime) -> float:
    """The seconds that it took. The tables have statistics of their own afterwards, as old ones do."""
    began = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _STATEMENTS:
            connection.execute(statement, {"teams": teams, "weeks": weeks, "now": now})
        connection.execute("VACUUM ANALYZE")
    return time.perf_counter() - began
