"""Which claims of staff go with the salary?"""

TRAVEL = "旅費"


def is_paid_with_salary(claim) -> bool:
    """地方自治法 204条2項: allowances are; travel is refunded by the accounting, or it would be paid twice."""
    return claim.active and claim.claim_kind is not None and claim.claim_kind != TRAVEL
