# SPDX-License-Identifier: GPL-2.0
"""Tables of mapped devices, and their lines."""


class Target:
    """A line of a table. Where it starts follows from the lines before."""

    def __init__(self, kind, sectors, *words):
        self.sectors = sectors
        self.words = " ".join(str(word) for word in (kind, *words))

    def line(self, start):
        """Return the line, for a target that starts at this sector."""
        return f"{start} {self.sectors} {self.words}\n"


class Linear(Target):
    """The kernel's "linear", which forwards no failure."""

    def __init__(self, sectors, dev, offset=0):
        super().__init__("linear", sectors, dev, offset)


class Striped(Target):
    """The kernel's "striped", over (dev, offset) stripes."""

    def __init__(self, sectors, chunk, stripes):
        super().__init__("striped", sectors, len(stripes), chunk,
                         *(word for stripe in stripes for word in stripe))


class DaxLinear(Target):
    """A "daxlinear" line of one range, in dm-linear's form."""

    def __init__(self, sectors, dev, offset=0):
        super().__init__("daxlinear", sectors, dev, offset)

    @classmethod
    def ranges(cls, ranges, *options):
        """Return one target of several (dev, offset, sectors), one after the other."""
        words = [word for one in ranges for word in one]
        if options:
            words += [len(options), *options]
        target = cls.__new__(cls)
        Target.__init__(target, "daxlinear", sum(one[2] for one in ranges), len(ranges), *words)
        return target


def table(*targets):
    """Return the text of a table; targets follow one another, a string is taken as it is."""
    text, start = "", 0
    for target in targets:
        if isinstance(target, str):
            text += target.rstrip("\n") + "\n"
        else:
            text += target.line(start)
            start += target.sectors
    return text
