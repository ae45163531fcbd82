"""From models and existing evaluation logs to records."""
