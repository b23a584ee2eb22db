"""The OpenAPI document: `operations` declares what there is, `document` writes it down. Nothing here is called to serve."""
