"""The register's shape through time."""
