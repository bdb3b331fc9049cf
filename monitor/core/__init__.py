"""The state machine: observations in, effects and numbers out."""
