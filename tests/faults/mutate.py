#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mutate.py ROUNDS SEED [--only N] [--jobs N] [--keep DIR]

Takes small healthy repositories and in each round damages one or a few of their files (damage.py), then runs one or
two commands on them. Whatever was damaged, a command must end by itself within 20 seconds, with a status that the
manual names, without a report of a sanitizer, without control characters in what it prints, and without a change to
anything outside the repository. Whenever `sign` says that it published, `verify` with the genuine first root must
find no error.

STAMPEDE names the program, best one built with the address sanitizer. The same ROUNDS and SEED damage the same
files in the same way (keys are new each time); --only N repeats round N alone. What fails is left in DIR.
"""
import argparse
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time

from damage import damage, restore, snapshot

TIMEOUT_S = 20
STATUSES = {0, 1, 2, 3, 4, 75}
ENVIRONMENT = {
    **os.environ,
    # A confined run hides /proc from the leak checker. The status is not one of stampede's own.
    "ASAN_OPTIONS": "detect_leaks=0:exitcode=99:hard_rss_limit_mb=1500:allocator_may_return_null=0",
    "UBSAN_OPTIONS": "exitcode=99:print_stacktrace=1",
    "TSAN_OPTIONS": "exitcode=99",
}
NOW = "2030-01-05T06:00:00Z"
LIST = "digests.csv"
INDEX = ["packages/a-1.whl", "packages/b-1.whl", "packages/c-1.tar.gz", "simple/a/index.html", "simple/index.html"]


class Base:
    """A healthy repository: its states after init and each signing, the last one first to be damaged."""

    def __init__(self, name, options):
        self.name, self.options, self.past, self.genuine, self.uses_list = name, options, [], None, False


def run(program, arguments, timeout=TIMEOUT_S, **options):
    return subprocess.run([program, *arguments], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, check=False, **options)


def must(program, arguments, **options):
    done = run(program, arguments, timeout=120, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
    return done


def make_index(folder):
    os.makedirs(f"{folder}/simple/a")
    os.makedirs(f"{folder}/packages")
    for name in INDEX:
        with open(f"{folder}/{name}", "w", encoding="ascii") as file:
            file.write(f"content of {name}\n")
        os.utime(f"{folder}/{name}", (1700000000, 1700000000))


def make_list(program, work):
    """The digest list of the same files, for a repository of SHA-256."""
    lines = ["path,length,sha256"]
    for line in must(program, ["hash", "--algorithm", "sha256", "index"], cwd=work).stdout.decode().splitlines():
        digest, path = line.split(maxsplit=1)
        path = path.lstrip("*").removeprefix("index/")
        lines.append(f"{path},{os.path.getsize(f'{work}/index/{path}')},{digest}")
    with open(f"{work}/{LIST}", "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


def make_base(program, work, name, options, signings, rebin=0, uses_list=False):
    """Inits and signs once a day from the first of January; rebin: another number of bins before the last signing."""
    base, repo = Base(name, options), f"{work}/made/repo"
    base.uses_list = uses_list
    os.mkdir(f"{work}/made")
    more = ["--digests", f"{work}/{LIST}"] if uses_list else []
    must(program, ["init", repo, "--targets", f"{work}/index", "--quiet", "--now", "2030-01-01T00:00:00Z", *options])
    base.genuine = f"{work}/{name}.root.json"
    shutil.copy(f"{repo}/public/metadata/1.root.json", base.genuine)
    base.past.append(snapshot(repo))
    for day in range(1, signings + 1):
        if rebin and day == signings:
            must(program, ["init", repo, "--update", "--bins", str(rebin), "--quiet", "--now", f"2030-01-0{4 - signings + day}T10:00:00Z"])
        # The last signing is six hours old when the rounds begin.
        must(program, ["sign", repo, "--quiet", "--now", f"2030-01-0{5 - signings + day}T00:00:00Z", *more])
        base.past.append(snapshot(repo))
    shutil.rmtree(f"{work}/made")
    return base


def make_bases(program, work):
    make_index(f"{work}/index")
    make_list(program, work)
    made = [
        ("pep458", ["--bins", "4"], 3, {}),
        ("compat", ["--bins", "4", "--profile", "compat"], 2, {}),
        ("prefixes", ["--bins", "4", "--profile", "prefixes"], 2, {}),
        ("rebinned", ["--bins", "2"], 3, {"rebin": 4}),
        ("list", ["--bins", "4", "--hash", "sha256", "--target-files", "none"], 2, {"uses_list": True}),
        ("copies", ["--bins", "2", "--link", "copy", "--hash", "sha256,sha512"], 2, {}),
        ("unsigned", ["--bins", "4"], 0, {}),
    ]
    return [make_base(program, work, name, options, signings, **more) for name, options, signings, more in made]


def commands(rng, base, repo, old):
    """One command line for the repository."""
    sign = ["sign", repo, "--now", NOW]
    if base.uses_list:
        sign += ["--digests", os.path.join(os.path.dirname(base.genuine), LIST)]
    verify = ["verify", repo, "--now", NOW]
    choices = [
        (10, sign), (2, sign + ["--on-fault", "skip"]), (2, sign + ["--rehash", "all"]), (1, sign + ["--jobs", "0"]),
        (1, sign + ["--io", "pread"]), (2, sign + ["--dry-run"]), (4, verify), (2, verify + ["--targets"]),
        (2, verify + ["--strict"]), (1, verify + ["--no-served"]), (2, ["show", repo, rng.choice(INDEX)]),
        (2, ["show", repo, rng.choice(INDEX), "--check", "--json"]),
        (2, verify + ["--against", old]), (1, verify + ["--as-client", "--json"]), (3, ["status", repo, "--now", NOW]),
        (1, ["status", repo, "--json"]), (2, ["gc", repo, "--now", NOW]),
        (2, ["gc", repo, "--now", "2031-01-05T06:00:00Z", "--grace", "1h", "--keep", "1", "--audit", "1d"]),
        (1, ["gc", repo, "--dry-run"]), (2, ["plan", "--repo", repo]), (2, ["hash", repo]),
        (2, ["init", repo, "--update", "--now", NOW]), (1, ["init", repo, "--update", "--bins", "8", "--now", NOW]),
        (1, ["init", repo, "--update", "--roles", "root", "--now", NOW]),
    ]
    return rng.choices([line for _, line in choices], [weight for weight, _ in choices])[0]


def is_signing(line):
    return line[0] == "sign" and "--dry-run" not in line


def outside_state(work, worker):
    """What must not change: the index, and files outside to which links in the repository may lead."""
    found = []
    for top in (f"{work}/index", f"{worker}/outside"):
        for folder, folders, names in os.walk(top):
            for name in folders + names:
                status = os.lstat(os.path.join(folder, name))
                # Reading a folder or a link changes only its time of access.
                found.append((folder, name, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return sorted(found)


class Rounds:
    def __init__(self, program, seed, work, keep):
        self.program, self.seed, self.work, self.keep = program, seed, work, keep
        self.bases = make_bases(program, work)
        self.lock, self.done, self.failed, self.statuses = threading.Lock(), 0, 0, {}
        self.signed = 0

    def problem_of(self, line, done):
        """What is wrong with how a command ended, or None."""
        text = done.stdout + done.stderr
        if b"Sanitizer" in text or b"runtime error:" in text or done.returncode == 99:
            return "a sanitizer reports"
        if done.returncode < 0:
            return f"died by signal {-done.returncode}"
        if done.returncode not in STATUSES:
            return f"exit status {done.returncode}"
        # hash prints names as sha512sum does, which may be read back by --check.
        bad = next((byte for byte in text if (byte < 32 and byte != 10) or byte == 127), None)
        if bad is not None and done.args[1] != "hash":
            return f"prints the control character 0x{bad:02x}"
        if done.returncode in (2, 3) and not done.stderr.strip():
            return f"exit status {done.returncode} without a word"
        return None

    def execute(self, line, worker):
        """Runs line; returns (status, problem, output)."""
        for timeout in (TIMEOUT_S, 6 * TIMEOUT_S):  # a second attempt: the machine may be busy
            try:
                done = run(self.program, line, timeout=timeout, cwd=worker)
                break
            except subprocess.TimeoutExpired as expired:
                text = (expired.stdout or b"") + (expired.stderr or b"")
        else:
            return None, "does not end", text
        with self.lock:
            key = (line[0], done.returncode)
            self.statuses[key] = self.statuses.get(key, 0) + 1
        return done.returncode, self.problem_of(line, done), done.stdout + done.stderr

    def check_published(self, base, repo, worker):
        """Like a user who has only the first root of the repository."""
        line = ["verify", f"{repo}/public/metadata", "--root", base.genuine, "--now", NOW, "--json"]
        status, problem, text = self.execute(line, worker)
        with self.lock:
            self.signed += 1
        if problem or status == 0:
            return problem, text
        try:
            report = json.loads(text)
        except ValueError:
            return "sign published what verify cannot read", text
        errors = [finding for finding in report["findings"] if finding["severity"] == "error"]
        if not report["errors"]:
            return None, text
        codes = " ".join(sorted({finding["code"] for finding in errors}))
        return (f"sign published what verify refuses: {codes}",
                "\n".join(f"{finding['subject']}: {finding['text']}" for finding in errors).encode())

    def one(self, number, worker):
        rng = random.Random(f"{self.seed}/{number}")
        base = rng.choice(self.bases)
        repo, outside = f"{worker}/repo", f"{worker}/outside"
        shutil.rmtree(worker, ignore_errors=True)
        restore(repo, base.past[-1])
        restore(outside, base.past[-1])
        restore(f"{worker}/old", base.past[max(len(base.past) - 2, 0)])
        done = []
        wanted = rng.choices([1, 2, 3], [7, 2, 1])[0]
        for _ in range(100):
            did = damage(rng, repo, base.past[:-1], outside)
            if did:
                done.append(did)
            if len(done) == wanted:
                break
        before = outside_state(self.work, worker)
        lines = [commands(rng, base, repo, f"{worker}/old") for _ in range(1 + (rng.random() < 0.3))]
        if any("sparse" in did for did in done):  # hashing a terabyte takes long
            lines = [["status", repo, "--now", NOW] if line[0] == "hash" else line for line in lines]
        for line in lines:
            status, problem, text = self.execute(line, worker)
            if not problem and is_signing(line) and status in (0, 4):
                problem, text = self.check_published(base, repo, worker)
            if not problem and outside_state(self.work, worker) != before:
                problem = "changes what lies outside the repository"
            if problem:
                self.tell(number, base, done, lines, problem, text, worker)
                break
        with self.lock:
            self.done += 1

    def tell(self, number, base, done, lines, problem, text, worker):
        with self.lock:
            self.failed += 1
            print(f"FAILED: round {number} of seed {self.seed}, {base.name}: {problem}")
            for did in done:
                print(f"  damage: {did}")
            for line in lines:
                print("  command:", " ".join(line).replace(worker + "/", ""))
            for printed in text.decode(errors="replace").splitlines()[-12:]:
                print("  |", printed.encode("unicode_escape").decode()[:300])
            sys.stdout.flush()
        if self.keep:
            kept = os.path.join(self.keep, f"{self.seed}-{number}")
            shutil.rmtree(kept, ignore_errors=True)
            subprocess.run(["cp", "-a", worker, kept], check=False)

    def work_off(self, numbers, worker):
        for number in numbers:
            try:
                self.one(number, worker)
            except Exception as error:  # pylint: disable=broad-except
                self.tell(number, self.bases[0], [], [], f"mutate.py itself: {error!r}", b"", worker)
        shutil.rmtree(worker, ignore_errors=True)


def scratch_folder():
    """In memory if possible: a round is a few dozen small files, and syncs."""
    memory = "/dev/shm"
    base = memory if os.access(memory, os.W_OK) and "TMPDIR" not in os.environ else None
    folder = tempfile.mkdtemp(prefix="stampede-mutate-", dir=base)
    os.chmod(folder, stat.S_IRWXU)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--only", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep")
    options = parser.parse_args()
    program = os.path.realpath(os.environ.get("STAMPEDE") or sys.exit("mutate.py: STAMPEDE names the program"))
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
    work = scratch_folder()
    try:
        rounds = Rounds(program, options.seed, work, options.keep and os.path.realpath(options.keep))
        numbers = [options.only] if options.only is not None else range(options.rounds)
        started = time.monotonic()
        threads = [threading.Thread(target=rounds.work_off, args=(numbers[i::options.jobs], f"{work}/w{i}"))
                   for i in range(options.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - started
        used = os.times()
        print(f"{rounds.done} rounds in {seconds:.0f} s ({rounds.done / seconds:.1f} a second), "
              f"{sum(used[:4]):.0f} s of processor time, "
              f"{rounds.signed} published and verified, {rounds.failed} failed")
        print("exit statuses:", ", ".join(f"{verb} {status}: {count}" for (verb, status), count
                                         in sorted(rounds.statuses.items(), key=str)))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if rounds.failed else 0


if __name__ == "__main__":
    sys.exit(main())
