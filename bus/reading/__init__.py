"""What do the project's own files say, and on which line? YAML, dated law, lists of codes and reasons."""
