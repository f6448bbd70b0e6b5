"""Style sheets, scripts and templates of the published pages."""
