# SPDX-License-Identifier: Apache-2.0
"""Damage to a repository's files: damage(rng, repo, past, outside) does one kind of it.

repo is a folder, past holds earlier states of it (a dict of path to (kind, mode, data)), and outside is a folder
with files of the same names that nothing may touch. Returns what was done, in words, or None when the chosen thing
does not fit the chosen file; then nothing was changed.
"""
import os
import re
import shutil
import socket
import stat

NUMBERS = ["0", "-1", "1", "2", "9007199254740991", "9007199254740992", "9223372036854775807",
           "9223372036854775808", "18446744073709551616", "1e400", "1.5", "-0", "00", "null", "true", "[]", "{}", '"1"']
STRINGS = ["", "..", "../../outside", "a/b", "\\u0000", "\\u001b[31m", "\\ud800", "%s%n", "x" * 5000, "\\/",
           "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2030-02-30T00:00:00Z", "0" * 64, "f" * 128, "*", "**/"]
ODD_NAMES = [b"\x1b[31mred", b"new\nline", b"1.bin-n-0.json ", b"\xff\xfe", b"-rf", b"..json", b"9" * 30 + b".root.json",
             b"2.root.json.tmp", b"x" * 255, b"timestamp.json~", b"9007199254740991.snapshot.json", b"0.json",
             b"18446744073709551616.json", b"9.base.segment", b"99.manifest", b"5.delta.segment"]
# Some files deserve more attempts than others: a small repository has a dozen bins, but one manifest.
WEIGHTS = [("state/ledger/", 6), ("state/commits/", 3), ("state/", 6), ("public/metadata/timestamp", 6),
           ("public/metadata/1.root", 4), ("public/metadata/", 2), ("stampede.json", 12), ("keys/", 4), ("public/", 1)]
FOLDERS = ["public", "public/metadata", "public/targets", "state", "state/ledger", "state/commits", "keys"]


def files_of(repo):
    """Every path below repo that is not a folder, sorted."""
    found = []
    for folder, _, names in os.walk(repo):
        found += [os.path.relpath(os.path.join(folder, name), repo) for name in names]
    return sorted(path for path in found if not path.startswith("offline-keys"))


def choose(rng, paths):
    return rng.choices(paths, [next((w for start, w in WEIGHTS if p.startswith(start)), 1) for p in paths])[0]


# --- bytes: content in, content out, or None ----------------------------------------------------------------------

def flip_bit(rng, data):
    if not data:
        return None
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]


def overwrite(rng, data):
    if not data:
        return None
    at = rng.randrange(len(data))
    count = min(rng.choice([1, 4, 8, 64]), len(data) - at)
    fill = rng.choice([b"\0" * count, b"\xff" * count, rng.randbytes(count)])
    return data[:at] + fill + data[at + count:]


def truncate(rng, data):
    return data[:rng.randrange(len(data))] if data else None


def empty(_rng, data):
    return b"" if data else None


def extend(rng, data):
    return data + rng.choice([b"\0", b"\n", b" " * 100, b"\0" * 4096, data, rng.randbytes(33), b"{}"])


def insert(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice([b"\0", b"\xff", b"\x1b", b"\"", b",", b"\n", rng.randbytes(3), data[:50]]) + data[at:]


def remove(rng, data):
    if len(data) < 2:
        return None
    at = rng.randrange(len(data) - 1)
    return data[:at] + data[at + min(rng.choice([1, 2, 16, 100]), len(data) - at):]


def swap_halves(_rng, data):
    return data[len(data) // 2:] + data[:len(data) // 2] if len(data) > 1 else None


def pick(rng, pattern, data):
    found = list(re.finditer(pattern, data))
    return rng.choice(found) if found else None


def number(rng, data):
    """A number, also of a file that contains only a number, replaced by one at a limit."""
    match = pick(rng, rb"(?<![\w\".-])-?\d+(?![\w\".-])", data)
    return match and data[:match.start()] + rng.choice(NUMBERS).encode() + data[match.end():]


def string(rng, data):
    match = pick(rng, rb'"[^"\\]*"', data)
    return match and data[:match.start() + 1] + rng.choice(STRINGS).encode() + data[match.end() - 1:]


def bad_utf8(rng, data):
    match = pick(rng, rb'"[^"\\]*"', data)
    bad = rng.choice([b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82"])
    return match and data[:match.start() + 1] + bad + data[match.start() + 1:]


def control(rng, data):
    match = pick(rng, rb'"[^"\\]*"', data)
    bad = rng.choice([b"\x1b[2J", b"\\u001b[2J", b"\\u0007", b"\x07", b"\x7f", b"\\u009b", b"\\u0000", b"\\n\\r"])
    return match and data[:match.start() + 1] + bad + data[match.start() + 1:]


def twice(rng, data):
    """Repeats a member of an object."""
    match = pick(rng, rb'"[^"\\]*":\s*(?:"[^"\\]*"|-?\d+|true|false|\[[^\[\]{}]*\]|\{[^\[\]{}]*\})', data)
    return match and data[:match.end()] + b"," + match.group() + data[match.end():]


def drop_member(rng, data):
    match = pick(rng, rb'"[^"\\]*":\s*(?:"[^"\\]*"|-?\d+|true|false|\[[^\[\]{}]*\]|\{[^\[\]{}]*\}),?', data)
    return match and data[:match.start()] + data[match.end():]


def nest(rng, data):
    match = pick(rng, rb':\s*(?:"[^"\\]*"|-?\d+)', data)
    depth = rng.choice([20, 40, 3000, 100000])
    inner = rng.choice([(b"[", b"]"), (b'{"a":', b"}")])
    return match and data[:match.start() + 1] + inner[0] * depth + b"1" + inner[1] * depth + data[match.end():]


def nothing_but(rng, _data):
    return rng.choice([b"[]", b"{}", b"null", b"[" * 100000, b"\0" * 100, b"\xef\xbb\xbf{}", b"0", b"1\n", b'"'])


BYTES = [flip_bit, overwrite, truncate, empty, extend, insert, remove, swap_halves, number, number, number, string, string,
         bad_utf8, control, twice, drop_member, nest, nothing_but]


# --- files -------------------------------------------------------------------------------------------------------

def write(path, data):
    """Replaces the file at path; the mode stays."""
    mode = stat.S_IMODE(os.lstat(path).st_mode) if os.path.lexists(path) and not os.path.islink(path) else 0o600
    clear(path)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def clear(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def is_readable(path):
    """False for what an earlier damage of the same round made: a pipe, a socket, a file of a terabyte."""
    there = os.lstat(path)
    return stat.S_ISREG(there.st_mode) and there.st_size < 1 << 24


def change_bytes(rng, repo, path, _past, _outside):
    full = os.path.join(repo, path)
    how = rng.choice(BYTES)
    if not is_readable(full):
        return None
    with open(full, "rb") as file:
        data = file.read()
    changed = how(rng, data)
    if changed is None or changed == data:
        return None
    write(full, changed)
    return f"{how.__name__} {path} ({len(data)} to {len(changed)} bytes)"


def replace(rng, repo, path, _past, outside):
    full = os.path.join(repo, path)
    how = rng.choice(["nothing", "fifo", "folder", "socket", "link to itself", "link outside", "link to zeros",
                      "link to a folder", "sparse"])
    clear(full)
    if how == "fifo":
        os.mkfifo(full, 0o600)
    elif how == "folder":
        os.mkdir(full, 0o700)
    elif how == "socket":
        here = os.open(os.path.dirname(full), os.O_PATH)  # names of sockets are short
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{os.path.basename(full)}"[:107])
        os.close(here)
    elif how == "link to itself":
        os.symlink(os.path.basename(full), full)
    elif how == "link outside":
        os.symlink(os.path.join(outside, path), full)
    elif how == "link to zeros":
        os.symlink("/dev/zero", full)
    elif how == "link to a folder":
        os.symlink(outside, full)
    elif how == "sparse":
        with open(full, "wb") as file:
            file.truncate(rng.choice([1 << 20, 1 << 28, 1 << 40]))
        os.chmod(full, 0o600)
    return f"{path} becomes {how}"


def change_mode(rng, repo, path, _past, _outside):
    full = os.path.join(repo, path)
    if os.path.islink(full):
        return None
    mode = rng.choice([0, 0o666, 0o4755, 0o444])
    os.chmod(full, mode)
    return f"chmod {mode:o} {path}"


def change_time(rng, repo, path, _past, _outside):
    seconds = rng.choice([0, 1, -1, 2**31, 2**33, 4102444800])
    os.utime(os.path.join(repo, path), (seconds, seconds), follow_symlinks=False)
    return f"time of {path} is {seconds}"


def swap(rng, repo, path, _past, _outside):
    other = choose(rng, files_of(repo))
    if other == path:
        return None
    one, two = os.path.join(repo, path), os.path.join(repo, other)
    os.rename(one, one + ".swap")
    os.rename(two, one)
    os.rename(one + ".swap", two)
    return f"swap {path} and {other}"


def copy_other(rng, repo, path, _past, _outside):
    other = choose(rng, files_of(repo))
    full = os.path.join(repo, other)
    if other == path or not is_readable(full):
        return None
    with open(full, "rb") as file:
        write(os.path.join(repo, path), file.read())
    return f"{path} is a copy of {other}"


def roll_back(rng, repo, path, past, _outside):
    if not past:
        return None
    which = rng.randrange(len(past))
    kind, _, data = past[which].get(path, (None, None, None))
    if kind != "file":
        return None
    write(os.path.join(repo, path), data)
    return f"{path} of {len(past) - which} signings before"


def rename_odd(rng, repo, path, _past, _outside):
    name = rng.choice(ODD_NAMES)
    full = os.path.join(repo, path).encode()
    odd = os.path.join(os.path.dirname(full), name)
    if os.path.lexists(odd):
        return None
    os.rename(full, odd)
    return f"{path} is called {name!r}"


def add_odd(rng, repo, path, _past, outside):
    name = rng.choice(ODD_NAMES)
    full = os.path.join(os.path.dirname(os.path.join(repo, path)).encode(), name)
    if os.path.lexists(full):
        return None
    how = rng.choice(["file", "copy", "folder", "link"])
    if how == "folder":
        os.mkdir(full)
    elif how == "link":
        os.symlink(outside, full)
    else:
        with open(full, "wb") as file:
            file.write(b"x" if how == "file" or not is_readable(os.path.join(repo, path))
                       else open(os.path.join(repo, path), "rb").read())
    return f"beside {path} a {how} {name!r}"


FILES = [change_bytes] * 12 + [replace] * 4 + [roll_back] * 2 + [change_mode, change_time, swap, copy_other, rename_odd, add_odd]


# --- folders -----------------------------------------------------------------------------------------------------

def damage_folder(rng, repo, past, outside):
    path = rng.choice(FOLDERS)
    full = os.path.join(repo, path)
    how = rng.choice(["gone", "empty", "file", "link outside", "open to all", "earlier", "earlier"])
    if not os.path.isdir(full) or os.path.islink(full):
        return None
    if how == "open to all":
        os.chmod(full, 0o777)
    elif how == "earlier":
        if not past:
            return None
        which = rng.randrange(len(past))
        clear(full)
        restore(repo, {p: entry for p, entry in past[which].items() if p == path or p.startswith(path + "/")})
        how = f"that of {len(past) - which} signings before"
    else:
        mode = stat.S_IMODE(os.lstat(full).st_mode)
        clear(full)
        if how == "empty":
            os.mkdir(full)
            os.chmod(full, mode)
        elif how == "file":
            write(full, b"not a folder")
        elif how == "link outside":
            os.symlink(os.path.join(outside, path), full)
    return f"folder {path} is {how}"


def damage(rng, repo, past, outside):
    if rng.random() < 0.08:
        return damage_folder(rng, repo, past, outside)
    paths = files_of(repo)
    if not paths:
        return None
    path = choose(rng, paths)
    return rng.choice(FILES)(rng, repo, path, past, outside)


# --- whole trees -------------------------------------------------------------------------------------------------

def snapshot(root):
    """path -> (kind, mode, data): folders, files and links below root; folders come before what is in them."""
    tree = {}
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(folders + names):
            full = os.path.join(folder, name)
            status = os.lstat(full)
            mode, path = stat.S_IMODE(status.st_mode), os.path.relpath(full, root)
            if stat.S_ISLNK(status.st_mode):
                tree[path] = ("link", mode, os.readlink(full))
            elif stat.S_ISDIR(status.st_mode):
                tree[path] = ("folder", mode, None)
            else:
                with open(full, "rb") as file:
                    tree[path] = ("file", mode, file.read())
    return tree


def restore(root, tree):
    os.makedirs(root, exist_ok=True)
    for path, (kind, mode, data) in tree.items():
        full = os.path.join(root, path)
        if kind == "link":
            os.symlink(data, full)
        elif kind == "folder":
            os.makedirs(full, exist_ok=True)
            os.chmod(full, mode)
        else:
            descriptor = os.open(full, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            os.write(descriptor, data)
            os.fchmod(descriptor, mode)
            os.close(descriptor)
