"""One edition of one team's weekly changelog, from plan to record."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.approval import ApprovalProgress, Approve, Edit, Reject
    from devsync.contracts.collection import UnitCollected
    from devsync.contracts.delivery import DeliveryOutcome
    from devsync.contracts.edition import (
        ChannelResult,
        EditionComposed,
        EditionPlan,
        EditionProgress,
        EditionRendered,
        EditionRequest,
        EditionResult,
        EditionStatus,
        KeptEdition,
        Phase,
        PlanEdition,
        RecordEdition,
    )
    from devsync.contracts.escalation import EscalationDecided
    from devsync.contracts.recovery import RecoveryOutcome, RecoveryReport, RecoveryRequest
    from devsync.domain.changelog.deadline import Deadline
    from devsync.domain.changelog.due import told
    from devsync.domain.changelog.edits import Edits
    from devsync.domain.changelog.telling import Telling
    from devsync.domain.recovery.choice import plan_for
    from devsync.domain.recovery.decision import Decision
    from devsync.runtime.policies import BOOTSTRAP, call
    from workflows import making, previews
    from workflows.amending import begin_amendment, end_amendment
    from workflows.approval import Approval, NotNow
    from workflows.carrying import fitting
    from workflows.escalating import escalate, leave
    from workflows.failures import failure_of, reason_of
    from workflows.phases import PhaseTimes
    from workflows.recovering import (
        COLLECT,
        Answered,
        collection_request,
        failed_units,
        report_of,
        start_recovery,
        summary_of,
        with_stand_ins,
    )
    from workflows.rendering import rendered_somehow
    from workflows.results import channel_result, is_reported, made_edition, result_so_far
    from workflows.said import NotUnderstood, understood
    from workflows.signals import signal_if_open, with_refusal
    from workflows.story import edition_story
    from workflows.units import Ask, Answer, ask_all, asks_of, was_silent
    from workflows.waiting import is_done_unless
