"""Groups, bans, schedules and exceptions, and the verdicts that follow from them."""
