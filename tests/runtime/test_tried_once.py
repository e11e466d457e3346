"""A send is tried once, whatever its policy declares."""

from datetime import timedelta
from typing import Any

import pytest

from devsync.contracts import activities as contracts
from devsync.contracts.activities import ActivityContract
from devsync.contracts.policies import OperationPolicy, RetryDeclaration
from devsync.runtime.policies import activity_options

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("declared", [None, 1, 3])
@pytest.mark.parametrize("contract", contracts.DECLARED, ids=lambda contract: contract.name)
def test_only_a_send_is_tried_once_whatever_is_declared(
    contract: ActivityContract[Any, Any], declared: int | None
) -> None:
    retry = RetryDeclaration(initial=SECOND, factor=2, maximum=SECOND, attempts=declared)
    options = activity_options(contract, OperationPolicy(retry=retry, start_to_close=SECOND))
    assert options["retry_policy"] is not None
    tried = options["retry_policy"].maximum_attempts
    assert tried == (1 if contract is contracts.SEND_SLACK_PART else declared or 0)
