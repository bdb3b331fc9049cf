"""gatewatch: which vendor every device behind this gateway talks to, how much data goes where, and bans that hold.

How it works, once per batch; `daemon/pipeline.py` does it for live traffic, `cli/verbs/replay.py` for capture files:

    1 capture    frames       = capture.read()
    2 wire       observations = decoder.decode(frames)        malformed bytes are counted by kind and raise nothing
    3 core       effects      = gateway.feed(observations, now)
    4 events     write(effects)
    5 enforcement             takes the effects that concern bans: flows to kill, names to resolve, members
    6 metrics    the collector reads gateway.snapshot()       on a scrape only

The floors. A room imports only from floors below its own, and from rooms before it on its own floor:

    7  cli                 the command line: arguments, output for people and for programs, exit codes
    6  config              the configuration file
       lan                 which interfaces are the LAN side, bridges, where flow counts come from
       selftest            a client of gatewatch's own that sends what a banned device would send
       enforcement         bans in the kernel: table, learned addresses, sinkhole, repair
       daemon              one asyncio loop: pipeline, signals, reloads, status
       control             the control socket: protocol, verbs, permissions
       doctor lab          checks of a machine and its network; a network in namespaces with real traffic
    5  capture kernel sinkhole metrics web events lists journal log periodic
                           all input and output; no room imports another of these, except `log` and `periodic`
    4  core                the state machine: `feed`, `tick`, `next_wakeup`, `snapshot`
                           flow/ packets to flows; books/ counts, rows, series; verdict/ what bans mean for flows
    3  policy              groups, bans, schedules, exceptions; table/ the nftables table for them, and its changes
    2  attribution         which vendor a flow belongs to and the evidence; flows; device identity
    1  wire catalog        bytes to observations; lists to an index; neither imports the other
    0  model histogram     the types that cross borders; a distribution of values
       limits errors units   the maximum of every table; the error tree; numbers as text

Floors 0 to 4 are pure: no files, no clock, no threads; time is an argument. mypyc compiles them from the same source
where the package is built with a C compiler, so each class that exists per packet is `@final` with slots.

Invariants, each with the test that keeps it:

- imports go down only, and floors 0 to 4 are pure: `tests/test_floors.py`
- code above the core uses the methods of `Gateway` alone: `tests/test_facade.py`
- the engine under test is the engine that was asked for: `tests/test_engine.py`
- any bytes give observations or a counted error:
  `tests/wire/test_decoder.py::test_any_frame_is_observations_or_counted_errors`,
  `tests/wire/test_fuzz.py::test_damaged_frames_of_every_capture_are_observations_or_counted_errors`
- any split of a stream or a batch gives the same observations and numbers:
  `tests/wire/tcp/test_streams.py::test_any_split_order_and_repetition_gives_the_hello_once`,
  `tests/core/test_invariants.py::test_any_split_of_a_batch_gives_the_same`
- no table passes its maximum, counters only grow, no byte is lost or counted twice:
  `tests/core/test_invariants.py::test_tables_keep_their_limits_counters_grow_and_no_byte_is_lost`
- observations of real captures equal those of an independent decoder: `tests/wire/dns/test_dns_corpus.py`,
  `tests/wire/tls/test_hello_corpus.py`,
  `tests/wire/test_flows.py`
- a ban of a service refuses what belongs to the service, and nothing of its siblings:
  `tests/policy/test_each_service.py`, `tests/netns/bans/test_netns_services.py`
- forged traffic of a client bans no other address and frees no address of a vendor:
  `tests/netns/bans/test_netns_learned.py`;
  a learned address is banned only while every name that has it is inside the ban:
  `tests/policy/test_learned.py::test_an_address_is_banned_as_long_as_only_names_inside_the_ban_have_it`
- a subject that an administrator types gives the vendor that was meant, candidates, or nothing:
  `tests/catalog/test_subject_index.py::test_words_that_administrators_type`
- a reload takes all or nothing, and loses no flow: `tests/daemon/test_process.py::test_a_reload_takes_all_or_nothing`,
  `tests/netns/bans/test_netns_reload.py::test_a_download_is_counted_whole_across_a_reload`
- bans hold on the watched interfaces and on no other, through link changes:
  `tests/netns/traffic/test_netns_links.py`
- a broken or poisoned list never replaces a good one: `tests/lists/test_update_refusals.py`;
  a line that no ban may touch is dropped alone: `tests/lists/test_update_lines.py`
- excerpts of public lists give the entries that other readers of their formats find:
  `tests/catalog/test_real_lists.py`
- overrides made at run time are kept whole, and a damaged file of them has no effect:
  `tests/daemon/test_override_store.py`
- the journal agrees with the counters, and has no name outside the catalogue: `tests/core/books/test_diary.py`
- a disk or a file that fails costs the journal, never the service: `tests/journal/test_journal.py`,
  `tests/daemon/test_daemon_journal.py`
- a deleted table comes back, a missing part of enforcement leaves the others in force:
  `tests/netns/bans/test_netns_mending.py`, `tests/netns/bans/test_netns_faults.py`; allowed traffic is never refused
  meanwhile: `tests/netns/bans/test_netns_enforce_life.py`
- each step from one policy to another refuses what both refuse, and passes what both pass:
  `tests/policy/table/test_fake_kernel.py`, `tests/policy/table/test_gaps.py`
- a daemon that dies between two steps of a change leaves no gap, and the next daemon completes the table:
  `tests/enforcement/test_table_kill.py`
- an allowed name is never refused while a ban begins, changes or starts again:
  `tests/enforcement/test_table_races.py`
- a large policy comes and goes without letting banned traffic pass, and is restored whole:
  `tests/netns/bans/test_netns_large.py`
- a clock step ends nothing, counts nothing twice and delays nothing: `tests/core/test_clock.py`,
  `tests/vm/test_vm_clock.py`
- two capabilities and the service's sandbox are enough for every layer:
  `tests/netns/bans/test_netns_privileges.py`, `tests/package/test_service.py`
- a diverted query is answered by the gateway's own return route: `tests/kernel/test_diversion.py`,
  `tests/kernel/test_return_routes.py`
- a query that is not banned leaves as its client's own packets, through any NAT on port 53:
  `tests/netns/bans/test_netns_nat53.py`; without an answer the dns layer ends and reports it:
  `tests/netns/bans/test_netns_passing.py`
- bans hold on interfaces without MAC addresses: `tests/netns/bans/test_netns_layer3.py`; all verbs agree about a second
  way out, containers and transparent bridges: `tests/netns/test_netns_gateways.py`
- a device that a ban excludes by address, interface, host name or group reaches what others do not, on each layer:
  `tests/netns/bans/test_netns_members.py`
- what a dead daemon left in the kernel passes where bans fail open, and holds where they fail closed:
  `tests/kernel/test_clearing.py`
- the daemon imports neither scapy nor modules that only the lab or a list update needs:
  `tests/daemon/test_process.py`
- every counter of a ban exists with zero before its first event: `tests/core/books/test_ban_proof.py`
- dashboards and alerts use existing metrics only, and each expression has data: `tests/grafana/`,
  `tests/netns/traffic/test_netns_prometheus.py`
- the self-test finds a layer that does not hold, and touches no device: `tests/netns/bans/test_netns_selftest.py`
- README and `docs/` describe what the code does, and their commands run: `tests/test_documents.py`,
  `tests/test_commands_in_documents.py`
"""
