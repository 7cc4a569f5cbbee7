# SPDX-License-Identifier: GPL-2.0
"""Makes tables at random: good ones, good ones with mistakes, and nonsense.

A table is a list of [start, length, kind, words] lines.
"""

from ..units import HUGE_SECTORS, PAGE_SECTORS

NUMBERS = ("0", "1", "7", "8", "9", "+8", "-8", "0x8", "8.0", "4095", "4096", "4294967295",
           "4294967296", "1431655766", "9223372036854775800", "18446744073709551608",
           "18446744073709551615", "18446744073709551616", "99999999999999999999999")
WORDS = ("align_pmd", "align_2m", "allow_move", "ALIGN_PMD", "/dev/missing", "/dev/null",
         "/dev/vda", "/dev", "/dev/mapper/control", "199:7", "daxlinear", "@", "%s%n", "x" * 300)
# neither NUL nor what ends a line
LETTERS = "0123456789 :/+-abcdefmpvx_\\\t\x7f\udcff"


def text(lines):
    """Return a table as text."""
    return "\n".join(" ".join(map(str, line)) for line in lines)


class Mutator:
    """Makes tables over some children, with this random.Random.

    `words` may be in a bad table as well.
    """

    def __init__(self, chance, children, words=()):
        self._chance = chance
        self._children = children
        self._junk = NUMBERS + WORDS + tuple(words)

    def _sectors(self):
        chance = self._chance
        if chance.random() < 0.3:
            return HUGE_SECTORS * chance.randint(1, 6)
        return PAGE_SECTORS * chance.choice((1, 2, chance.randint(1, 40), chance.randint(1, 2000)))

    def _part(self, sectors):
        """Return the words of a range of this length, without its length."""
        chance = self._chance
        child = chance.choice(self._children)
        last = child.sectors - sectors
        unit = PAGE_SECTORS if chance.random() < 0.6 else HUGE_SECTORS
        offset = min(chance.choice((0, last, chance.randint(0, last))), last) // unit * unit
        return chance.choice((child.path, child.number)), str(offset)

    def good(self):
        """Return a table that loads, unless it has align_pmd and its ranges are not aligned."""
        chance, lines, start = self._chance, [], 0
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            kind = "linear" if chance.random() < 0.1 else "daxlinear"
            if kind == "linear" or chance.random() < 0.2:
                length = self._sectors()
                words = self._part(length)
            else:
                lengths = [self._sectors() for _ in range(chance.choice((1, 2, 3, 8, 30)))]
                length = sum(lengths)
                words = [str(len(lengths))]
                for sectors in lengths:
                    words += [*self._part(sectors), str(sectors)]
                words += chance.choice(([], [], ["0"], ["1", "allow_move"], ["1", "align_2m"],
                                        ["2", "align_pmd", "allow_move"]))
            lines.append([start, length, kind, " ".join(words)])
            start += length
        return lines

    def regrown(self, live):
        """Return a table of the same mapping by other ranges, and perhaps an extended one."""
        chance, words, start = self._chance, [], 0
        for one in live:
            first = min(chance.choice((one.sectors, self._sectors())), one.sectors)
            for offset, sectors in ((0, first), (first, one.sectors - first)):
                if sectors:
                    words += [one.child.path, str(one.offset + offset), str(sectors)]
                    start += sectors
        if chance.random() < 0.5:
            sectors = self._sectors()
            words += [*self._part(sectors), str(sectors)]
            start += sectors
        return [[0, start, "daxlinear", f"{len(words) // 3} {' '.join(words)}"]]

    def _spoil_words(self, line):
        chance, words = self._chance, line[3].split(" ")
        at = chance.randrange(len(words))
        how = chance.randrange(5)
        if how == 0:
            words[at] = chance.choice(self._junk)
        elif how == 1:
            del words[at]
        elif how == 2:
            words.insert(at, chance.choice((words[at], *self._junk)))
        elif how == 3:
            other = chance.randrange(len(words))
            words[at], words[other] = words[other], words[at]
        elif words[at].isdecimal():
            change = chance.choice((-PAGE_SECTORS, -1, 1, PAGE_SECTORS, HUGE_SECTORS))
            words[at] = str(int(words[at]) + change)
        line[3] = " ".join(words)

    def _spoil_range(self, line):
        """Cut a range in two, of which one may be empty, or so long that the sum wraps."""
        chance, words = self._chance, line[3].split(" ")
        if len(words) < 4 or not words[0].isdecimal():
            return
        at = 1 + 3 * chance.randrange((len(words) - 1) // 3)
        path, offset, length = words[at:at + 3]
        if not length.isdecimal():
            return
        first = chance.choice((0, 1, PAGE_SECTORS, int(length), int(length) + PAGE_SECTORS))
        words[at + 2:at + 3] = [str(first), path, offset, str((int(length) - first) % (1 << 64))]
        words[0] = str(int(words[0]) + 1)
        line[3] = " ".join(words)

    def _spoil_letters(self, line):
        chance, words = self._chance, line[3]
        at = chance.randrange(len(words) + 1)
        letter = chance.choice(LETTERS)
        line[3] = words[:at] + letter + words[at + chance.randrange(2):]

    def _spoil_place(self, line):
        chance = self._chance
        at = chance.randrange(3)
        if at == 2:
            line[2] = chance.choice(("linears", "dax", "daxlinear2", "x" * 15))
        else:
            change = chance.choice((-PAGE_SECTORS, -1, 1, PAGE_SECTORS, 1 << 40, 1 << 63))
            # what the system call carries
            line[at] = max(0, line[at] + change) % (1 << 64)

    def spoilt(self, lines):
        """Spoil a table in one to three ways, which may make it a good one again."""
        chance = self._chance
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            ours = [line for line in lines if line[2] == "daxlinear"]
            how = chance.random()
            if how < 0.15 or not ours:
                self._spoil_place(chance.choice(lines))
            elif how < 0.25:
                self._spoil_range(chance.choice(ours))
            elif how < 0.4:
                self._spoil_letters(chance.choice(ours))
            else:
                self._spoil_words(chance.choice(ours))
        return lines

    def nonsense(self):
        """Return a line of random words."""
        chance = self._chance
        words = [chance.choice((*self._junk, chance.choice(self._children).path))
                 for _ in range(chance.choice((0, 1, 2, 3, 4, 7, 100)))]
        return [[0, chance.choice((PAGE_SECTORS, 1 << 20, (1 << 64) - 8)), "daxlinear",
                 " ".join(words)]]

    def message(self):
        """Return a message, as bytes."""
        chance = self._chance
        words = [chance.choice(self._junk) for _ in range(chance.randrange(6))]
        return " ".join(words).encode()
