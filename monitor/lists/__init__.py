"""Where lists come from: the shipped files, the user's files, MMDB files; the child process that reads them; and the
subscriptions, which a process of its own (`lists update`) fetches, checks and puts in place.
"""
