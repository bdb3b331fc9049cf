"""The pipeline that keeps the catalogue current: sources as data, a deterministic merge, and a report to review.

The daemon does not import this package and the installed package does not contain it. The steps, one module each:

    sources      sources.toml: address, licence, parser, weight and owner mapping of each source
    parsers      files of a snapshot to parts: an owner and lines in a format of `monitor.catalog.formats`
    claims       parts to claims: a source names an owner for a name
    rules        whether a name may be added at all
    merge        claims of several families to additions, conflicts and removals
    provenance   provenance.tsv: the sources of each entry, and when they named it first and last
    writing      the part of a vendor file that the pipeline owns
    coverage     how many of the names that several families give to a vendor the catalogue has
    report       what a reviewer reads

Run it with `make catalogue-report` or `make catalogue-merge`. The result depends on its inputs alone: the dates are
those of the sources, never of the clock.
"""
