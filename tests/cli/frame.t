# What all commands have in common.
$ stampede
2> usage: stampede COMMAND [options]
2> ...
2> 'stampede COMMAND --help' describes a command.
2> 'stampede --version' names the hash kernels.
= 2
$ stampede nonsense
2> stampede: unknown command; 'stampede --help' lists them
= 2
$ stampede --version | head -n 1
stampede * (glob)

# Help fits a terminal of 80 columns, and names an option once.
$ for command in init sign verify plan hash show bench status gc rotate key_new key_show key_list key_import ceremony_start ceremony_show ceremony_sign ceremony_export ceremony_add ceremony_status ceremony_finish ceremony_drill; do stampede ${command/_/ } --help; done | awk 'length > 80'
$ for command in init sign verify plan hash show bench status gc rotate key_new key_show key_list key_import ceremony_start ceremony_show ceremony_sign ceremony_export ceremony_add ceremony_status ceremony_finish ceremony_drill; do stampede ${command/_/ } --help | grep -o '^  --[a-z-]*' | sort | uniq -d; done

# Output that could not be written is a failure.
$ stampede --help >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
= 3
$ stampede --help >&-
2> stampede: output: stdout could not be written; its reader or disk is gone
= 3

# A reader that stops early causes no message; the exit status still says that not everything was written.
$ { sleep 0.2; stampede --help; echo $? >status; } | true; cat status
3
$ mkdir lines; for i in $(seq 300); do : >lines/$i; done
$ { sleep 0.2; stampede hash --quiet lines; } | true
= 3

# A full disk is reported once.
$ stampede hash --quiet lines >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
= 3

# A closed stderr stops nothing.
$ stampede --version 2>&- | head -n 1
stampede * (glob)

# If stderr is the journal, lines start with their priority; elsewhere, or if asked not to, they do not.
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
<3>stampede: unknown command; 'stampede --help' lists them
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

# An option whose value was forgotten uses neither the end of the line nor the next option as its value, in any command.
$ stampede status repo --expires-within
2> stampede: status: --expires-within needs a value ([ROLE=]TIME); see 'stampede status --help'
= 2
$ stampede status repo --expires-within -1h
2> stampede: status: --expires-within takes a time with its unit, such as 90m, 12h or 7d, not '-1h'; see 'stampede status --help'
= 2
$ stampede status repo --expires-within= ; echo $?
2
2> stampede: status: --expires-within takes a time with its unit, such as 90m, 12h or 7d, not ''; see 'stampede status --help'
$ stampede sign repo --report --dry-run
2> stampede: sign: --report needs a value (FILE.html), and '--dry-run' is an option; for a value that begins with -- write --report=VALUE; see 'stampede sign --help'
= 2
$ forgotten() { stampede $1 repo $2 >out 2>err; [ $? = 2 ] && grep -q ": $2 needs a value" err || { echo "$1 $2"; cat out err; }; }
$ swallowed() { stampede $1 repo $2 --quiet >out 2>err; [ $? = 2 ] && grep -q ": $2 needs a value .*'--quiet' is an option" err || { echo "$1 $2"; cat out err; }; }
$ for command in init sign verify plan hash show bench status gc rotate key_new key_show key_list key_import ceremony_start ceremony_finish ceremony_drill ceremony_show ceremony_sign ceremony_export ceremony_add ceremony_status; do command=${command/_/ }; for option in $(stampede $command --help | sed -nE 's/^  (--[a-z-]+) (\[[^]]*\])?[^[ ].*/\1/p'); do echo $option; forgotten "$command" $option; swallowed "$command" $option; done; done | sort -u | tr '\n' ' '; ls | grep -c '^-'
--above --add --against --algorithm --allow-removals --allow-replace --audit --bins --bytes --ceremony --compare --digests --dir --document --expires --expires-within --file-bytes --from --grace --hash --holder --html --io --jobs --keep --key --keyid --keys --link --log-format --lost --metrics --name --now --offline-keys --on-fault --online --online-key --out --overlap --passphrase-fd --path-bytes --profile --progress --purpose --raw --rehash --remove --renew --repo --report --role --roles --root --root-threshold --sample --scan --seconds --shape --svg --target-files --targets --targets-count --threshold --trust --type --updates-per-day --work 0
= 1
