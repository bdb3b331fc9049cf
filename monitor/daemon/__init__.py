"""The daemon: one asyncio loop around the straight line, its signals, its reloads and what it says of itself."""
