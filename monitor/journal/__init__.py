"""The journal: who talked to which vendor, by day, in a bounded file that may fail without anybody else noticing."""
