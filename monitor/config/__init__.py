"""Configuration: parses TOML text into frozen dataclasses; every error has its file and line."""
