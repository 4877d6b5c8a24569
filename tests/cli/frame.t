# What every verb has in common.
$ stampede
2> usage: stampede VERB [options]
2> ...
2> 'stampede VERB --help' tells more; 'stampede --version' names the hash kernels.
= 2
$ stampede nonsense
2> stampede: unknown verb; 'stampede --help' lists them
= 2
$ stampede --version | head -n 1
stampede * (glob)

# Help fits a terminal of 80 columns, and names an option once.
$ for verb in init sign verify plan hash bench status gc; do stampede $verb --help; done | awk 'length > 80'
$ for verb in init sign verify plan hash bench status gc; do stampede $verb --help | grep -o '^  --[a-z-]*' | sort | uniq -d; done

# A product that could not be written is a failure.
$ stampede --help >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
= 3
$ stampede --help >&-
2> stampede: output: stdout could not be written; its reader or disk is gone
= 3

# A reader that has read enough is not told; the status still says that not all was written.
$ { sleep 0.2; stampede --help; echo $? >status; } | true; cat status
3
$ mkdir lines; for i in $(seq 300); do : >lines/$i; done
$ { sleep 0.2; stampede hash --quiet lines; } | true
= 3

# A disk that is full is told once.
$ stampede hash --quiet lines >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
= 3

# A closed stderr stops nothing.
$ stampede --version 2>&- | head -n 1
stampede * (glob)
