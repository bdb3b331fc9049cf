"""The daemon: one asyncio loop that runs the pipeline and handles signals, reloads and status reports."""
