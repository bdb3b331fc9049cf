"""The jumps between chains, and the order in which the chains can be created."""

from monitor.policy.table.desired import Chain


def targets_of(chain: Chain) -> set[str]:
    """Returns the chains that the chain's rules jump or go to."""
    found: set[str] = set()
    for rule in chain.rules:
        words = rule.split()
        if words[-2:-1] in (["goto"], ["jump"]):
            found.add(words[-1])
    return found


def in_order_of_need(chains: dict[str, Chain]) -> list[str]:
    """Returns the names of the chains, each after the chains that its rules jump or go to."""
    order: dict[str, None] = {}
    for name in chains:
        place(name, chains, order)
    return list(order)


def place(name: str, chains: dict[str, Chain], order: dict[str, None]) -> None:
    """Appends the chain to `order` after the chains that it needs. The kernel rejects loops, so there are none."""
    if name in order:
        return
    for rule in chains[name].rules:
        words = rule.split()
        if len(words) > 1 and words[-2] in ("goto", "jump") and words[-1] in chains:
            place(words[-1], chains, order)
    order[name] = None


def reached_from(names: set[str], chains: dict[str, Chain]) -> set[str]:
    """Returns these chains and all chains that they lead to."""
    reached = {name for name in names if name in chains}
    waiting = list(reached)
    while waiting:
        for target in targets_of(chains[waiting.pop()]):
            if target in chains and target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached
