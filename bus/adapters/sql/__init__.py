"""How do the ports meet SQL databases? One module per port, one place for drivers' errors."""
