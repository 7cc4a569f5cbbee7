# SPDX-License-Identifier: GPL-2.0
"""Members after a command that was killed before one of its writes or changes of a device."""

from lib.command import run
from lib.dm.ioctl import names
from lib.tool import labels
from lib.tool.labels import STALE
from lib.tool.steps import kill_at, leave_over, steps_of
from lib.tool.tool import ask, daxlinear, refused


def test_create_cut_short(blank):
    # before each write and each change of a device
    a, c = blank.nvdimms[1], blank.nvdimms[3]
    words = ["create", "mem", c, a]
    steps = steps_of(*words)
    whole = labels.table("mem")
    daxlinear("remove", "mem")
    labels.blank()
    # the gap of each member, the first label twice, a GPT being four writes or more
    first = steps.index("ioctl")
    assert set(steps[:first]) == {"write"} and first >= 2 + 3 * 4
    assert set(steps[first:]) == {"ioctl"}
    for number in range(1, len(steps) + 1):
        kill_at(number, *words)
        if labels.state("mem") == "complete":
            daxlinear("assemble", "mem")
        else:
            # what is there is no obstacle
            assert labels.state("mem") in (None, "unfinished"), number
            daxlinear(*words)
        assert labels.table("mem") == whole
        run("dmsetup", "remove", "mem")
        labels.blank()


def test_extend_cut_short(blank):
    # an XFS grows at last, so the old set or the new one has all of it
    a, b, c = blank.nvdimms[1:4]
    labels.make("mem", a)
    daxlinear("remove", "mem")
    kept = labels.save(a)
    words = ["extend", "mem", b, c]
    daxlinear("assemble", "mem")
    steps = steps_of(*words)
    old, new = labels.whole_table([a]), labels.whole_table([a, b, c])
    assert labels.table("mem") == new
    seen = set()
    for number in range(1, len(steps) + 1):
        daxlinear("remove", "mem")
        labels.blank()
        labels.restore(a, kept)
        daxlinear("assemble", "mem")
        kill_at(number, *words)
        live = labels.table("mem")
        assert live in (old, new) and labels.state("mem") == "complete"
        # after a reboot
        run("dmsetup", "remove", "mem")
        daxlinear("assemble", "mem")
        made = labels.table("mem")
        assert made in (old, new)
        seen.add((live == new, made == new))
        if made == old:
            # again, by the same command
            daxlinear(*words)
            assert labels.table("mem") == new
        daxlinear("remove", "mem")
        daxlinear("assemble", "mem")
        assert labels.table("mem") == new
    assert seen == {(False, False), (True, False), (True, True)}


def test_extend_that_was_cut_short_is_ended(blank):
    # where the table is changed, and the last label is not
    a, b = blank.nvdimms[1:3]
    labels.make("mem", a)
    daxlinear("remove", "mem")
    kept = labels.save(a)
    daxlinear("assemble", "mem")
    steps = steps_of("extend", "mem", b)
    resumed = max(at for at, step in enumerate(steps, 1) if step == "ioctl")
    assert set(steps[resumed:]) == {"write"}
    daxlinear("remove", "mem")
    labels.erase(b)
    labels.restore(a, kept)
    daxlinear("assemble", "mem")
    kill_at(resumed + 1, "extend", "mem", b)
    assert labels.table("mem") == labels.whole_table([a, b])
    assert "daxlinear label mem makes them fit" in refused("extend", "mem", blank.nvdimms[3])
    assert labels.members()[b.path]["is"] == "left over"
    daxlinear("label", "mem")
    assert labels.members()[b.path]["is"] == "in place"
    daxlinear("extend", "mem", blank.nvdimms[3])


def test_rename_cut_short(blank):
    a, c = blank.nvdimms[1], blank.nvdimms[3]
    labels.make("mem", a, c)
    kept = [labels.save(child) for child in (a, c)]
    steps = steps_of("rename", "mem", "new")
    daxlinear("remove", "new")
    for number in range(1, len(steps) + 1):
        for child, label in zip((a, c), kept, strict=True):
            labels.restore(child, label)
        daxlinear("assemble", "mem")
        kill_at(number, "rename", "mem", "new")
        live = names()[0]
        (found,) = ask("members")["sets"]
        assert found["state"] == "complete" and found["name"] in ("mem", "new")
        assert (live, found["name"]) in (("mem", "mem"), ("mem", "new"), ("new", "new"))
        daxlinear("rename", live, "new")
        assert names() == ["new"]
        assert {member["name"] for member in labels.members().values()} == {"new"}
        daxlinear("remove", "new")


def test_release_cut_short(blank):
    b = blank.nvdimms[2]
    labels.make("mem", b)
    daxlinear("remove", "mem")
    kept = labels.save(b)
    steps = steps_of("release", b)
    for number in range(1, len(steps) + 1):
        labels.restore(b, kept)
        kill_at(number, "release", b)
        assert labels.state("mem") in ("complete", None)
    labels.restore(b, kept)
    daxlinear("assemble", "mem")


def test_left_over(blank):
    # an extend that was cut short, another one by another disk, and that disk gone
    a, b, c = blank.nvdimms[1:4]
    leave_over(a, b)
    daxlinear("extend", "mem", c)
    assert labels.table("mem") == labels.whole_table([a, c])
    assert labels.members()[b.path]["is"] == "left over"
    daxlinear("remove", "mem")
    kept = labels.save(c)
    labels.erase(c)
    reason = refused("assemble", "mem", code=STALE)
    assert f"{b.path} is member 2 of an extend that was cut short" in reason
    labels.restore(c, kept)
    daxlinear("assemble", "mem")
    daxlinear("release", b.path)
