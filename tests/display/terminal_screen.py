"""What a terminal shows: as much of xterm's control functions (ECMA-48) as curses needs to draw a screen."""
import codecs
import re

ROWS, COLUMNS = 24, 80
TOKEN = re.compile(r"\x1b\[(?P<private>\?)?(?P<numbers>[0-9;]*)(?P<final>[@-~])|\x1b[()][A-Z0-9]|\x1b[=>78]|(?P<character>[^\x1b])",
                   re.DOTALL)


class TerminalScreen:
    """Fed with what a program writes, in any pieces."""

    def __init__(self):
        self.lines = [[" "] * COLUMNS for _ in range(ROWS)]
        self.row = self.column = 0
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.rest = ""

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines)

    def feed(self, data):
        self.rest += self.decoder.decode(data)
        while match := TOKEN.match(self.rest):
            self.rest = self.rest[match.end():]
            if match["character"]:
                self._put(match["character"])
            elif match["final"] and not match["private"]:
                self._control(match["final"], [int(number or 0) for number in match["numbers"].split(";")])

    def _put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row = min(self.row + 1, ROWS - 1)
        elif character == "\b":
            self.column = max(self.column - 1, 0)
        elif character >= " ":
            self.lines[self.row][min(self.column, COLUMNS - 1)] = character
            self.column += 1

    def _control(self, final, numbers):
        line, count = self.lines[self.row], max(numbers[0], 1)
        if final == "H":
            self.row, self.column = count - 1, max(numbers[1], 1) - 1 if len(numbers) > 1 else 0
        elif final == "d":
            self.row = count - 1
        elif final == "G":
            self.column = count - 1
        elif final in "AB":
            self.row = min(max(self.row + (count if final == "B" else -count), 0), ROWS - 1)
        elif final in "CD":
            self.column = min(max(self.column + (count if final == "C" else -count), 0), COLUMNS - 1)
        elif final == "X":
            line[self.column:self.column + count] = [" "] * min(count, COLUMNS - self.column)
        elif final == "b":
            for _ in range(count):
                self._put(line[self.column - 1])
        elif final in "JK":
            start, end = {0: (self.column, COLUMNS), 1: (0, self.column + 1), 2: (0, COLUMNS)}[numbers[0]]
            line[start:end] = [" "] * (end - start)
            others = {0: range(self.row + 1, ROWS), 1: range(self.row), 2: range(ROWS)}[numbers[0]]
            for row in others if final == "J" else ():
                self.lines[row] = [" "] * COLUMNS
        elif final not in "mlhrt":
            raise ValueError(f"a control function that no terminal of this test has: {final!r}")
