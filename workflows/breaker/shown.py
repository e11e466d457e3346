"""What a breaker's entity shows: gates read the memo, the rest is for people. Only what has changed is written."""

from temporalio import workflow

from devsync.contracts import names
from devsync.contracts.breaker import CONFIG_MEMO, REPORTERS_MEMO, STANDING_MEMO, BreakerSnapshot
from workflows.breaker.story import breaker_story


class Shown:
    """What one run has written so far."""

    def __init__(self) -> None:
        self.memo: dict[str, object] = {}
        self.label = ""
        self.is_due = True
        """Something may have changed since."""

    def again(self) -> None:
        self.is_due = True


def show(shown: Shown, snapshot: BreakerSnapshot, reporters: int) -> None:
    """`reporters` is about how many processes report."""
    shown.is_due = False
    standing = snapshot.standing
    _in_memo(shown, STANDING_MEMO, standing)
    _in_memo(shown, CONFIG_MEMO, snapshot.config)
    if _is_news(shown.memo.get(REPORTERS_MEMO), reporters):
        _in_memo(shown, REPORTERS_MEMO, reporters)
    if standing.label != shown.label:
        shown.label = standing.label
        workflow.upsert_search_attributes([names.BREAKER_STATE.value_set(standing.label)])
    workflow.set_current_details(breaker_story(snapshot))


def _in_memo(shown: Shown, key: str, value: object) -> None:
    if shown.memo.get(key) != value:
        shown.memo[key] = value
        workflow.upsert_memo({key: value})


def _is_news(shown: object, count: int) -> bool:
    """More at once, fewer only when it is many fewer: processes that come and go must not fill the history."""
    return not isinstance(shown, int) or count > shown or count * 4 <= shown
