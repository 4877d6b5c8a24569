# What bench prints without measuring: usage, earlier results, comparisons. Measuring is
# slow_bench.test.sh.
$ stampede bench REPO
2> stampede: bench: takes options only, not 'REPO'; see 'stampede bench --help'
= 2
$ stampede bench --shape cheese
2> stampede: bench: --shape takes one of drupal, pep458, packagist, pypi, not 'cheese'; see 'stampede bench --help'
= 2
$ stampede bench --seconds 1
2> stampede: bench: --seconds takes a whole number from 5 to 3600, not '1'; see 'stampede bench --help'
= 2
$ stampede bench --compare a.json
2> stampede: bench: --compare takes two results, A.json and B.json; see 'stampede bench --help'
= 2
$ stampede bench --from missing.json
2> stampede: bench: missing.json: cannot open* (glob)
= 3

# A missing folder is reported before anything is measured, and nothing is left behind.
$ mkdir work && stampede bench --work work --dir missing
2> stampede: bench: measuring, about 60 seconds; leave the machine alone
2> stampede: bench: missing: cannot open the folder to read from: No such file or directory
= 2
$ ls work

$ echo '{}' >empty.json; stampede bench --from empty.json
2> stampede: bench: empty.json: is not a result of this version's bench ("schema" is not "stampede-bench/1"); measure that machine again
= 3
$ echo '{"schema":"stampede-bench/1","machine":{"cpu":"A","cores":2},"scan":{"hot_files_per_second":{"value":1000}}}' >a.json
$ echo '{"schema":"stampede-bench/1","machine":{"cpu":"B","cores":4},"scan":{"hot_files_per_second":{"value":3000}}}' >b.json
$ stampede bench --compare a.json b.json | grep -v '^$'
A: a.json: A, 2 cores, 0 B, 
B: b.json: B, 4 cores, 0 B, 
                                                  A              B      B is
  scan, hot                                 1,000/s        3,000/s     x3.00
$ stampede bench --compare a.json b.json --html ab.html >/dev/null; grep -o '<tr><td>scan.*</tr>' ab.html
<tr><td>scan, hot</td><td class="n">1,000/s</td><td class="n">3,000/s</td><td class="n">x3.00</td></tr>
$ stampede bench --from a.json --html a.html --json copy.json | head -n 1
A, 2 cores, 0 B of memory, Linux , scratch on 
$ cmp a.json copy.json && head -n 1 a.html
<!doctype html>
# An earlier result can be used for other indexes only if it holds a model.
$ stampede bench --from a.json --targets 1000
2> stampede: bench: a.json: holds no model to predict from; measure that machine again
= 3
$ stampede bench --from a.json --html no/where.html
2> stampede: output: no: cannot open the folder: No such file or directory
= 2
