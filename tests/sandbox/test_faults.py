"""Which requests a fault hits: order, counts, probability, and the words of a fault that makes no sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sandbox.faults import Fault, FaultBook, FaultKind, Verdict


class Ports:
    def __init__(self) -> None:
        self.story: list[tuple[str, str, float]] = []
        self.book = FaultBook(
            lambda service, seconds: self.story.append(("close", service, seconds)),
            lambda service: self.story.append(("open", service, 0.0)),
        )


def judge(book: FaultBook, path: str = "/user", method: str = "GET", service: str = "github") -> Verdict:
    return book.judge(service, method, path)


def test_a_fault_hits_its_service_route_and_method_only() -> None:
    book = Ports().book
    book.add(Fault(kind=FaultKind.RESET, service="github", route=r"/pulls$", method="get"))
    assert judge(book, "/repos/a/b/pulls").fault is not None
    assert judge(book, "/repos/a/b/pulls/3").fault is None
    assert judge(book, "/repos/a/b/pulls", method="POST").fault is None
    assert judge(book, "/repos/a/b/pulls", service="jira").fault is None


def test_a_fault_about_one_thing_passes_over_the_others_at_the_same_path() -> None:
    book = Ports().book
    book.add(Fault(kind=FaultKind.RESET, service="jira", about=r'project = .?"PAY.?"', count=1))
    hit = [
        book.judge("jira", "POST", "/search", words=f'{{"jql": "project = \\"{key}\\""}}').fault is not None
        for key in ("PAYROLL", "WEB", "PAY", "PAY")
    ]
    assert hit == [False, False, True, False], "what passes uses up no count"


@given(after=st.integers(0, 20), count=st.integers(1, 20), requests=st.integers(0, 60))
def test_a_fault_skips_the_first_and_is_gone_after_its_count(after: int, count: int, requests: int) -> None:
    book = Ports().book
    book.add(Fault(kind=FaultKind.STATUS, service="github", after=after, count=count))
    hits = [position for position in range(requests) if judge(book).fault is not None]
    assert hits == list(range(after, min(requests, after + count)))


@given(seed=st.integers(0, 1000), probability=st.floats(0.05, 0.95))
def test_the_same_seed_hits_the_same_requests(seed: int, probability: float) -> None:
    def hits() -> list[bool]:
        book = Ports().book
        book.add(Fault(kind=FaultKind.RESET, service="github", probability=probability, seed=seed))
        return [judge(book).fault is not None for _ in range(50)]

    assert hits() == hits()


def test_a_probability_of_a_third_hits_about_a_third() -> None:
    book = Ports().book
    fault_id = book.add(Fault(kind=FaultKind.RESET, service="github", probability=1 / 3, seed=5))
    for _ in range(3000):
        judge(book)
    assert 900 < book.fired(fault_id) < 1100


@given(latency_ms=st.floats(1, 5000), jitter=st.floats(0, 1), seed=st.integers(0, 99))
def test_latency_stays_within_its_jitter(latency_ms: float, jitter: float, seed: int) -> None:
    book = Ports().book
    book.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=latency_ms, jitter=jitter, seed=seed))
    for _ in range(20):
        delay_ms = judge(book).delay_seconds * 1000
        assert latency_ms * (1 - jitter) - 1e-6 <= delay_ms <= latency_ms * (1 + jitter) + 1e-6


def test_latency_joins_with_the_first_other_fault_wherever_it_stands() -> None:
    book = Ports().book
    first = book.add(Fault(kind=FaultKind.EMPTY, service="github", count=1))
    second = book.add(Fault(kind=FaultKind.RESET, service="github", count=1))
    book.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=100))
    verdict = judge(book)
    assert verdict.kinds == ("empty", "latency")
    assert verdict.delay_seconds == pytest.approx(0.1)
    assert (book.fired(first), book.fired(second)) == (1, 0)
    assert judge(book).kinds == ("reset", "latency")
    assert judge(book).kinds == ("latency",)


def test_a_refusal_of_everything_closes_the_port_at_once_and_clearing_opens_it() -> None:
    ports = Ports()
    fault_id = ports.book.add(Fault(kind=FaultKind.REFUSED, service="jira", seconds=2))
    ports.book.clear(fault_id)
    assert ports.story == [("close", "jira", 2), ("open", "jira", 0)]
    assert ports.book.listing() == []


def test_a_refusal_of_a_route_waits_for_its_request() -> None:
    ports = Ports()
    ports.book.add(Fault(kind=FaultKind.REFUSED, service="jira", route="/search"))
    assert ports.story == []
    assert judge(ports.book, "/search", service="jira").fault is not None


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"kind": "latency"}, "needs latency_ms"),
        ({"kind": "slow_drip"}, "needs seconds"),
        ({"kind": "committed_timeout"}, "needs seconds"),
        ({"kind": "reset", "route": "("}, "is not a regular expression"),
        ({"kind": "reset", "about": "("}, "is not a regular expression"),
        ({"kind": "reset", "probability": 0}, "greater than 0"),
        ({"kind": "reset", "often": True}, "Extra inputs"),
        ({"kind": "tired"}, "Input should be"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_the_reason(fault: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint.replace("(", r"\(")):
        Fault.model_validate({"service": "github"} | fault)
