"""The garbage collector, made to suit a program whose objects come and go by the thousand and form no cycles."""

import gc
from typing import Final

YOUNG: Final = 50_000
GENERATIONS: Final = 50


def ease_collector() -> None:
    """Looks for cycles rarely, and never again at what is there now.

    Every 700 new objects, as is usual, it took a third of a replay's time and found nothing. Called once what stays is
    loaded, or before it is.
    """
    gc.freeze()
    gc.set_threshold(YOUNG, GENERATIONS, GENERATIONS)
