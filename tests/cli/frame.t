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

# Where stderr is the journal's, lines carry their priority; elsewhere, or when asked otherwise, they do not.
$ index tree 5 && stampede init repo --targets tree --bins 4 --now $(at 1) >/dev/null && stampede sign repo --now $(at 2) >/dev/null
$ journal() { : >err; JOURNAL_STREAM=$(stat -c %d:%i err) "$@" 2>err >/dev/null; echo "exit status $?"; cat err; }
$ mkfifo tree/packages/pipe; journal stampede sign repo --now $(at 3) --on-fault skip
exit status 4
<3>stampede: scan: packages/pipe: is a FIFO; exclude or remove it
<4>stampede: publish: timestamp.json: expires 2030-01-04T12:00:00Z, before the run after next at the interval seen (86400 s); sign more often, or raise the expiry in stampede.json
$ rm tree/packages/pipe; journal stampede sign repo --now 2030-12-15T12:00:00Z
exit status 0
<4>stampede: expiry: root: expires at 2031-01-01T12:00:00Z, in 17 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
<4>stampede: expiry: targets: expires at 2031-01-01T12:00:00Z, in 17 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
<4>stampede: expiry: bins: expires at 2031-01-01T12:00:00Z, in 17 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
<4>stampede: publish: timestamp.json: expires 2030-12-16T12:00:00Z, before the run after next at the interval seen (29894400 s); sign more often, or raise the expiry in stampede.json
$ journal stampede sign repo --now 2040-01-01T00:00:00Z
exit status 3
<3>stampede: published: root: expired at 2031-01-01T12:00:00Z; renew it: stampede init --update
$ journal stampede sign repo --log-format text nowhere
exit status 2
stampede: sign: give one REPO, the folder that init made; see 'stampede sign --help'
$ journal stampede sign repo --log-format json nowhere | sed 's/"time":"[^"]*"/"time":"T"/'
exit status 2
{"time":"T","level":"error","verb":"sign","stage":"usage","message":"give one REPO, the folder that init made"}
$ journal stampede sing repo
exit status 2
<3>stampede: unknown verb; 'stampede --help' lists them
$ stampede sign nowhere --log-format journal
2> <3>stampede: repository: nowhere: cannot open: No such file or directory; name a repository made by `stampede init`
= 2
$ JOURNAL_STREAM=1:2 stampede sign nowhere
2> stampede: repository: nowhere: cannot open: No such file or directory; name a repository made by `stampede init`
= 2
$ JOURNAL_STREAM= stampede sign nowhere
2> stampede: repository: nowhere: cannot open: No such file or directory; name a repository made by `stampede init`
= 2
$ journal stampede status repo --now 2030-12-15T12:00:00Z --expires-within 12h
exit status 1
<4>stampede: status: root: expires at 2031-01-01T12:00:00Z, in 17 d; renew it with the offline keys: stampede init REPO --update
<4>stampede: status: targets: expires at 2031-01-01T12:00:00Z, in 17 d; renew it with the offline keys: stampede init REPO --update
<4>stampede: status: bins: expires at 2031-01-01T12:00:00Z, in 17 d; renew it with the offline keys: stampede init REPO --update

# A value that was forgotten is not the next option's name.
$ stampede sign repo --report --dry-run
2> stampede: sign: --report needs a value (FILE.html), but --dry-run follows; if that is meant as the value, write --report=--dry-run; see 'stampede sign --help'
= 2
$ stampede sign repo --metrics -- repo
2> stampede: sign: --metrics needs a value (FILE.prom), but -- follows; if that is meant as the value, write --metrics=--; see 'stampede sign --help'
= 2
$ stampede sign repo --report=--dry-run >/dev/null 2>&1; ls -- --dry-run
--dry-run
