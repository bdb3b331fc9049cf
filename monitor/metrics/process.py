"""The process itself: memory, time, files, garbage collector, as `prometheus_client` tells them for every process."""

from functools import cache

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest


def process_text() -> str:
    """The `process_` and `python_` families; below 1 ms."""
    return generate_latest(_registry()).decode()


@cache
def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
