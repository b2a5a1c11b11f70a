"""What needs memory? Folds over canonical events that say what no single event says."""
