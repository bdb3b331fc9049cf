"""Parses capture files and blocks of the capture ring."""
