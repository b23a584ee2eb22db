"""Log events, spans, metrics and the audit trail, and how they leave."""
