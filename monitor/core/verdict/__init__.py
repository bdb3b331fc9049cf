"""What bans mean for flows: verdicts, kills, leaks."""
