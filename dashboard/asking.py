"""Asking what may be away: a page shows what it could read, and says what it could not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from temporalio.service import RPCError

from devsync.runtime.approvals import ApprovalSilent
from devsync.runtime.breaker.operations import BreakerSilent
from devsync.runtime.escalations import EscalationSilent
from devsync.runtime.monitor import MonitorSilent
from devsync.runtime.payload_codec import KeyMissing, unreadable
from devsync.storage.connection import StorageError

T = TypeVar("T")

PATIENCE_SECONDS: Final = 5.0
_SAYS_WHY: Final = (StorageError, ApprovalSilent, EscalationSilent, BreakerSilent, MonitorSilent)


async def asked(
    question: Awaitable[T],
    away: list[str],
    *,
    seconds: float = PATIENCE_SECONDS,
    who: str = "Temporal, or from a worker behind it",
) -> T | None:
    """The answer; None where there is none within so many seconds, and `away` says why."""
    try:
        async with asyncio.timeout(seconds):
            return await question
    except _SAYS_WHY as error:
        away.append(str(error))
    except TimeoutError:
        away.append(f"no answer within {seconds:g} s from {who}")
    except KeyMissing as error:
        away.append(unreadable(error))
    except RPCError as error:
        away.append(f"Temporal does not answer: {error.message}")
    return None
