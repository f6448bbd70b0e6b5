"""Publishing: the weight explorer, the static site, the workbook, and pseudonyms."""
