"""Populations of enterprises: reading them, and generating synthetic ones."""

from calib.population.declared import (
    GenerateEntry,
    PopulationSpec,
    load_population,
    resolve_population,
)
from calib.population.ensemble import Ensemble, has_ensemble, load_ensemble
from calib.population.generate import generate_population
from calib.population.imputation import DrawnAnswers, draw_answers, impute
from calib.population.parse import parse_population
from calib.population.partitions import find_partitions, read_partition, write_partitions
from calib.population.population import Kind, Labels, Population, Sample
from calib.population.population_files import import_answers, mapped_population, read_population

__all__ = [
    "DrawnAnswers",
    "Ensemble",
    "GenerateEntry",
    "Kind",
    "Labels",
    "Population",
    "PopulationSpec",
    "Sample",
    "draw_answers",
    "find_partitions",
    "generate_population",
    "has_ensemble",
    "import_answers",
    "impute",
    "load_ensemble",
    "load_population",
    "mapped_population",
    "parse_population",
    "read_partition",
    "read_population",
    "resolve_population",
    "write_partitions",
]
