"""What the order asks."""

from collections.abc import Mapping

from chassis.http import Router, current_service, service_only
from chassis.service import Service
from fastapi import Depends

from payment.api.models import MethodsAnswer, NextActionsAnswer, PaymentId
from payment.api.paying import methods
from payment.api.reading import next_action_of, offered_providers
from payment.providers.port import Provider

router = Router(prefix="/internal/v1", tags=["Internal"])


@router.get(
    "/payments/methods",
    operation_id="list_methods_for_services",
    summary="List the ways to pay",
    dependencies=[Depends(service_only)],
)
async def list_methods_for_services(providers: Mapping[str, Provider] = Depends(offered_providers)) -> MethodsAnswer:
    """What this shop is set up for."""
    return methods(providers)


@router.get(
    "/payments/{payment_id}/next-action",
    operation_id="get_next_action",
    summary="Show what a payer has to do",
    dependencies=[Depends(service_only)],
)
async def get_next_action(payment_id: PaymentId, service: Service = Depends(current_service)) -> NextActionsAnswer:
    """For the eyes of the order's owner alone: whoever asks has to see to that. Null when there is nothing to do."""
    return NextActionsAnswer(next_action=await next_action_of(service, payment_id))
