"""A small evaluator of spreadsheet formulas, written for the tests and independent of the writer.

It knows what the forms use: arithmetic, comparisons, IF, OR, SUM, COUNT, MIN, MAX, ABS, INDEX,
MATCH (exact), COUNTIF (equal), RANK (ascending) and SUMPRODUCT, over one sheet.
"""

import re
import zipfile
from xml.etree import ElementTree

NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
TOKEN = re.compile(
    r'\s*("(?:[^"]|"")*"|\$?[A-Z]{1,3}\$?\d+|[A-Z]+(?=\()|\d+\.?\d*(?:[eE][-+]?\d+)?'
    r"|<=|>=|<>|[-+*/^(),:=<>])"
)


class Sheet:
    """Cells of one sheet: values, and formulas that are evaluated when asked for."""

    def __init__(self, path, name):
        with zipfile.ZipFile(path) as archive:
            shared = []
            if "xl/sharedStrings.xml" in archive.namelist():
                root = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
                shared = ["".join(t.text or "" for t in si.iter(f"{NS}t")) for si in root]
            book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
            names = [s.get("name") for s in book.iter(f"{NS}sheet")]
            part = f"xl/worksheets/sheet{names.index(name) + 1}.xml"
            sheet = ElementTree.fromstring(archive.read(part))
        self.cells, self.formulas, self.known = {}, {}, {}
        for cell in sheet.iter(f"{NS}c"):
            value, formula = cell.find(f"{NS}v"), cell.find(f"{NS}f")
            if formula is not None:
                self.formulas[cell.get("r")] = formula.text
            elif value is not None:
                text = value.text
                is_text = cell.get("t") == "s"
                self.cells[cell.get("r")] = shared[int(text)] if is_text else float(text)

    def value(self, address):
        address = address.replace("$", "")
        if address in self.formulas:
            if address not in self.known:
                self.known[address] = Parser(self, self.formulas[address]).parse()()
            return self.known[address]
        return self.cells.get(address)

    def block(self, first, last):
        (c1, r1), (c2, r2) = (split(a) for a in (first, last))
        return [
            self.value(f"{letters(c)}{r}") for r in range(r1, r2 + 1) for c in range(c1, c2 + 1)
        ]


def split(address):
    column, row = re.fullmatch(r"\$?([A-Z]+)\$?(\d+)", address).groups()
    number = 0
    for letter in column:
        number = number * 26 + ord(letter) - 64
    return number, int(row)


def letters(number):
    out = ""
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(65 + rest) + out
    return out


def numbers(values):
    flat = []
    for v in values:
        flat += v if isinstance(v, list) else [v]
    return [v for v in flat if isinstance(v, float | int) and not isinstance(v, bool)]


FUNCTIONS = {
    "SUM": lambda *a: sum(numbers(a)),
    "COUNT": lambda *a: len(numbers(a)),
    "MIN": lambda *a: min(numbers(a), default=0),
    "MAX": lambda *a: max(numbers(a), default=0),
    "ABS": abs,
    "INDEX": lambda block, i: block[int(i) - 1],
    "MATCH": lambda value, block, _: block.index(value) + 1,
    "SUMPRODUCT": lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)),
    "OR": lambda *a: any(a),
    "COUNTIF": lambda block, value: sum(v == value for v in block),
    "RANK": lambda value, block, _: 1 + sum(v < value for v in numbers([block])),
}


class Parser:
    """Recursive descent; every rule returns a function, so that IF stays lazy."""

    def __init__(self, sheet, text):
        self.sheet, self.at = sheet, 0
        self.tokens = []
        position = 0
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise ValueError(f"cannot read {text[position:]!r} in {text!r}")
            self.tokens.append(match.group(1))
            position = match.end()

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, wanted=None):
        token = self.peek()
        if wanted is not None and token != wanted:
            raise ValueError(f"expected {wanted!r}, found {token!r} in {self.tokens}")
        self.at += 1
        return token

    def parse(self):
        found = self.compare()
        if self.peek() is not None:
            raise ValueError(f"left over: {self.tokens[self.at :]}")
        return found

    def chain(self, below, operators):
        left = below()
        while self.peek() in operators:
            apply, right = operators[self.take()], below()
            left = (lambda a, b, f: lambda: f(a(), b()))(left, right, apply)
        return left

    def compare(self):
        same = lambda a, b: ("" if a is None else a) == ("" if b is None else b)  # noqa: E731
        return self.chain(
            self.add,
            {
                "=": same,
                "<>": lambda a, b: not same(a, b),
                "<=": lambda a, b: a <= b,
                ">=": lambda a, b: a >= b,
                "<": lambda a, b: a < b,
                ">": lambda a, b: a > b,
            },
        )

    def add(self):
        return self.chain(self.multiply, {"+": lambda a, b: a + b, "-": lambda a, b: a - b})

    def multiply(self):
        return self.chain(self.power, {"*": lambda a, b: a * b, "/": lambda a, b: a / b})

    def power(self):
        return self.chain(self.atom, {"^": lambda a, b: a**b})

    def atom(self):
        token = self.take()
        if token == "-":
            inner = self.atom()
            return lambda: -inner()
        if token == "(":
            inner = self.compare()
            self.take(")")
            return inner
        if token.startswith('"'):
            return lambda: token[1:-1]
        if self.peek() == "(":
            return self.call(token)
        if re.fullmatch(r"\$?[A-Z]+\$?\d+", token):
            if self.peek() == ":":
                self.take()
                last = self.take()
                return lambda: self.sheet.block(token, last)
            return lambda: self.sheet.value(token)
        return lambda: float(token)

    def call(self, name):
        self.take("(")
        given = [self.compare()]
        while self.peek() == ",":
            self.take()
            given.append(self.compare())
        self.take(")")
        if name == "IF":
            return lambda: given[1]() if given[0]() else given[2]()
        return lambda: FUNCTIONS[name](*(g() for g in given))
