"""Who may hear it? Purpose, protection, and one narrowed topic per subscription."""
