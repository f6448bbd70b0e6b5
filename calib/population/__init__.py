"""Populations of enterprises: reading them, and generating synthetic ones."""

from calib.population.parse import parse_population, read_population
from calib.population.population import Kind, Labels, Population, Sample

__all__ = ["Kind", "Labels", "Population", "Sample", "parse_population", "read_population"]
