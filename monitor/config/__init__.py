"""Configuration: TOML text to frozen dataclasses, with file and line for whatever is wrong."""
