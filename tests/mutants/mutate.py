#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
mutate.py OUT FILE...: writes each C file to OUT/FILE with a switch at each of its checks, and OUT/list, which has a
line "NUMBER FILE:LINE TEXT" for each. A check is one operand of what makes a function refuse:

    if (A || B) return ERROR;       A and B, each alone, no longer refuse
    return A && B;                  in a function that returns bool: each alone holds
    return A ? OK : ERROR;          A holds (or does not, where the error comes first)
    failed |= A;  failed = true;    says nothing any more
    must = A | B                    the bit A is not asked for; so, too, the rows of a table must[]

The program that is linked with these files and with mutant.c is the original, but for the check whose number is in the
environment's SB_MUTANT. Operands are still evaluated, since they read.
"""

import pathlib
import re
import sys

# What a function says when it has nothing against.
FINE = re.compile(r"^(true|0|SB_\w*_OK|SB_ORDER_NEWER|SB_LIGHT_FINE)$")
ERROR = re.compile(r"^(-E[A-Z]+|SB_[A-Z0-9_]+|false|NULL|\w*(refuse|fail|fault)\w*\(.*\))$", re.S)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def masked(text):
    """The text without comments, strings and directives, of the same length."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)
    text = re.sub(r"\"(\\.|[^\"\\\n])*\"|'(\\.|[^'\\\n])*'", lambda m: m.group()[0] + " " * (len(m.group()) - 2) +
                  m.group()[0], text)
    return re.sub(r"^#(.*\\\n)*.*$", blank, text, flags=re.M)


def closing(text, at):
    """The place behind the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
            if not depth:
                return i + 1
    raise ValueError("an open bracket")


def split(text, start, end, by):
    """(start, end) of the operands between `by` at the top of an expression."""
    depth, at, parts = 0, start, []
    i = start
    while i < end:
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
        elif not depth and text.startswith(by, i):
            parts.append((at, i))
            i += len(by)
            at = i
            continue
        i += 1
    parts.append((at, end))
    return [trim(text, *part) for part in parts]


def trim(text, start, end):
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def statement_end(mask, at):
    while mask[at].isspace():
        at += 1
    if mask[at] == "{":
        return closing(mask, at)
    depth = 0
    while True:
        if mask[at] in "([{":
            depth += 1
        elif mask[at] in ")]}":
            depth -= 1
        if mask[at] == ";" and not depth or depth < 0:
            return at + 1
        at += 1


class File:
    def __init__(self, path, number):
        self.path, self.number = path, number
        self.text = pathlib.Path(path).read_text()
        self.mask = masked(self.text)
        self.edits, self.list = [], []

    def add(self, start, end, before, after):
        """Puts {} of both around what stands there: the check's number."""
        line = self.text.count("\n", 0, start) + 1
        what = " ".join(self.text[start:end].split())
        self.edits.append((start, end, before, after.format(f"sb_mutant({self.number})")))
        self.list.append(f"{self.number} {self.path}:{line} {what}")
        self.number += 1

    def never(self, start, end):
        self.add(start, end, "((", ") && !{})")

    def always(self, start, end):
        self.add(start, end, "((", ") || {})")

    def choice(self, start, end):
        """C ? A : B, of which one is an error."""
        cond = split(self.mask, start, end, "?")
        if len(cond) < 2:
            return
        rest = split(self.mask, cond[1][0], end, ":")
        # a ? b : (c ? d : e), without the brackets
        first, second = rest[0], (rest[1][0], end)
        one, other = self.mask[slice(*first)], self.mask[slice(*second)]
        if ERROR.match(other) and not FINE.match(other) and not (ERROR.match(one) and not FINE.match(one)):
            self.always(*cond[0])
        elif ERROR.match(one) and not FINE.match(one):
            self.never(*cond[0])
            self.choice(*second)

    def refuses(self, statement):
        found = re.findall(r"\breturn\b\s*([^;]*);", statement)
        if any(not FINE.match(value.strip()) for value in found):
            return True
        return not found and re.search(r"failed = true|\bcontinue;|error = ", statement)

    def function(self, start, end, is_bool):
        done = set()
        for match in re.finditer(r"\bif \(", self.mask[start:end]):
            open_at = start + match.end() - 1
            close = closing(self.mask, open_at)
            stop = statement_end(self.mask, close)
            statement = self.mask[close:stop]
            if not self.refuses(statement) or re.search(r"\bif \(", statement):
                continue
            if not re.search(r"\breturn\b[^;]*&&", statement):
                done.update(range(close, stop))
            for operand in split(self.mask, open_at + 1, close - 1, "||"):
                self.never(*operand)
        for match in re.finditer(r"(\breturn\b|[^=!<>|+-]=)\s", self.mask[start:end]):
            at = start + match.end()
            stop = statement_end(self.mask, at) - 1
            value = trim(self.mask, at, stop)
            text = self.mask[slice(*value)]
            if match.start() + start in done:
                continue
            if len(split(self.mask, *value, "?")) > 1:
                self.choice(*value)
            elif match.group(1) == "return" and is_bool and text not in ("true", "false"):
                operands = [value] if len(split(self.mask, *value, "||")) > 1 else split(self.mask, *value, "&&")
                for operand in operands:
                    self.always(*operand)
        for match in re.finditer(r"failed \|=\s", self.mask[start:end]):
            at = start + match.end()
            self.never(*trim(self.mask, at, statement_end(self.mask, at) - 1))
        for match in re.finditer(r"failed = (true);", self.mask[start:end]):
            if start + match.start() not in done:
                self.never(start + match.start(1), start + match.end(1))
        self.bits(start, end)

    def bits(self, start, end):
        for match in re.finditer(r"\b(must|never) = ", self.mask[start:end]):
            at = start + match.end()
            stop = at + re.search(r"[,;]", self.mask[at:]).start()
            for operand in split(self.mask, at, stop, "|"):
                self.add(*operand, "((", ") * !{})")
        table = re.search(r"\bmust\[\] = ", self.mask[start:end])
        use = re.search(r"must\[i\]\.bit", self.mask[start:end])
        if table and use:
            rows = closing(self.mask, start + table.end()) - start
            for i, _ in enumerate(re.findall(r"\{ \w", self.mask[start + table.end() + 1:start + rows])):
                line = self.text.count("\n", 0, start + use.start()) + 1
                self.list.append(f"{self.number} {self.path}:{line} must[{i}]")
                # One test, of a bit that is set in any key.
                self.edits.append((start + use.start(), start + use.end(), "(",
                                   f" | (i == {i} && sb_mutant({self.number}) ? ~0U : 0))"))
                self.number += 1

    def checks(self):
        for match in re.finditer(r"^\{$", self.mask, re.M):
            start, end = match.start(), closing(self.mask, match.start())
            head = re.split(r"\n\s*\n|\n\}|;", self.mask[:start])[-1].strip()
            self.function(start, end, re.match(r"(static )?(inline )?bool\b", head))

    def changed(self):
        """Inner edits first, so that what is around them goes around."""
        opens, closes = {}, {}
        for start, end, before, after in sorted(self.edits, key=lambda e: e[1] - e[0]):
            opens[start] = before + opens.get(start, "")
            closes[end] = closes.get(end, "") + after
        out = [f'int sb_mutant(int number);\n#line 1 "{self.path}"\n']
        for i, char in enumerate(self.text):
            out.append(closes.get(i, "") + opens.get(i, "") + char)
        return "".join(out)


def main():
    out, number, lines = pathlib.Path(sys.argv[1]), 1, []
    for path in sys.argv[2:]:
        file = File(path, number)
        file.checks()
        number = file.number
        lines += file.list
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.changed())
    (out / "list").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
