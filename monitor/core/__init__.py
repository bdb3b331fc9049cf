"""The state machine: takes observations, returns effects and metrics."""
