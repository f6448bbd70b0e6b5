"""Made-up exports in the layouts of survey platforms: 60 enterprises with known answers."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xlsxwriter

import calib

AII = calib.load_framework("aii")
BANDS = ["20%以下", "20%（含）-40%", "40%（含）-60%", "60%（含）-80%", "80%及以上"]
LADDERS = {
    ("quantitative", 5): BANDS,
    ("qualitative", 5): ["尚未规划", "规划中", "局部试点", "主要环节应用", "全面应用并持续优化"],
    ("qualitative", 4): ["无", "部分", "大部分", "全面"],
    ("qualitative", 3): ["尚未开展", "部分开展", "全面开展"],
}
ENGLISH = {
    ("quantitative", 5): ["under 20%", "20% to 40%", "40% to 60%", "60% to 80%", "80% and above"],
    ("qualitative", 5): ["Not planned", "In planning", "Some pilots", "Main areas", "Fully used"],
    ("qualitative", 4): ["None", "Partly", "Mostly", "Fully"],
    ("qualitative", 3): ["Never done", "Partly done", "Fully done"],
}
TRACK_NAMES = {"discrete": "离散型", "process": "流程型"}


@dataclass(frozen=True)
class Firm:
    """An enterprise with its option numbers by code; what is missing was not answered."""

    name: str
    track: str
    size: str
    province: str
    answers: dict[str, int]


def item(code):
    node = AII.node(code)
    return node.item.kind, node.item.options


def codes(track):
    return AII.tracks[track].leaf_codes


ALL = [*codes("discrete"), *codes("process")]


def firms(seed=5, n=(36, 24), gaps=4):
    rng = np.random.default_rng(seed)
    out = []
    for t, count in zip(AII.tracks, n, strict=True):
        for i in range(count):
            answers = {c: int(rng.integers(1, item(c)[1] + 1)) for c in codes(t)}
            name = f"{'华宏恒新'[i % 4]}{'盛科泰达源'[i % 5]}{len(out) + 1:02d}有限公司"
            size, province = "大中小"[i % 3] + "型", ["浙江", "江苏", "四川"][i % 3]
            out.append(Firm(name, t, size, province, answers))
    for i in rng.choice(len(out), gaps, replace=False):
        firm = out[i]
        firm.answers.pop(codes(firm.track)[int(rng.integers(len(codes(firm.track))))])
    order = rng.permutation(len(out))
    return [out[i] for i in order]


def parent_name(code, lang="zh"):
    return AII.node(AII.node(code).parent).name.get(lang)


def name(code, lang="zh"):
    return AII.node(code).name.get(lang)


def cells(firm, say, skipped, empty):
    """Return the cells of both branches: the other track's are skipped."""
    own = set(codes(firm.track))
    out = []
    for code in ALL:
        if code not in own:
            out.append(skipped)
        else:
            out.append(say(code, firm.answers[code]) if code in firm.answers else empty)
    return out


def letter_text(code, k):
    return f"{'ABCDE'[k - 1]}.{LADDERS[item(code)][k - 1]}"


def text(code, k):
    return LADDERS[item(code)][k - 1]


def english(code, k):
    return ENGLISH[item(code)][k - 1]


def write_xlsx(path, sheets):
    book = xlsxwriter.Workbook(str(path), {"strings_to_numbers": False})
    for title, rows in sheets.items():
        sheet = book.add_worksheet(title)
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if value != "":
                    sheet.write(r, c, value)
    book.close()
    return Path(path)


def write_csv(path, rows, encoding="utf-8-sig"):
    with open(path, "w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows(rows)
    return Path(path)


def _wjx_head(questions):
    head = ["序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP"]
    first = ["1、企业名称（全称）", "2、贵企业所属行业类型", "3、企业规模", "4、所在省份"]
    return [*head, *first, *questions, "56、您的建议", "总分"]


def _wjx_row(i, firm, answers, track=None):
    when = f"2026/3/{1 + i % 28} 10:{i % 60:02d}:20"
    head = [i + 1, when, f"{300 + i}秒", "链接", "直接访问", f"10.2.0.{i}(浙江-杭州)"]
    about = [firm.name, track or TRACK_NAMES[firm.track], firm.size, firm.province]
    return [*head, *about, *answers, "", ""]


def wenjuanxing_texts(path):
    questions = [
        f"{i}、[{parent_name(c)}]{name(c)}：贵企业{name(c)}的现状是？" for i, c in enumerate(ALL, 5)
    ]
    rows = [_wjx_head(questions)]
    for i, f in enumerate(firms()):
        rows.append(_wjx_row(i, f, cells(f, letter_text, "(跳过)", "(空)")))
    return write_xlsx(path / "问卷星-文本.xlsx", {"Sheet1": rows})


def wenjuanxing_numbers(path):
    questions = [f"{i}、{name(c)}" for i, c in enumerate(ALL, 5)]
    rows = [_wjx_head(questions)]
    for i, f in enumerate(firms()):
        rows.append(_wjx_row(i, f, cells(f, lambda c, k: k, -3, -2)))
    return write_xlsx(path / "问卷星-序号.xlsx", {"Sheet1": rows})


def wenjuanxing_matrix(path):
    """Matrix questions: the row of the matrix stands in brackets after the question's number."""
    groups = list(dict.fromkeys(parent_name(c) for c in ALL))
    questions = [f"第{5 + groups.index(parent_name(c))}题({name(c)})" for c in ALL]
    rows = [_wjx_head(questions)]
    for i, f in enumerate(firms()):
        track = "A.离散型制造企业" if f.track == "discrete" else "B.流程型制造企业"
        rows.append(_wjx_row(i, f, cells(f, text, "(跳过)", "(空)"), track))
    return write_xlsx(path / "问卷星-矩阵.xlsx", {"Sheet1": rows})


def tencent(path):
    head = [
        "编号",
        "开始答题时间",
        "结束答题时间",
        "答题时长",
        "地理位置省",
        "用户类型",
        "自定义字段",
    ]
    about = ["1.企业名称", "2.企业类型", "3.企业规模"]
    rows = [[*head, *about, *(f"{i}.{name(c)}的应用情况" for i, c in enumerate(ALL, 4))]]
    for i, f in enumerate(firms()):
        when = [f"2026-03-01 10:{i:02d}:00", f"2026-03-01 10:{i:02d}:59", "59秒"]
        base = [i + 1, *when, "浙江", "微信", "", f.name, TRACK_NAMES[f.track], f.size]
        rows.append([*base, *cells(f, text, "", "")])
    return write_csv(path / "腾讯问卷.csv", rows)


def jinshuju(path):
    about = ["企业名称", "行业类型", "企业规模", "省份"]
    tail = ["提交人", "提交时间", "修改时间", "填写设备", "IP"]
    rows = [["序号", *about, *(f"{name(c)}（{parent_name(c)}）" for c in ALL), *tail]]
    for i, f in enumerate(firms()):
        track = "离散行业" if f.track == "discrete" else "流程行业"
        base = [i + 1, f.name, track, f.size, f.province]
        when = "2026-03-01 10:00:00"
        rows.append([*base, *cells(f, letter_text, "", ""), "匿名", when, when, "手机", "1.2.3.4"])
    return write_xlsx(path / "金数据.xlsx", {"数据": rows})


def wenjuan(path):
    about = ["Q1_企业全称", "Q2_企业类型", "Q3_企业规模"]
    questions = [f"Q{i}_{parent_name(c)}_{name(c)}" for i, c in enumerate(ALL, 4)]
    rows = [["答题序号", "答题时间", "答题时长", "IP省份", *about, *questions]]
    for i, f in enumerate(firms()):
        base = [i + 1, "2026-03-01 10:00", "300", "浙江", f.name, TRACK_NAMES[f.track], f.size]
        rows.append([*base, *cells(f, text, "", "")])
    return write_csv(path / "问卷网.csv", rows, encoding="gb18030")


def qualtrics(path):
    meta = ["StartDate", "EndDate", "Status", "IPAddress", "Progress", "Duration (in seconds)",
            "Finished", "RecordedDate", "ResponseId", "UserLanguage"]  # fmt: skip
    ids = [*meta, "Q1", "Q2", *(f"Q{i}" for i in range(3, 3 + len(ALL)))]
    said = [*meta, "Company name", "Type of industry",
            *(f"{parent_name(c, 'en')} - {name(c, 'en')}" for c in ALL)]  # fmt: skip
    rows = [ids, said, [f'{{"ImportId":"QID{i}"}}' for i in range(len(ids))]]
    for i, f in enumerate(firms()):
        base = ["2026-03-01", "2026-03-01", "IP Address", "1.2.3.4", 100, 321, "True", "2026-03-01",
                f"R_{i:04d}", "EN"]  # fmt: skip
        rows.append([*base, f.name, f.track, *cells(f, english, "", "-99")])
    return write_csv(path / "qualtrics.csv", rows, encoding="utf-8")


def surveymonkey(path):
    meta = ["Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address",
            "Email Address", "First Name", "Last Name", "Custom Data 1"]  # fmt: skip
    top, low, before = [*meta, "Company name", "Industry type"], [""] * len(meta), ""
    low += ["Open-Ended Response", "Response"]
    for c in ALL:
        group = f"How far are you in {parent_name(c, 'en')}?"
        top.append(group if group != before else "")
        low.append(name(c, "en"))
        before = group
    rows = [top, low]
    for i, f in enumerate(firms()):
        base = [11500 + i, 777, "03/01/2026", "03/01/2026", "1.2.3.4", "", "", "", ""]
        rows.append(
            [*base, f.name, f.track, *cells(f, lambda c, k: f"{k}. {english(c, k)}", "", "")]
        )
    return write_csv(path / "surveymonkey.csv", rows, encoding="utf-8")


def limesurvey(path):
    meta = ["id", "submitdate", "lastpage", "startlanguage", "seed"]
    about = ["firm. Name of your company", "track. Type of industry"]
    rows = [[*meta, *about, *(f"G{i:02d}Q{i:02d}. {name(c, 'en')}" for i, c in enumerate(ALL))]]
    for i, f in enumerate(firms()):
        base = [i + 1, "2026-03-01 10:00:00", 6, "en", 4711 + i, f.name, f.track]
        rows.append([*base, *cells(f, lambda c, k: f"AO{k:02d}", "N/A", "")])
    return write_csv(path / "limesurvey.csv", rows, encoding="utf-8")


def google_forms(path):
    about = ["企业名称", "企业类型", "企业规模"]
    rows = [["时间戳记", *about, *(f"{parent_name(c)} [{name(c)}]" for c in ALL)]]
    for f in firms():
        base = ["2026/3/1 上午 10:00:20", f.name, TRACK_NAMES[f.track], f.size]
        rows.append([*base, *cells(f, text, "", "")])
    return write_csv(path / "google.csv", rows, encoding="utf-8")


def microsoft_forms(path):
    meta = ["ID", "开始时间", "完成时间", "电子邮件", "名称"]
    about = ["贵企业名称", "贵企业属于哪种类型？", "企业规模"]
    rows = [[*meta, *about, *(f"贵企业{name(c)}处于什么阶段？\n（{parent_name(c)}）" for c in ALL)]]
    for i, f in enumerate(firms()):
        base = [i + 1, 46082.5, 46082.6, "anonymous", "", f.name, TRACK_NAMES[f.track], f.size]
        rows.append([*base, *cells(f, text, "", "")])
    return write_xlsx(path / "microsoft.xlsx", {"Form1": rows})


def by_hand(path):
    """A workbook filled by hand: a title, two rows of headers, a sheet a track, letters only."""
    sheets = {}
    for t in AII.tracks:
        top, low, before = ["企业名称", "企业规模"], ["", ""], ""
        for c in codes(t):
            group = parent_name(c)
            top.append(group if group != before else "")
            low.append(name(c))
            before = group
        rows = [["2026 年试评估答卷"], top, low]
        for f in firms():
            if f.track == t:
                letters = ["ABCDE"[f.answers[c] - 1] if c in f.answers else "" for c in codes(t)]
                rows.append([f.name, f.size, *letters])
        sheets[TRACK_NAMES[t]] = rows
    return write_xlsx(path / "手工.xlsx", sheets)


MADE = (
    wenjuanxing_texts, wenjuanxing_numbers, wenjuanxing_matrix, tencent, jinshuju, wenjuan,
    qualtrics, surveymonkey, limesurvey, google_forms, microsoft_forms, by_hand,
)  # fmt: skip
LAYOUTS = {f.__name__: f for f in MADE}
