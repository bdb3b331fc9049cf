"""Which chains lead to which, and the order in which they can be made."""

from monitor.policy.table.desired import Chain


def targets_of(chain: Chain) -> set[str]:
    """The chains that its rules jump or go to."""
    found: set[str] = set()
    for rule in chain.rules:
        words = rule.split()
        if words[-2:-1] in (["goto"], ["jump"]):
            found.add(words[-1])
    return found


def in_order_of_need(chains: dict[str, Chain]) -> list[str]:
    """The chains' names, each behind those that its rules jump or go to."""
    order: dict[str, None] = {}
    for name in chains:
        place(name, chains, order)
    return list(order)


def place(name: str, chains: dict[str, Chain], order: dict[str, None]) -> None:
    """Puts a chain in order behind what it needs; jumps never make a circle, the kernel refuses one."""
    if name in order:
        return
    for rule in chains[name].rules:
        words = rule.split()
        if len(words) > 1 and words[-2] in ("goto", "jump") and words[-1] in chains:
            place(words[-1], chains, order)
    order[name] = None


def reached_from(names: set[str], chains: dict[str, Chain]) -> set[str]:
    """These chains, and those that a packet may meet behind them."""
    reached = {name for name in names if name in chains}
    waiting = list(reached)
    while waiting:
        for target in targets_of(chains[waiting.pop()]):
            if target in chains and target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached
