"""What does a department say? Facts in gap-free versions, corrected and annulled like the register's; pure."""
