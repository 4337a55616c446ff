"""Makes the demo's data, settings and truth."""
