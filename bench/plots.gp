# plots.gp: draws folder/which.svg from the data that report.tcl writes there.

set terminal svg size 900,420 background rgb '#ffffff' font 'DejaVu Sans,13'
set style line 1 lc rgb '#2b6cb0'
set style line 2 lc rgb '#dd6b20'
set border 3 lc rgb '#444444'
set tics nomirror
set grid y lc rgb '#dddddd' lt 1

set output folder.'/'.which.'.svg'

if (which eq 'ratios') {
    set title "How many times the speed of Tcl's own socket (Wine, median of the rounds)"
    set style data histograms
    set style histogram clustered gap 1
    set style fill solid
    set logscale y 2
    set yrange [1:*]
    set ytics (1, 2, 4, 8, 16, 32, 64, 128)
    set xtics rotate by 35 right
    set key top right
    plot folder.'/ratios.dat' using 2:xtic(1) ls 1 title 'Tcl 8.6', \
         '' using 3 ls 2 title 'Tcl 9.0'
} else {
    set title 'Ten round trips under way on so many connections (Tcl 9.0)'
    set style data linespoints
    set logscale x 10
    set logscale y 10
    set yrange [*:*]
    set xrange [0.8:7000]
    set ytics auto
    set xtics norotate (1, 10, 100, 1000, 5000)
    set xlabel 'connections'
    set ylabel 'microseconds per round trip'
    set key top left
    plot folder.'/scale.dat' using 1:2 ls 2 lw 2 pt 7 title "Tcl's own socket", \
         '' using 1:3 ls 1 lw 2 pt 7 title 'iocpsock'
}
