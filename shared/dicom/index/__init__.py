"""What the search index holds of an instance, and what may be asked of it. It knows no search engine."""
