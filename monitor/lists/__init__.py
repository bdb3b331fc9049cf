"""Reads lists: the shipped files, the user's files and MMDB files, in a child process; and updates subscriptions.

`lists update` fetches, checks and installs subscriptions in a process of its own.
"""
