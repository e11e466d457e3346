"""The text that a button carries: it comes back as what it was, and anything else is no answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.answers import Answer, Deed


@given(
    st.sampled_from(Deed),
    st.text("abcdefghijklmnopqrstuvwxyz_0123456789", max_size=12),
    st.text(max_size=60),
    st.text(max_size=80).filter(lambda text: "|" not in text),
)
def test_what_a_button_says_comes_back(deed: Deed, argument: str, run_id: str, workflow_id: str) -> None:
    answer = Answer(deed=deed, argument=argument, run_id=run_id, workflow_id=workflow_id)
    assert Answer.from_text(answer.to_text()) == answer


@pytest.mark.parametrize("text", ["", "resolve:retry", "resolve|page", "explode|page|id", "||", "{}", "resolve:|"])
def test_anything_else_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Answer.from_text(text)
