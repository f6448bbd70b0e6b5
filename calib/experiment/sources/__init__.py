"""Adapters from experiment files to sources of weights, one module a source."""
