"""Which claims of staff does the accounting pay itself?"""

TRAVEL = "旅費"


def is_paid_directly(claim) -> bool:
    """地方自治法 204条: travel is refunded; overtime and allowances are part of the salary."""
    return claim.active and claim.claim_kind == TRAVEL
