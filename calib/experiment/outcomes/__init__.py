"""Adapters from experiment files to outcome analyses, one module an analysis."""
