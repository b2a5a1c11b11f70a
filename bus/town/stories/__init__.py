"""What can happen to the people of a town? One module per kind of story; the script tells when, and to whom."""
