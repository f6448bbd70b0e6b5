"""Weight tables as people make them give the weights that were meant."""

from __future__ import annotations

import numpy as np
import pytest
from platform_exports import AII, write_csv, write_xlsx

import calib
from calib.errors import InputError
from calib.imports import prepare

PUBLISHED = calib.published_weights(AII)
ZH = {"discrete": "离散型", "process": "流程型"}


def same(weights, other=PUBLISHED, tolerance=1e-9):
    return all(np.allclose(weights.local[t], other.local[t], atol=tolerance) for t in AII.tracks)


def local(t, code):
    tree = AII.tracks[t]
    return float(PUBLISHED.local[t][tree.index[code]])


def whole(t, code):
    tree = AII.tracks[t]
    return float(tree.global_weights(PUBLISHED.local[t])[tree.index[code]])


def long(path, value, head="权重", codes=True):
    rows = [["企业类型", *(["指标编码"] if codes else []), "指标", head]]
    for t, tree in AII.tracks.items():
        for node in tree.nodes:
            own = [node.code] if codes else []
            rows.append([ZH[t], *own, node.name.zh, value(t, node.code)])
    rows.append(["", *([""] if codes else []), "合计", ""])
    return write_xlsx(path / "权重.xlsx", {"Sheet1": rows})


@pytest.mark.parametrize("codes", [True, False])
@pytest.mark.parametrize(
    ("value", "head"),
    [
        (local, "权重"),
        (lambda t, c: 100 * local(t, c), "权重（%）"),
        (lambda t, c: f"{100 * local(t, c):.13g}%", "权重"),
        (whole, "全局权重"),
        (lambda t, c: 100 * whole(t, c), "综合权重"),
    ],
    ids=["shares", "percent", "percent signs", "global", "global percent"],
)
def test_a_row_a_node(value, head, codes, tmp_path):
    path = long(tmp_path, value, head, codes)
    assert prepare(path, AII).mapping.kind == "weights"
    assert same(calib.import_weights(path, AII))


def test_global_weights_of_indicators_alone_are_told_by_their_sum(tmp_path):
    rows = [["企业类型", "指标编码", "权重"]]
    rows += [[ZH[t], c, whole(t, c)] for t, x in AII.tracks.items() for c in x.leaf_codes]
    assert same(calib.import_weights(write_csv(tmp_path / "w.csv", rows), AII))


def test_a_column_a_track(tmp_path):
    rows = [["指标编码", "离散型权重", "流程型权重"]]
    for code in AII.codes:
        has = [t for t, x in AII.tracks.items() if code in x.index]
        rows.append([code, *(local(t, code) if t in has else "" for t in AII.tracks)])
    assert same(calib.import_weights(write_csv(tmp_path / "w.csv", rows), AII))


def test_a_column_a_level_with_merged_cells_on_a_sheet_a_track(tmp_path):
    sheets = {}
    for t, tree in AII.tracks.items():
        rows = [["一级指标", "权重", "二级指标", "权重", "三级指标", "权重"]]
        line = [""] * 6
        for node in tree.nodes:
            at = 2 * (node.depth - 1)
            line[at : at + 2] = [node.name.zh, f"{100 * local(t, node.code):.13g}%"]
            if not node.children:
                rows.append(line)
                line = [""] * 6
        sheets[ZH[t]] = rows
    path = write_xlsx(tmp_path / "w.xlsx", sheets)
    assert prepare(path, AII).mapping.kind == "weights"
    assert same(calib.import_weights(path, AII))


def test_where_the_rest_comes_from_is_asked(tmp_path):
    rows = [["一级指标", "权重"], ["互联互通", 0.3], ["综合集成", 0.3], ["数据分析利用", 0.4]]
    path = write_csv(tmp_path / "w.csv", rows)
    with pytest.raises(InputError, match="Where do their weights come from"):
        calib.import_weights(path, AII)
    kept = calib.import_weights(path, AII, choices={"rest": "published"})
    assert kept["DA"] == 0.4
    assert kept["IC.DEV", "discrete"] == 0.32
    equal = calib.import_weights(path, AII, choices={"rest": "equal"})
    assert equal["IC.DEV", "discrete"] == pytest.approx(1 / 3)


def test_sums_that_are_off_by_rounding_are_divided_out_only_when_asked(tmp_path):
    rows = [["一级指标", "权重"], ["互联互通", "33%"], ["综合集成", "33%"], ["数据分析利用", "33%"]]
    path = write_csv(tmp_path / "w.csv", rows)
    with pytest.raises(InputError, match=r"weights sum to 0\.99"):
        calib.import_weights(path, AII, choices={"rest": "published"})
    made = calib.import_weights(path, AII, choices={"rest": "published", "sums": "normalise"})
    assert made["DA"] == pytest.approx(1 / 3)


def test_weights_that_sum_to_neither_1_nor_100_are_faults(tmp_path):
    rows = [["一级指标", "权重"], ["互联互通", 0.5], ["综合集成", 0.5], ["数据分析利用", 0.5]]
    with pytest.raises(InputError, match=r"neither 1 nor 100 but to 1\.5"):
        calib.import_weights(write_csv(tmp_path / "w.csv", rows), AII, choices={"rest": "equal"})


def test_code_and_name_of_different_nodes_are_a_fault(tmp_path):
    path = long(tmp_path, local)
    import pandas as pd

    frame = pd.read_excel(path, engine="calamine", dtype=str, keep_default_na=False)
    frame.loc[[2, 3], "指标"] = frame.loc[[3, 2], "指标"].to_numpy()
    frame.to_csv(tmp_path / "w.csv", index=False)
    with pytest.raises(InputError, match="code and name are of different nodes") as caught:
        calib.import_weights(tmp_path / "w.csv", AII)
    assert len(caught.value.faults) == 2


def test_a_global_column_that_is_not_the_product_is_a_fault(tmp_path):
    rows = [["企业类型", "指标编码", "局部权重", "全局权重"]]
    for t, tree in AII.tracks.items():
        rows += [[ZH[t], n.code, local(t, n.code), whole(t, n.code)] for n in tree.nodes]
    rows[5][3] += 0.02
    with pytest.raises(InputError, match="is not the product of the local ones"):
        calib.import_weights(write_csv(tmp_path / "w.csv", rows), AII)
