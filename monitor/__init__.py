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
       doctor              what is wrong with a machine and its network
    5  capture kernel sinkhole metrics web events lists journal   the shells, all input and output; strangers
    4  core                the state machine: `feed`, `tick`, `next_wakeup`, `snapshot`
    3  policy              groups; bans, schedules and exceptions; the kernel state that they want and what to change
    2  attribution         which vendor a flow belongs to and how we know; flows; device identity
    1  wire catalog        bytes to observations; lists to an index; strangers to each other
    0  model histogram     the types that cross borders; a distribution of values
       limits errors units   every table's size; the error tree; numbers as text

Floors 0 to 4 are pure: no files, no clock, no threads; time comes in as an argument. mypyc compiles them from the
same source where the package is built with a C compiler, so what exists per packet is a `@final` slotted class.

What always holds, each with the test that keeps it:

- imports only go down, and floors 0 to 4 are pure: `tests/test_floors.py`
- the state machine is used through the methods of `Gateway` alone: `tests/test_facade.py`
- the engine that was asked for is the engine under test: `tests/test_engine.py`
- any bytes give observations or a counted error:
  `tests/wire/test_decoder.py::test_any_frame_is_observations_or_counted_errors`,
  `tests/wire/test_fuzz.py::test_damaged_frames_of_every_capture_are_observations_or_counted_errors`
- any split of a stream or a batch gives the same observations and numbers:
  `tests/wire/test_streams.py::test_any_split_order_and_repetition_gives_the_hello_once`,
  `tests/core/test_invariants.py::test_any_split_of_a_batch_gives_the_same`
- no table passes its maximum, counters only grow, no byte is lost or counted twice:
  `tests/core/test_invariants.py::test_tables_keep_their_limits_counters_grow_and_no_byte_is_lost`
- what real captures hold comes out, and nothing else: `tests/wire/test_dns_corpus.py`,
  `tests/wire/test_hello_corpus.py`,
  `tests/wire/test_flows.py`
- a ban of a service refuses what is the service's, and nothing of its siblings:
  `tests/policy/test_each_service.py`, `tests/netns/test_netns_services.py`
- what a client can forge bans no address and frees none of a vendor's: `tests/netns/test_netns_learned.py`;
  an address is banned as long as only names inside the ban have it:
  `tests/policy/test_learned.py::test_an_address_is_banned_as_long_as_only_names_inside_the_ban_have_it`
- a word of an administrator comes to what was meant, to candidates that hold it, or to nothing, and to no wrong vendor:
  `tests/catalog/test_subject_index.py::test_words_that_administrators_type`
- a reload takes all or nothing, and loses no flow: `tests/daemon/test_process.py::test_a_reload_takes_all_or_nothing`,
  `tests/netns/test_netns_reload.py::test_a_download_is_counted_whole_across_a_reload`
- what is watched is banned and nothing else, whatever links come and go: `tests/netns/test_netns_links.py`
- a broken or poisoned list never replaces a good one: `tests/lists/test_update_refusals.py`;
  a line that no ban may touch costs that line alone: `tests/lists/test_update_lines.py`
- excerpts of public lists give the entries that other readers of their formats find:
  `tests/catalog/test_real_lists.py`
- what was changed at run time is kept whole, and what is damaged rules nothing: `tests/daemon/test_order_book.py`
- the journal says what the counters say, and no name outside the catalogue: `tests/core/test_diary.py`
- a disk or a file that fails costs the journal, never the service: `tests/journal/test_journal.py`,
  `tests/daemon/test_daemon_journal.py`
- a table that somebody took away comes back, and what enforcement lacks costs nothing else:
  `tests/netns/test_netns_mending.py`, `tests/netns/test_netns_faults.py`; nobody who may pass is refused meanwhile:
  `tests/netns/test_netns_enforce_life.py`
- what two policies refuse is refused at each step from one to the other, and what both pass passes:
  `tests/policy/test_fake_kernel.py`, `tests/policy/test_gaps.py`
- a daemon that dies between any two steps of a change leaves no gap, and the next one the whole table:
  `tests/daemon/test_table_kill.py`
- an allowed name is never refused while a ban begins, changes or starts again: `tests/daemon/test_table_races.py`
- nothing that is banned passes while a large policy comes or goes, and one that is taken away comes back whole:
  `tests/netns/test_netns_large.py`
- a clock that is set ends nothing, counts nothing again and keeps nothing waiting: `tests/core/test_clock.py`,
  `tests/vm/test_vm_clock.py`
- two capabilities and the service's sandbox are enough for every layer: `tests/netns/test_netns_privileges.py`,
  `tests/package/test_service.py`
- a diverted question is answered the way that routes lead back, whatever MAC the gateway has by now:
  `tests/kernel/test_diversion.py`, `tests/kernel/test_ways.py`
- a question that is not banned takes the way of its client's own packets, through whatever NAT port 53 has:
  `tests/netns/test_netns_nat53.py`; where it gets no answer the dns layer ends and says so:
  `tests/netns/test_netns_passing.py`
- bans hold on interfaces without MAC addresses: `tests/netns/test_netns_layer3.py`; a second way out, containers and
  bridges that route for nobody are what every verb takes them for: `tests/netns/test_netns_gateways.py`
- whoever is excluded by address, interface, host name or group reaches what all others do not, on each layer:
  `tests/netns/test_netns_members.py`
- what a daemon that died left goes where bans fail open, and holds where they fail closed:
  `tests/kernel/test_clearing.py`
- the daemon imports neither scapy nor what only the lab or a list update needs: `tests/daemon/test_process.py`
- what a ban counts is told as nothing before it counts: `tests/core/test_ban_proof.py`
- dashboards and alerts ask only for metrics that there are, and each expression gives data: `tests/grafana/`,
  `tests/netns/test_netns_prometheus.py`
- the self-test finds a layer that does not hold, and touches no device: `tests/netns/test_netns_selftest.py`
- README tells what the code does, and its commands run: `tests/test_documents.py`,
  `tests/test_commands_in_documents.py`
"""
