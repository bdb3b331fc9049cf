"""What is counted, and the rows and series that are made of it."""
