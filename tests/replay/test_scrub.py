"""What a recording keeps, and what stops it."""

import base64
from typing import Any

import pytest

from tests.replay.scrub import leaks, scrubbed


def payload(text: str) -> dict[str, Any]:
    return {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": base64.b64encode(text.encode()).decode()}


def history(**attributes: Any) -> dict[str, Any]:
    return {"events": [{"eventId": "1", "activityTaskFailedEventAttributes": attributes}]}


def test_what_names_the_recorder_is_replaced_and_the_rest_stays() -> None:
    cleaned = scrubbed(
        history(
            identity="4711@build-host",
            failure={"message": "503", "stackTrace": 'File "/home/anna/devsync/worker.py", line 1'},
            workerVersion={"buildId": "c0ffee"},
            taskQueue={"name": "4711@build-host-8f3a", "kind": "TASK_QUEUE_KIND_STICKY", "normalName": "editions"},
        )
    )
    assert cleaned == history(
        identity="recorder",
        failure={"message": "503", "stackTrace": ""},
        workerVersion={"buildId": "recorded"},
        taskQueue={"name": "recorder-sticky", "kind": "TASK_QUEUE_KIND_STICKY", "normalName": "editions"},
    )
    assert leaks(cleaned) == []


@pytest.mark.parametrize(
    "text",
    [
        "worker 4711@build-host went away",
        "No such file: /home/anna/config",
        "postgresql://devsync:hunter2@db/devsync",
        "token ghp_abcdefghijklmnop",
        "xoxb-1234-abcd",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_leak_is_found_also_inside_a_payload(text: str) -> None:
    assert leaks(history(reason=text))
    assert leaks(history(details=payload(text)))


def test_a_secret_of_the_recorder_is_found_wherever_it_stands() -> None:
    assert leaks(history(details=payload("the token is sesame!")), secrets=["sesame"])
    assert not leaks(history(details=payload("nothing")), secrets=["sesame", ""])


@pytest.mark.parametrize("text", ["github.com/acme/api", "#payments", "anna@", "3@ 14", "and/or", "https://ci/x"])
def test_ordinary_text_is_no_leak(text: str) -> None:
    assert leaks(history(reason=text)) == []
