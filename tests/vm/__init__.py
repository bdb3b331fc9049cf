"""A machine with Debian's kernel in an emulator: for what must not be done to the kernel that tests run on.

This machine's files are there at the same paths, under a layer that is thrown away; there is no network but what a
test makes. Nothing of the emulated machine is left when it ends.
"""
