"""Reads the formats of user lists, one file per format; each reads one line at a time and never raises."""
