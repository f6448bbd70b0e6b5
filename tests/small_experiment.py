"""The least experiment that runs: six made-up enterprises under the published weights."""

SMALL = """
schema = "calib.experiment/1"
name = "small"
framework = "aii"
[population.generate]
n = 6
seed = 1
[sets.published]
source = "published"
"""
