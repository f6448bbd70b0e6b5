"""Partitioned populations and clusters give the very counts of one process."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from calib.errors import InputError
from calib.framework import load_framework
from calib.population import find_partitions, generate_population, read_partition, write_partitions
from calib.rating import count_partitions, score_answers, star_counts
from calib.rating.counting import star_counts_on

pytest.importorskip("pyarrow")
FRAMEWORK = load_framework("aii")
RULE_OPTIONS = FRAMEWORK.rule.defaults
RULE = FRAMEWORK.rule.thresholds()


def weights(count, seed):
    rng = np.random.default_rng(seed)
    out = {}
    top = rng.dirichlet(np.ones(3), count)
    for t, tree in FRAMEWORK.tracks.items():
        out[t] = np.empty((count, len(tree.nodes)))
        for family in tree.families:
            d = len(family.members)
            out[t][:, family.members] = rng.dirichlet(np.ones(d), count) if family.parent else top
    return out


def renamed(population, number):
    samples = {
        t: replace(s, ids=np.array([f"{i}-{number}" for i in s.ids], dtype=object))
        for t, s in population.samples.items()
    }
    return replace(population, samples=samples)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("national")
    populations = [renamed(generate_population(FRAMEWORK, 300, rng=s), s) for s in range(12)]
    assert write_partitions(folder, populations) == 3600
    return populations, find_partitions(folder)


def test_parts_are_read_back_as_written(parts):
    populations, found = parts
    assert sum(p.rows for p in found) == 3600
    again = read_partition(found[0], FRAMEWORK)
    ((track, sample),) = again.samples.items()
    np.testing.assert_array_equal(sample.values, populations[0].samples[track].values)
    assert list(sample.ids) == [str(i) for i in populations[0].samples[track].ids]


def test_partitions_count_as_the_population_in_memory(parts):
    populations, found = parts
    local = weights(40, 1)
    counts = count_partitions(found, FRAMEWORK, local, RULE_OPTIONS)
    for t, tree in FRAMEWORK.tracks.items():
        X = np.concatenate([score_answers(p, RULE_OPTIONS).samples[t].X for p in populations])
        expected = star_counts(tree, X, local[t], RULE).per_set
        np.testing.assert_array_equal(counts.per_set[t], expected)
        assert counts.enterprises[t] == len(X)
    assert len(counts.parts) == len(found)


def test_faults_of_a_part_are_named(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    tree = FRAMEWORK.tracks["process"]
    columns = {c: [1, 2] for c in tree.leaf_codes}
    columns[tree.leaf_codes[3]] = [1, 9]
    table = pa.table({"enterprise": ["a", "b"], "track": ["process"] * 2, **columns})
    parquet.write_table(table, tmp_path / "p.parquet")
    (part,) = find_partitions(tmp_path)
    with pytest.raises(InputError, match=rf"row 1, column {tree.leaf_codes[3]}.*found 9"):
        read_partition(part, FRAMEWORK)
    parquet.write_table(table.drop([tree.leaf_codes[0]]), tmp_path / "p.parquet")
    with pytest.raises(InputError, match=f"no column for {tree.leaf_codes[0]}"):
        read_partition(part, FRAMEWORK)
    (tmp_path / "q.parquet").write_bytes(b"junk")
    with pytest.raises(InputError, match=r"q\.parquet.*cannot be read as Parquet"):
        find_partitions(tmp_path)
    with pytest.raises(InputError, match="no Parquet files"):
        find_partitions(tmp_path / "nothing")


def test_an_enterprise_stands_in_one_row_of_one_part(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    populations = [renamed(generate_population(FRAMEWORK, 40, rng=s), s) for s in (1, 2)]
    write_partitions(tmp_path / "n", populations)
    for folder in (tmp_path / "n").iterdir():
        (folder / "part-00002.parquet").write_bytes((folder / "part-00001.parquet").read_bytes())
    with pytest.raises(InputError, match=r"part-00002.*20 enterprises that stand in another part"):
        count_partitions(find_partitions(tmp_path / "n"), FRAMEWORK, weights(2, 1), RULE_OPTIONS)
    tree = FRAMEWORK.tracks["process"]
    table = pa.table({"enterprise": ["a", "b", "a"], **{c: [1, 1, 1] for c in tree.leaf_codes}})
    (tmp_path / "m" / "track=process").mkdir(parents=True)
    # Several row groups: the repetition is in another one.
    parquet.write_table(table, tmp_path / "m" / "track=process" / "a.parquet", row_group_size=2)
    (part,) = find_partitions(tmp_path / "m")
    with pytest.raises(InputError, match="row 2, column enterprise: duplicate enterprise id"):
        read_partition(part, FRAMEWORK)


# What distributed and its event loop leave open when a worker is killed is not ours to close.
@pytest.mark.filterwarnings("default")
def test_a_cluster_that_loses_a_worker_counts_the_same(parts):
    distributed = pytest.importorskip("distributed")
    _, found = parts
    local = weights(300, 2)
    alone = count_partitions(found, FRAMEWORK, local, RULE_OPTIONS)
    killed = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:

        def kill_one(number):
            if number == 3:
                with distributed.Client(cluster.scheduler_address, set_as_default=False) as other:
                    pids = other.run(os.getpid)
                killed.append(next(iter(pids.values())))
                os.kill(killed[0], signal.SIGKILL)

        there = count_partitions(
            found,
            FRAMEWORK,
            local,
            RULE_OPTIONS,
            scheduler=cluster.scheduler_address,
            done=kill_one,
        )
        tree = FRAMEWORK.tracks["discrete"]
        X = score_answers(read_partition(found[0], FRAMEWORK), RULE_OPTIONS).samples["discrete"].X
        spread = star_counts_on(
            tree, X, local["discrete"], RULE, scheduler=cluster.scheduler_address
        )
    assert killed
    for t in FRAMEWORK.tracks:
        np.testing.assert_array_equal(there.per_set[t], alone.per_set[t])
    assert there.enterprises == alone.enterprises
    assert there.parts == alone.parts
    here = star_counts(tree, X, local["discrete"], RULE)
    np.testing.assert_array_equal(spread.per_enterprise, here.per_enterprise)


def test_no_scheduler_at_the_address_is_said():
    pytest.importorskip("distributed")
    tree = FRAMEWORK.tracks["process"]
    with pytest.raises(InputError, match="no Dask scheduler"):
        star_counts_on(
            tree, np.zeros((3, len(tree.leaves))), weights(2, 3)["process"], RULE,
            scheduler="nonsense://127.0.0.1:1",
        )  # fmt: skip
