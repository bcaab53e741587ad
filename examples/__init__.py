"""Host products that run."""
