"""The index, its summaries, search and feed on Azure Table storage: one module a table or a transaction."""
