"""What a process holds of what it has stored."""

from devsync.storage.recent import RecentContents


def test_what_was_kept_comes_back_and_what_was_not_does_not() -> None:
    recent = RecentContents()
    recent.keep("a", b"1")
    assert (recent.get("a"), recent.get("b"), recent.get(None)) == (b"1", None, None)


def test_the_least_recently_used_go_first_when_the_limit_is_reached() -> None:
    recent = RecentContents(limit_bytes=3)
    for digest in "abc":
        recent.keep(digest, b"1")
    recent.get("a")
    recent.keep("d", b"1")
    assert [digest for digest in "abcd" if recent.get(digest)] == ["a", "c", "d"]


def test_keeping_twice_counts_once() -> None:
    recent = RecentContents(limit_bytes=2)
    recent.keep("a", b"1")
    recent.keep("a", b"1")
    recent.keep("b", b"1")
    assert recent.get("a")
    assert recent.get("b")
