"""What does it look like in motion? A stack, a town, a week with kills in it, and the proof at the end."""
