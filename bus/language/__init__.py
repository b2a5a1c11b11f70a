"""What can a department say? The five words of a manifest, its rules, and the law they ask."""
