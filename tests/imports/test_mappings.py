"""A mapping is proposed, answered once, and used again for every file of the same layout."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from platform_exports import AII, ALL, cells, firms, name, text, wenjuanxing_texts, write_xlsx

import calib
import calib.tables
from calib.cli import cli
from calib.errors import InputError
from calib.imports import OPEN, prepare, read_mapping
from calib.population import load_population
from calib.words import set_language


def simple(path, say, head=name, skipped="", more=()):
    rows = [["企业名称", "企业类型", *(head(c) for c in ALL), *(m for m, _ in more)]]
    for f in firms():
        track = "离散型" if f.track == "discrete" else "流程型"
        rows.append([f.name, track, *cells(f, say, skipped, ""), *(v for _, v in more)])
    return write_xlsx(path / "答卷.xlsx", {"Sheet1": rows})


def asked(proposal):
    return {q.key: list(q.answers) for q in proposal.questions}


def test_each_column_comes_with_a_confidence_and_a_reason(tmp_path):
    proposal = prepare(wenjuanxing_texts(tmp_path), AII)
    assert all(c.reason and 0 <= c.confidence <= 1 for c in proposal.mapping.columns)
    kept = {c.header: c.taken for c in proposal.mapping.columns}
    assert kept["来自IP"] == kept["总分"] == kept["56、您的建议"] == "aside"
    for lang in ("zh", "en"):
        assert len(proposal.headline().get(lang)) > 20


def test_the_command_writes_a_mapping_that_the_next_export_uses(tmp_path):
    path = wenjuanxing_texts(tmp_path)
    run = CliRunner().invoke(cli, ["import", str(path), "--missing", "zero", "--lang", "zh"])
    set_language("en")
    assert run.exit_code == 0, run.output
    assert "60 家企业" in run.output
    assert "公布权重下的星级" in run.output
    mapping = read_mapping(path.with_suffix(".mapping.toml"))
    assert mapping.ready
    (tmp_path / "next").mkdir()
    later = wenjuanxing_texts(tmp_path / "next").rename(tmp_path / "2027.xlsx")
    again = CliRunner().invoke(cli, ["import", str(later), "--missing", "zero"])
    assert "mapping used again" in again.output
    assert len(load_population(later, AII)) == 60


def test_an_experiment_names_the_raw_export_and_its_mapping(tmp_path):
    path = wenjuanxing_texts(tmp_path)
    prepare(path, AII).mapping.write(tmp_path / "m.toml")
    file = tmp_path / "e.toml"
    file.write_text(
        'schema = "calib.experiment/1"\nname = "e"\nframework = "aii"\n'
        f'[population]\nfile = "{path.name}"\nmapping = "m.toml"\n'
        '[rule_options]\nmissing = "renormalise"\n[sets.published]\nsource = "published"\n',
        encoding="utf-8",
    )
    run = calib.run_experiment(calib.load_experiment(file))
    assert len(run.context.scored) == 60
    assert {path.name, "m.toml"} <= set(run.context.log.hashes)
    said = [n.get("zh") for n in run.context.scored.notes]
    assert any("选项文字" in s and "跳过" in s for s in said)


def test_a_mapping_for_another_layout_is_refused(tmp_path):
    path = wenjuanxing_texts(tmp_path)
    prepare(path, AII).mapping.write(tmp_path / "m.toml")
    other = simple(tmp_path, text)
    with pytest.raises(InputError, match=r"another layout: \d+ columns differ"):
        calib.import_answers(other, AII, mapping=tmp_path / "m.toml")


def test_an_option_that_the_mapping_does_not_know_is_a_fault(tmp_path):
    path = simple(tmp_path, text)
    mapping = prepare(path, AII).mapping.model_copy(update={"confirmed": True})
    mapping.write(tmp_path / "m.toml")
    (tmp_path / "b").mkdir()
    changed = simple(tmp_path / "b", lambda c, k: "远程操控" if c == ALL[7] else text(c, k))
    with pytest.raises(InputError, match="the mapping knows no such option"):
        calib.import_answers(changed, AII, mapping=tmp_path / "m.toml")


@pytest.mark.parametrize(
    ("say", "answers"),
    [
        (lambda c, k: k - 1, ["options-from-0", "scores", "options"]),
        (lambda c, k: (k - 1) * 25, ["scores", "options"]),
        (lambda c, k: (k - 1) / 4, ["scores-from-0-to-1", "scores", "options"]),
    ],
)
def test_numbers_that_are_no_options_are_asked_about(say, answers, tmp_path):
    path = simple(tmp_path, say)
    proposal = prepare(path, AII)
    assert asked(proposal) == {"choices.numbers": answers}
    with pytest.raises(InputError, match="What are they"):
        calib.import_answers(path, AII, confirm=True)
    population = calib.import_answers(path, AII, choices={"numbers": answers[0]})
    truth = {f.name: f.answers for f in firms()}
    sample = population.samples["discrete"]
    code = "IC.DEV.D1"
    for i, firm in enumerate(sample.names):
        k = truth[firm].get(code, np.nan)
        meant = k if answers[0] == "options-from-0" else (k - 1) * 25
        assert np.isclose(sample.values[i, 0], meant, equal_nan=True)


def test_more_options_than_the_framework_has_are_asked_about(tmp_path):
    three = "DA.SVC.D2"
    ladder = ["无", "部分", "大部分", "全面"]
    path = simple(tmp_path, lambda c, k: f"{'ABCD'[k]}.{ladder[k]}" if c == three else k)
    proposal = prepare(path, AII)
    assert asked(proposal) == {"choices.item-options": ["as-in-file", "as-in-framework"]}
    population = calib.import_answers(path, AII, choices={"item-options": "as-in-file"})
    track = population.samples["discrete"].track
    assert track.nodes[track.index[three]].item.options == 4
    with pytest.raises(InputError, match="option 1 to 3"):
        calib.import_answers(path, AII, choices={"item-options": "as-in-framework"})


def test_letters_that_fall_are_turned_only_after_a_yes(tmp_path):
    ladder = ["全面应用并持续优化", "主要环节应用", "局部试点", "规划中", "尚未规划"]
    five = [c for c in ALL if AII.node(c).item.options == 5 and AII.node(c).item.kind[2] == "a"]
    assert len(five) > 3
    falling = lambda c, k: f"{'EDCBA'[k - 1]}.{ladder[5 - k]}" if c in five else k  # noqa: E731
    path = simple(tmp_path, falling)
    proposal = prepare(path, AII)
    assert proposal.mapping.options[0].reason == "falling"
    with pytest.raises(InputError, match="likely but not certain"):
        calib.import_answers(path, AII)
    population = calib.import_answers(path, AII, confirm=True)
    truth = {f.name: f.answers for f in firms()}
    for t, sample in population.samples.items():
        for i, firm in enumerate(sample.names):
            assert all(
                np.isclose(sample.values[i, j], truth[firm].get(c, np.nan), equal_nan=True)
                for j, c in enumerate(AII.tracks[t].leaf_codes)
            )


def test_a_name_that_is_only_alike_has_to_be_confirmed(tmp_path):
    path = simple(tmp_path, text, head=lambda c: name(c).replace("机床设备联网", "机床设备联网率"))
    assert prepare(path, AII).mapping.columns[2].of == "IC.DEV.D1"
    (tmp_path / "b").mkdir()
    path = simple(tmp_path / "b", text, head=lambda c: name(c).replace("机器互联", "机器互连"))
    column = next(c for c in prepare(path, AII).mapping.columns if c.header == "机器互连")
    assert column.of in ("IC.RES.D2", OPEN)
    assert column.confidence < 0.95
    with pytest.raises(InputError):
        calib.import_answers(path, AII)


def test_a_code_beside_another_indicators_name_is_a_question(tmp_path):
    path = simple(tmp_path, text, head=lambda c: f"{c} {name('DA.PLC.D2' if c == ALL[0] else c)}")
    assert "C" in {k.rpartition("!")[2] for k in asked(prepare(path, AII))}


def test_two_columns_for_one_indicator_are_a_question(tmp_path):
    path = simple(tmp_path, text, more=[("机床设备联网（复核）", "规划中")])
    found = asked(prepare(path, AII))
    assert len(found) == 2
    assert all("IC.DEV.D1" in answers for answers in found.values())


def test_every_question_reads_in_both_languages(tmp_path):
    path = simple(tmp_path, lambda c, k: k - 1)
    for question in prepare(path, AII).questions:
        assert question.get("zh") != question.get("en")
    comments = prepare(path, AII).comments("zh")
    assert "从 0 起编号" in comments["choices.numbers"]


def test_a_table_of_libreoffice_and_one_of_strict_open_xml_are_read(tmp_path):
    import zipfile

    cells = [["enterprise", "track"], ["a", "discrete"]]
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>'
            for c in row
        )
        + "</table:table-row>"
        for row in cells
    )
    ns = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<?xml version="1.0"?><office:document-content xmlns:office="{ns}:office:1.0" '
        f'xmlns:table="{ns}:table:1.0" xmlns:text="{ns}:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="S">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("content.xml", content)
        book.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{ns}:manifest:1.0"/>',
        )
    table = calib.tables.read_table(tmp_path / "a.ods")
    assert table.text("track") == ["discrete"]
    plain = write_xlsx(tmp_path / "b.xlsx", {"S": cells})
    strict = tmp_path / "strict.xlsx"
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(strict, "w") as new:
        for part in old.namelist():
            body = old.read(part).decode("utf-8")
            for loose, tight in (
                ("http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                 "http://purl.oclc.org/ooxml/spreadsheetml/main"),
                ("http://schemas.openxmlformats.org/officeDocument/2006/relationships",
                 "http://purl.oclc.org/ooxml/officeDocument/relationships"),
            ):  # fmt: skip
                body = body.replace(loose, tight)
            new.writestr(part, body)
    assert calib.tables.read_table(strict).text("track") == ["discrete"]


def test_a_column_that_a_person_named_is_read_with_the_others_options(tmp_path):
    unlike = {"产品谱系追溯": "质量回查", "产品优化创新": "新品研发"}
    path = simple(tmp_path, text, head=lambda c: unlike.get(name(c), name(c)))
    proposal = prepare(path, AII)
    first, second = proposal.questions
    assert "质量回查" in first.get("zh")
    assert list(first.answers) == ["DA.PLC.D2", "DA.PLC.D3", "aside"]
    settled = proposal.mapping.answered(first.key, "DA.PLC.D2").answered(second.key, "DA.PLC.D3")
    settled.model_copy(update={"confirmed": True}).write(tmp_path / "m.toml")
    population = calib.import_answers(path, AII, mapping=tmp_path / "m.toml")
    assert any("m.toml" in n.get("en") for n in population.notes)
    sample = population.samples["discrete"]
    at = sample.track.leaf_codes.index("DA.PLC.D2")
    truth = {f.name: f.answers.get("DA.PLC.D2", np.nan) for f in firms()}
    assert np.allclose(sample.values[:, at], [truth[n] for n in sample.names], equal_nan=True)


def test_a_stored_mapping_that_nobody_confirmed_is_not_used(tmp_path):
    path = simple(tmp_path, text)
    prepare(path, AII).mapping.write(tmp_path / "答卷.mapping.toml")
    run = CliRunner().invoke(cli, ["import", str(path)])
    assert isinstance(run.exception, InputError)
    assert "likely but not certain" in str(run.exception)
    yes = CliRunner().invoke(cli, ["import", str(path), "--yes", "--missing", "zero"])
    assert yes.exit_code == 0, yes.output
    assert read_mapping(tmp_path / "答卷.mapping.toml").confirmed
