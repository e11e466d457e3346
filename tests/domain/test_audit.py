"""The hash chain: whatever is done to it is found, and one thing done is one finding."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.audit import (
    AUDIT,
    CUT,
    AuditEntry,
    ChainCheck,
    ChainedEntry,
    Damage,
    Finding,
    Head,
    chained,
    hash_of,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def entry(number: int, **changes: object) -> AuditEntry:
    values: dict[str, object] = {
        "team": "payments",
        "id": f"error:{number}",
        "at": NOON + timedelta(seconds=number),
        "actor": "worker",
        "what": "changelog:payments:2026-W47",
        "action": "github.collect_repository",
        "outcome": "failed",
        "context": {"message": f"github answered 503 to {number}", "attempt": number},
    }
    return AuditEntry.model_validate(values | changes)


def chain(count: int = 9) -> list[ChainedEntry]:
    return list(chained(Head(), map(entry, range(1, count + 1))))


def head_of(rows: Sequence[ChainedEntry]) -> Head:
    return Head(number=rows[-1].number, hash=rows[-1].hash)


def findings(
    rows: Sequence[ChainedEntry], head: Head, *, cut: Head | None = None, anchors: Sequence[ChainedEntry] = ()
) -> list[Finding]:
    known = {one.number: one.hash for one in anchors}
    check = ChainCheck("payments", cut=cut or Head(), head=head, anchors=known)
    found = [finding for row in rows for finding in check.see(row)]
    return found + list(check.end())


def damages(found: Sequence[Finding]) -> list[tuple[Damage, int]]:
    return [(one.damage, one.number) for one in found]


def changed(row: ChainedEntry, **changes: object) -> ChainedEntry:
    return row.model_copy(update={"entry": row.entry.model_copy(update=changes)})


def test_a_chain_as_it_was_written_is_whole() -> None:
    rows = chain()
    assert findings(rows, head_of(rows), anchors=[rows[3], rows[8]]) == []
    assert findings([], Head()) == []


def test_the_hash_of_an_entry_never_changes_or_nothing_on_record_could_be_verified() -> None:
    assert hash_of("0" * 64, 1, entry(1)) == "3c575f651550a7f3cf9487b3705ecd89d1fcce190a89af5a2afed15677dbeaf1"


def test_an_instant_is_the_same_in_every_timezone() -> None:
    elsewhere = entry(1, at=entry(1).at.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert hash_of("0" * 64, 1, elsewhere) == hash_of("0" * 64, 1, entry(1))


@given(
    at=st.integers(0, 8),
    field=st.sampled_from(["team", "id", "at", "actor", "what", "action", "outcome", "context"]),
)
def test_an_entry_of_which_anything_was_changed_is_found_and_no_other(at: int, field: str) -> None:
    rows = chain()
    values = {"at": NOON, "context": {"message": "all was well"}}
    forged = [*rows[:at], changed(rows[at], **{field: values.get(field, "forged")}), *rows[at + 1 :]]
    assert damages(findings(forged, head_of(rows))) == [(Damage.CHANGED, at + 1)]


@given(first=st.integers(1, 9), count=st.integers(1, 9))
def test_entries_that_were_removed_are_found_the_newest_too(first: int, count: int) -> None:
    rows = chain()
    left = [row for row in rows if not first <= row.number < first + count]
    (found,) = findings(left, head_of(rows))
    assert (found.damage, found.number) == (Damage.REMOVED, first)


def test_the_newest_is_missed_by_its_anchor_when_the_head_was_moved_back() -> None:
    rows = chain()
    assert findings(rows[:8], head_of(rows[:8])) == []
    assert damages(findings(rows[:8], head_of(rows[:8]), anchors=[rows[8]])) == [(Damage.REMOVED, 9)]
    assert damages(findings([], Head(), anchors=[rows[8]])) == [(Damage.REMOVED, 1)]


def test_an_entry_behind_the_head_was_slipped_in() -> None:
    rows = chain()
    assert damages(findings(rows, head_of(rows[:8]))) == [(Damage.INSERTED, 9)]


def test_an_entry_slipped_in_between_moves_all_others_and_is_found() -> None:
    rows = chain()
    forged = [entry(0), *(row.entry for row in rows[4:])]
    moved = [
        row.model_copy(update={"number": number, "entry": one})
        for number, (row, one) in enumerate(zip([*rows[4:], rows[8]], forged, strict=True), 5)
    ]
    assert Damage.INSERTED in [one.damage for one in findings([*rows[:4], *moved], head_of(rows))]


def test_a_chain_that_was_written_anew_from_an_entry_on_is_found_by_an_anchor() -> None:
    rows = chain()
    anew = list(chained(head_of(rows[:4]), [entry(5, outcome="all was well"), *(row.entry for row in rows[5:])]))
    forged = [*rows[:4], *anew]
    assert findings(forged, head_of(forged)) == []
    assert damages(findings(forged, head_of(forged), anchors=[rows[6]])) == [(Damage.CHANGED, 7)]
    assert damages(findings(forged, head_of(rows))) == [(Damage.CHANGED, 9)]


def cut_entry(rows: Sequence[ChainedEntry], upto: int) -> AuditEntry:
    context: dict[str, object] = {"number": upto, "hash": rows[upto - 1].hash}
    return entry(10, action=CUT, what=AUDIT, actor="retention", outcome="removed", context=context)


def test_a_chain_that_retention_has_cut_is_whole() -> None:
    rows = chain()
    (said,) = chained(head_of(rows), [cut_entry(rows, 4)])
    left = [*rows[4:], said]
    assert findings(left, head_of(left), cut=head_of(rows[:4]), anchors=[rows[1], rows[3], rows[8]]) == []


def test_a_beginning_that_was_cut_off_and_no_entry_says_so_was_removed() -> None:
    rows = chain()
    assert damages(findings(rows[4:], head_of(rows), cut=head_of(rows[:4]))) == [(Damage.REMOVED, 1)]


def test_a_cut_elsewhere_than_at_its_anchor_is_found() -> None:
    rows = chain()
    (said,) = chained(head_of(rows), [cut_entry(rows, 4)])
    forged = Head(number=4, hash="f" * 64)
    anew = list(chained(forged, [*(row.entry for row in rows[4:]), said.entry]))
    assert findings(anew, head_of(anew), cut=forged) == []
    assert damages(findings(anew, head_of(anew), cut=forged, anchors=[rows[3]])) == [(Damage.CHANGED, 4)]


def test_an_entry_before_the_beginning_was_slipped_in() -> None:
    rows = chain()
    (said,) = chained(head_of(rows), [cut_entry(rows, 4)])
    left = [rows[3], *rows[4:], said]
    assert damages(findings(left, head_of(left), cut=head_of(rows[:4]))) == [(Damage.INSERTED, 4)]


@pytest.mark.parametrize("number", [1, 5, 9])
def test_numbers_say_the_place_an_entry_that_took_anothers_place_is_found(number: int) -> None:
    rows = chain()
    other = chained(head_of(rows[:2]), [entry(99)])
    forged = [*rows[: number - 1], next(other).model_copy(update={"number": number}), *rows[number:]]
    assert (Damage.CHANGED, number) in damages(findings(forged, head_of(rows)))
