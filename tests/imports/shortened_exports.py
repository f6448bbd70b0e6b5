"""Made-up exports whose questions shorten or mistype the names of indicators, in other layouts."""

from __future__ import annotations

import xlsxwriter
from platform_exports import (
    AII,
    ALL,
    TRACK_NAMES,
    cells,
    codes,
    firms,
    name,
    parent_name,
    text,
    write_csv,
    write_xlsx,
)

SHORT = {
    "机床设备联网": "机床联网",
    "工业机器人联网": "机器人联网",
    "传感设备联网": "传感器联网",
    "智能产线联网": "产线联网",
    "网络设施": "网络设施建设",
    "信息系统设施": "信息系统",
    "信息安全设施": "信息安全",
    "人机互联": "人机互连",
    "机器互联": "机器互連",
    "供应商集成": "与供应商的集成",
    "经销商与用户集成": "经销商、用户集成",
    "现场层数据集成": "现场层集成",
    "车间层数据集成": "车间层集成",
    "企业层数据集成": "企业层集成",
    "基于模型的产品定义": "基于模型产品定义",
    "基于模型的企业": "基于模型企业",
    "决策支持数据库": "决策数据库",
    "模型库与知识库": "模型库、知识库",
    "智能决策支持系统": "智能决策系统",
    "可制造性预测": "可制造性预侧",
    "产品谱系追溯": "产品谱系追朔",
    "产品优化创新": "产品优化",
    "上游物料流转数据利用": "上游物料数据利用",
    "下游客户需求数据利用": "下游需求数据",
    "数据增值服务": "增值服务",
    "服务化商业模式": "商业模式",
    "工艺装置联网": "装置联网",
    "现场层与车间层数据集成": "现场与车间层集成",
    "多层次仿真模型": "多层仿真模型",
    "虚实映射": "数字孪生应用",
    "生产过程实时监控与追溯": "生产过程监控追溯",
    "异常工况诊断与自愈控制": "异常工况诊断",
    "环境与安全管理优化": "环境安全优化",
}
"""What questionnaires make of the names; one says the same with no character in common."""


def short(code):
    return SHORT.get(name(code), name(code))


def tencent_two_rows(path):
    """The question in a first row, the row of its matrix in a second."""
    head = ["编号", "开始答题时间", "结束答题时间", "答题时长", "1.企业名称", "2.企业类型"]
    top, low, before = list(head), [""] * len(head), ""
    for code in ALL:
        group = f"3.贵企业{parent_name(code)}的应用情况"
        top.append(group if group != before else "")
        low.append(short(code))
        before = group
    rows = [top, low]
    for i, f in enumerate(firms()):
        when = [f"2026-03-01 10:{i:02d}:00", f"2026-03-01 10:{i:02d}:59", "59秒"]
        rows.append([i + 1, *when, f.name, TRACK_NAMES[f.track], *cells(f, text, "", "")])
    return write_xlsx(path / "腾讯问卷-两行.xlsx", {"数据": rows})


def surveymonkey_chinese(path):
    meta = ["受访者 ID", "收集器 ID", "开始日期", "结束日期", "IP 地址", "电子邮件地址", "名字",
            "姓氏", "自定义数据 1"]  # fmt: skip
    top = [
        *meta,
        "贵企业的名称",
        "贵企业属于哪一类？",
        *(f"{short(c)}达到了什么程度？" for c in ALL),
    ]
    low = [*[""] * len(meta), "开放式回答", *["回答"] * (len(ALL) + 1)]
    rows = [top, low]
    for i, f in enumerate(firms()):
        base = [11500 + i, 777, "2026-03-01", "2026-03-01", "1.2.3.4", "", "", "", ""]
        track = "离散型制造" if f.track == "discrete" else "流程型制造"
        rows.append([*base, f.name, track, *cells(f, text, "", "")])
    return write_csv(path / "surveymonkey-中文.csv", rows)


def limesurvey_codes(path):
    """Codes of answers, the rows of arrays in brackets after the code of their question."""
    meta = ["id", "submitdate", "lastpage", "startlanguage", "seed"]
    head = [f"G{i // 5:02d}Q{i // 5:02d}[SQ{i % 5 + 1:03d}]. 请评价现状 [{short(c)}]"
            for i, c in enumerate(ALL)]  # fmt: skip
    rows = [[*meta, "firm. 企业名称", "track. 企业类型", *head]]
    for i, f in enumerate(firms()):
        base = [i + 1, "2026-03-01 10:00:00", 6, "zh-Hans", 4711 + i, f.name, TRACK_NAMES[f.track]]
        rows.append([*base, *cells(f, lambda c, k: f"AO{k:02d}", "N/A", "")])
    return write_csv(path / "limesurvey-编码.csv", rows, encoding="utf-8")


def google_scales(path):
    """Linear scales: numbers alone."""
    rows = [["时间戳记", "企业名称", "企业类型", *(f"{short(c)}（1 最低）" for c in ALL)]]
    for i, f in enumerate(firms()):
        stamp = f"2026/3/{1 + i % 28} 下午 3:{i % 60:02d}:11"
        rows.append([stamp, f.name, TRACK_NAMES[f.track], *cells(f, lambda c, k: k, "", "")])
    return write_csv(path / "google-量表.csv", rows)


def by_hand_merged(path):
    """A title over everything, pillars and capabilities merged over their indicators."""
    file = path / "手工-合并.xlsx"
    book = xlsxwriter.Workbook(str(file))
    for track in AII.tracks:
        sheet, own = book.add_worksheet(TRACK_NAMES[track]), codes(track)
        sheet.merge_range(0, 0, 0, len(own) + 1, f"2026 年{TRACK_NAMES[track]}企业自评汇总表")
        sheet.merge_range(1, 0, 3, 0, "企业名称")
        sheet.merge_range(1, 1, 3, 1, "规模")
        for row, level in ((1, 1), (2, 2)):
            start = 0
            above = [c.split(".")[0] if level == 1 else parent_name(c) for c in own]
            said = [name(a) if level == 1 else a for a in above]
            for j in range(1, len(own) + 1):
                if j == len(own) or said[j] != said[start]:
                    if j - start > 1:
                        sheet.merge_range(row, start + 2, row, j + 1, said[start])
                    else:
                        sheet.write(row, start + 2, said[start])
                    start = j
        sheet.write_row(3, 2, [short(c) for c in own])
        for i, f in enumerate([f for f in firms() if f.track == track], 4):
            answers = [text(c, f.answers[c]) if c in f.answers else "" for c in own]
            sheet.write_row(i, 0, [f.name, f.size, *answers])
    book.close()
    return file


def jinshuju_mixed(path):
    """Attributes between the questions, and a question that is no indicator."""
    half = len(ALL) // 2
    head = [f"{parent_name(c)}：{short(c)}" for c in ALL]
    head = [*head[:half], "企业规模", "省份", *head[half:]]
    tail = ["贵企业愿意参加下一轮吗", "提交人", "提交时间", "修改时间", "IP"]
    rows = [["序号", "企业名称", "行业类型", *head, *tail]]
    for i, f in enumerate(firms()):
        track = "离散行业" if f.track == "discrete" else "流程行业"
        own = cells(f, text, "", "")
        own = [*own[:half], f.size, f.province, *own[half:]]
        end = ["愿意" if i % 3 else "不愿意", "匿名", "2026-03-01 10:00", "2026-03-01 10:00", ""]
        rows.append([i + 1, f.name, track, *own, *end])
    return write_xlsx(path / "金数据-混排.xlsx", {"数据": rows})


MADE = (tencent_two_rows, surveymonkey_chinese, limesurvey_codes, google_scales, by_hand_merged,
        jinshuju_mixed)  # fmt: skip
SHORTENED = {f.__name__: f for f in MADE}
