"""Who plays the staff of the departments? A simulation for demonstrations and tests; no part of the bus needs it."""
