"""The command line: one file a verb, read only when that verb is chosen."""
