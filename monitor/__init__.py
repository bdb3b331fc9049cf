"""gatewatch: which vendor every device behind this gateway talks to, how much goes where, and bans that hold.

The straight line, once per batch; `daemon/loop.py` holds it for live traffic and `cli/replay.py` for capture files:

    1 capture    frames       = capture.read()
    2 wire       observations = decoder.decode(frames)        bad bytes are counted by kind, never raised further
    3 core       effects      = gateway.feed(observations, now)
    4 events     write(effects)
    5 metrics    the collector reads gateway.snapshot()       only when Prometheus asks

The floors, each importing only from those below it:

    7  cli                 the doors: arguments, output for people and for programs, exit codes
    6  daemon config lab   plumbing: one asyncio loop, signals and reloads; the configuration; a network to try it in
    5  capture kernel metrics events lists       shells, the only input and output; strangers to each other
    4  core                the state machine: `feed`, `tick`, `next_wakeup`, `snapshot`
    3  policy              groups: which devices are under one policy
    2  attribution         which vendor a flow belongs to and how we know; flows; device identity
    1  wire catalog        bytes to observations; lists to an index; strangers to each other
    0  model limits errors  the types that cross borders; the size of every table; the error tree

Floors 0 to 4 are pure: no files, no clock, no threads; time comes in as an argument. mypyc compiles them from the
same source where the package is built with a C compiler, so what exists per packet is a `@final` slotted class.

What always holds, each with the test that keeps it:

- imports only go down, and floors 0 to 4 are pure: `tests/test_floors.py`
- the engine that was asked for is the engine under test: `tests/test_engine.py`
"""
