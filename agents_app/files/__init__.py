"""Files: what users upload and what work delivers, one concept with one store."""
