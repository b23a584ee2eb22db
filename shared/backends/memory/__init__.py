"""Every port in plain dictionaries: the specification that other adapters are held to. Nothing here outlives the process."""
