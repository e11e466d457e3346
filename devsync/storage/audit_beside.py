"""The tables whose rows are told of in the audit one by one, and how a row and its entry must agree.

Kept beside the audit for questions that it is slow to answer (statistics, what happened to one breaker). A row that
says something else than its entry was changed, one without an entry was slipped in, an entry without a row has lost
it, unless retention says that rows of that age were removed.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.sql.elements import TextClause

from devsync.domain.audit import CUT, Damage, Finding

AT_MOST: Final = 100
"""Findings of one table and team."""


@dataclass(frozen=True)
class RowsBeside:
    """How a row of `table` (`r`) reads as an entry, in SQL: what `entries_of` of its module makes in Python."""

    table: str
    team: str
    id: str
    at: str
    actor: str
    what: str
    action: str
    outcome: str
    context: str

    def differences(self) -> TextClause:
        """Rows that do not agree with their entries; `:team` is the team's name."""
        kind = self.id.split(":", 1)[0].lstrip("'")
        return text(
            f"""
            SELECT coalesce(e.id, r.id) AS id, e.number,
                   CASE WHEN r.id IS NULL THEN 'removed' WHEN e.id IS NULL THEN 'inserted' ELSE 'changed' END AS damage
            FROM (SELECT {self.id} AS id, {self.at} AS at, {self.actor} AS actor, {self.what} AS what,
                         {self.action} AS action, {self.outcome} AS outcome, {self.context} AS context
                  FROM {self.table} AS r WHERE {self.team} = :team) AS r
            FULL JOIN (SELECT * FROM audit WHERE team = :team AND id LIKE '{kind}:%') AS e ON e.id = r.id
            WHERE e.id IS NULL
               OR r.id IS NULL AND e.at >= coalesce(
                    (SELECT max((context ->> 'before')::timestamptz) FROM audit
                     WHERE team = :team AND action = '{CUT}' AND what = '{self.table}'), '-infinity')
               OR (r.at, r.actor, r.what, r.action, r.outcome, r.context)
                  <> (e.at, e.actor, e.what, e.action, e.outcome, e.context)
            ORDER BY e.number NULLS LAST, id LIMIT {AT_MOST}
            """  # noqa: S608 (the parts stand below)
        )

    def count(self) -> TextClause:
        """How many rows are held against their entries; `:team` likewise."""
        return text(f"SELECT count(*) FROM {self.table} AS r WHERE {self.team} = :team")  # noqa: S608 (as above)

    def finding(self, team: str, row: Row[Any]) -> Finding:
        damage = Damage(row.damage)
        said = {
            Damage.REMOVED: "is not there any more",
            Damage.INSERTED: "has no entry in the audit",
            Damage.CHANGED: "says something else than its entry in the audit",
        }
        return Finding(
            team=team, damage=damage, number=row.number or 0, detail=f"{self.table}: {row.id} {said[damage]}"
        )


BESIDE: Final = (
    RowsBeside(
        table="errors",
        team="r.team",
        id="'error:' || r.run_id || ':' || r.activity_id || ':' || r.attempt",
        at="r.occurred_at",
        actor="'worker'",
        what="r.workflow_id",
        action="r.service || '.' || r.operation",
        outcome="'failed'",
        context="jsonb_build_object('category', r.category, 'severity', r.severity, 'code', r.code,"
        " 'fingerprint', r.fingerprint, 'message', r.message)",
    ),
    RowsBeside(
        table="escalation_events",
        team="r.team",
        id="'escalation:' || r.workflow_id || ':' || r.page || ':' || r.number",
        at="r.at",
        actor="r.actor",
        what="r.workflow_id",
        action="r.kind",
        outcome="r.message",
        context="jsonb_build_object('level', r.level)",
    ),
    RowsBeside(
        table="breaker_transitions",
        team="''",
        id="'breaker:' || r.service || ':' || r.entity || ':' || r.number",
        at="r.at",
        actor="r.actor",
        what="'breaker:' || r.service",
        action="r.event",
        outcome="r.to_state",
        context="jsonb_build_object('from', r.from_state, 'mode', r.mode, 'reason', r.reason,"
        " 'generation', r.generation)",
    ),
)
