"""What do all outboxes need, whosever they are? Looked after in one call, and seen in one."""
