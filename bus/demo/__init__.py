"""What does it look like in motion? An invented town, a week in it, and the proof at the end."""
