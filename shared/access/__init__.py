"""Who may do what. Pure: it is handed what it needs of the network."""
