"""Files: read only what is regular, write aside and rename, mark folders, lock, name apart."""
