"""Capture files and blocks of the capture ring."""
