# SPDX-License-Identifier: GPL-2.0
# Draws folder/bench.csv as folder/bench.svg.

set datafile separator comma
# a missing value does not interrupt a line
set datafile missing NaN
set terminal svg noenhanced size 1000,800 font "sans,13" background "white"
set output folder . "/bench.svg"
csv = folder . "/bench.csv"

# column 5 of the rows of one thing over one stack and over no table of tables.py, elsewhere nothing
of(what, stack) = strcol(1) eq what && strcol(2) eq stack && strcol(7) eq "" ? column(5) : NaN
# the same for devices of `ranges` ranges
over(what, stack, ranges) = column(3) == ranges ? of(what, stack) : NaN

set multiplot layout 2,2 title "Guest instructions, kernel " . kernel
set key above
set yrange [0:*]
set logscale x 2
set xlabel "ranges"
set format x "%.0f"
set xtics (1, 16, 256, 4096, 65536)

set title "direct_access of a page, over all ranges"
plot csv using 3:(of("direct_access", "dm-linear")) with linespoints title "dm-linear", \
     csv using 3:(of("direct_access", "daxlinear")) with linespoints title "daxlinear"

set title "notifying of a failed page"
set xlabel "ranges or devices"
plot csv using 3:(column(4) == 1 ? of("failure", "daxlinear") : NaN) with linespoints \
	title "one device, by ranges", \
     csv using 4:(column(3) == 1 ? of("failure", "daxlinear") : NaN) with linespoints \
	title "many devices, by devices"

set title "loading a table, per range"
set xlabel "ranges"
set logscale y
set yrange [*:*]
plot csv using 3:(of("load", "dm-linear")) with linespoints title "dm-linear", \
     csv using 3:(of("load", "daxlinear")) with linespoints title "daxlinear"

unset logscale
unset format
unset xlabel
set yrange [0:*]
set title "a process's use, one range"
set style data histogram
set style fill solid 0.6
set xtics rotate by -20 autofreq
uses = "'4 KiB read fault' '4 KiB write fault' '2 MiB write fault' '4 KiB read()' '4 KiB write()' '4 KiB O_DIRECT read' '4 KiB O_DIRECT write'"
set xtics ()
do for [i=1:words(uses)] { set xtics add (word(uses, i) i) }
set boxwidth 0.25
set xrange [0.4:words(uses) + 0.6]
at(what) = sum [i=1:words(uses)] (word(uses, i) eq what ? i : 0)
plot csv using (at(strcol(1)) - 0.25):(over(strcol(1), "raw pmem", 0)) with boxes title "raw pmem", \
     csv using (at(strcol(1))):(over(strcol(1), "dm-linear", 1)) with boxes title "dm-linear", \
     csv using (at(strcol(1)) + 0.25):(over(strcol(1), "daxlinear", 1)) with boxes title "daxlinear"
unset multiplot
