"""Who lives in a town that nobody lives in, and what happens there? The same seed gives the same town and week."""
