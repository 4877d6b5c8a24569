#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Passphrases at a terminal: not shown while they are typed, asked for twice where a key is made, and
# the terminal shows what is typed again afterwards, also when somebody stops the command.
set -euo pipefail
: "${STAMPEDE:?}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-key-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
mkdir -m 700 safe

cat >terminal.py <<'END'
# terminal.py STATUS TYPED… -- COMMAND…: runs COMMAND at a terminal of its own; after each prompt the next
# of TYPED is entered ("^C" is Ctrl-C). What the terminal showed goes to stdout.
import os, pty, select, sys, termios, time
at = sys.argv.index("--")
status, typed, command = int(sys.argv[1]), sys.argv[2:at], sys.argv[at + 1:]
pid, fd = pty.fork()
if pid == 0:
    os.execv(command[0], command)
seen = b""
def wait(done):
    global seen
    end = time.time() + 30
    while not done() and time.time() < end:
        if select.select([fd], [], [], 0.05)[0]:
            try:
                more = os.read(fd, 4096)
            except OSError:
                return
            if not more:
                return
            seen += more
def quiet():
    return not termios.tcgetattr(fd)[3] & termios.ECHO
for word in typed:
    prompts = seen.count(b": ")
    wait(lambda: seen.endswith(b": ") and quiet())
    if not quiet():
        sys.exit("what is typed would be shown: %r" % seen)
    seen += b"\n"
    os.write(fd, b"\x03" if word == "^C" else word.encode() + b"\n")
wait(lambda: False)
got = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.write(seen.decode())
if got != status:
    sys.exit("exit status %d, not %d: %r" % (got, status, seen))
for word in typed:
    if word and word != "^C" and word in seen.decode():
        sys.exit("the terminal showed the passphrase: %r" % seen)
END
at_terminal() { python3 terminal.py "$@" | tr -d '\r' >shown || { cat shown; exit 1; }; }
shows() { grep -qF -- "$1" shown || { echo "the terminal does not show '$1':"; cat shown; exit 1; }; }

at_terminal 0 'correct horse' 'correct horse' -- "$STAMPEDE" key new safe/a --encrypt
shows 'New passphrase of safe/a: '
shows 'Again: passphrase of safe/a: '
shows 'public key  safe/a.key.json'
at_terminal 0 'correct horse' -- "$STAMPEDE" key show safe/a.pem
shows 'Passphrase of safe/a.pem: '
shows 'secret      encrypted'
at_terminal 2 'battery staple' -- "$STAMPEDE" key show safe/a.pem
shows 'the passphrase is wrong'
at_terminal 2 'one' 'other' -- "$STAMPEDE" key new safe/b --encrypt
shows 'the two passphrases differ'
at_terminal 2 '' '' -- "$STAMPEDE" key new safe/b --encrypt
shows 'the passphrase is empty'
# Ctrl-C ends the question, and leaves a terminal that shows what is typed.
at_terminal 2 '^C' -- "$STAMPEDE" key new safe/b --encrypt
at_terminal 0 '^C' -- /bin/sh -c "trap : INT; '$STAMPEDE' key show safe/a.pem; stty -a | grep -qw echo && ! stty -a | grep -qw -- -echo"
shows 'there is no passphrase'
[ ! -e safe/b.pem ] && [ ! -e safe/b.key.json ]
echo ok
