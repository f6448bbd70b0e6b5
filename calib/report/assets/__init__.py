"""Sheets, scripts and fragments of pages that are read: sections, figures, tables."""
