"""The journal: traffic by day, device and vendor, in a file of limited size. A failure of the file affects nothing
else.
"""
