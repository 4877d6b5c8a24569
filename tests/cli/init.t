# init makes a repository, and says which keys to take away.
$ index idx 20
$ stampede init repo --targets idx --now $(at 1)
made SCRATCH/repo
profile pep458, 16,384 bins, root, targets and bins valid until 2031-01-01T12:00:00Z
(blank)
These offline keys were made on this machine, as for a first try; for a real
index let each holder make a key elsewhere: stampede init --ceremony
(blank)
Take these 7 files off this machine, each to another safe place;
sign never needs them:
  SCRATCH/repo/offline-keys/root-1.pem
  SCRATCH/repo/offline-keys/root-2.pem
  SCRATCH/repo/offline-keys/root-3.pem
  SCRATCH/repo/offline-keys/targets-1.pem
  SCRATCH/repo/offline-keys/targets-2.pem
  SCRATCH/repo/offline-keys/bins-1.pem
  SCRATCH/repo/offline-keys/bins-2.pem
2 of the root keys are needed to renew or replace keys; without them
clients cannot be moved to new ones.
Keep here, and back up: SCRATCH/repo/keys (online key, seal key)
(blank)
For more than 100,000 targets, the web server looks up by a mark
what is signed (nginx; the whole configuration is in README.md):
  map $uri $stampede_mark {
    '~^/targets/(?:(?<d1>[^/"]+)/)?(?:(?<d2>[^/"]+)/)?(?:(?<d3>[^/"]+)/)?(?:(?<d4>[^/"]+)/)?(?:(?<d5>[^/"]+)/)?(?:(?<d6>[^/"]+)/)?(?<h1>[0-9a-f]{2})(?<h2>[0-9a-f]{14})(?:[0-9a-f]{48}|[0-9a-f]{112})\.(?<file>[^/"]+)$'
    '$h1/$h2.$d1"$d2"$d3"$d4"$d5"$d6"$file';
  }
  map $uri $stampede_long_mark {
    '~^/targets/(?<dir>(?:[^/]+/)*)(?<digits>[0-9a-f]{16})(?:[0-9a-f]{48}|[0-9a-f]{112})\.(?<name>[^/]+)$'
    'long/$dir$digits.$name';
  }
  location ~ "^/(?:metadata/\.|targets/\.(?:signed(?:/|$)|tmp-[0-9a-f]{16}$))" {
    return 404;
  }
  location ~ "^/targets/(?:[^/]+/)*(?:[0-9a-f]{64}|[0-9a-f]{128})\.[^/]+$" {
    try_files $uri @marked;
  }
  location @marked {
    set $mark SCRATCH/repo/public/targets/.signed/$stampede_mark;
    if (!-f $mark) {
      set $mark SCRATCH/repo/public/targets/.signed/$stampede_long_mark;
    }
    if (!-f $mark) {
      return 404;
    }
    rewrite "^/targets/((?:[^/]+/)*)[0-9a-f]+\.([^/]+)$" /index/$1$2 last;
    return 404;
  }
  location /index/ {
    internal;
    alias SCRATCH/idx/;
    disable_symlinks on from=SCRATCH/idx;
  }
(blank)
next: stampede sign SCRATCH/repo


$ find repo | sort
repo
repo/keys
repo/keys/ledger.key
repo/keys/online.pem
repo/offline-keys
repo/offline-keys/bins-1.pem
repo/offline-keys/bins-2.pem
repo/offline-keys/root-1.pem
repo/offline-keys/root-2.pem
repo/offline-keys/root-3.pem
repo/offline-keys/targets-1.pem
repo/offline-keys/targets-2.pem
repo/public
repo/public/metadata
repo/public/metadata/1.bins.json
repo/public/metadata/1.root.json
repo/public/metadata/1.targets.json
repo/public/targets
repo/stampede.json
repo/state
repo/state/floors
$ stat -c '%a %n' repo/keys repo/keys/* repo/offline-keys repo/offline-keys/* repo/state
700 repo/keys
600 repo/keys/ledger.key
600 repo/keys/online.pem
700 repo/offline-keys
600 repo/offline-keys/bins-1.pem
600 repo/offline-keys/bins-2.pem
600 repo/offline-keys/root-1.pem
600 repo/offline-keys/root-2.pem
600 repo/offline-keys/root-3.pem
600 repo/offline-keys/targets-1.pem
600 repo/offline-keys/targets-2.pem
700 repo/state
$ cat repo/stampede.json
{
  "format": 1,
  "profile": "pep458",
  "targets_dir": "SCRATCH/idx",
  "hashes": [
    "sha512"
  ],
  "bins": 16384,
  "bin_prefix": "bin-n",
  "delegation": "succinct",
  "bins_role": true,
  "thresholds": {
    "root": {
      "threshold": 2,
      "keys": 3
    },
    "targets": {
      "threshold": 2,
      "keys": 2
    },
    "bins": {
      "threshold": 2,
      "keys": 2
    }
  },
  "expiry_seconds": {
    "root": 31536000,
    "targets": 31536000,
    "bins": 31536000,
    "bin_n": 86400,
    "snapshot": 86400,
    "timestamp": 86400
  },
  "snapshot_length": false,
  "target_files": "auto",
  "link": "symlink",
  "url_unsafe": "fault",
  "trust": "ctime",
  "mounts": "fault",
  "include": [],
  "exclude": [],
  "mutable": [
    "simple/**"
  ],
  "max_removals": "1%",
  "removed_retention_days": null,
  "trusted_root": {
    "sha256": "*", (glob)
    "version": 1
  }
}
$ openssl pkey -in repo/keys/online.pem -noout -text | head -n 1
ED25519 Private-Key:

# A second init is refused, and changes nothing.
$ sha256sum repo/public/metadata/* >before
$ stampede init repo --targets idx
2> stampede: init: SCRATCH/repo: is a repository already; use it, or name another folder
= 2
$ sha256sum -c --quiet before

# Nor does it take a repository that lost its configuration for an empty folder.
$ mv repo/stampede.json saved.json; stampede init repo --targets idx 2>&1 | sed 's/^\(stampede: init: \)[a-z-]*:/\1NAME:/'
stampede: init: NAME: exists, but stampede.json does not: restore that from a backup, name an empty or a new folder, or move the contents of this one away
= 2
$ mkdir repo/.init; stampede init repo --targets idx >/dev/null 2>&1
= 2
$ mv saved.json repo/stampede.json; rmdir repo/.init; sha256sum -c --quiet before

# What cannot be a repository.
$ stampede init
2> stampede: init: give one REPO; see 'stampede init --help'
= 2
$ stampede init other
2> stampede: init: --targets DIR is required; see 'stampede init --help'
= 2
$ stampede init other --targets missing
2> stampede: init: missing: cannot be used as targets folder: No such file or directory
= 2
$ stampede init idx/inside --targets idx
2> stampede: init: idx/inside: is in the targets folder; put the repository elsewhere
= 2
$ mkdir outer && stampede init outer --targets outer
2> stampede: init: outer: is in the targets folder; put the repository elsewhere
= 2
$ stampede init other --targets idx --profile pep
2> stampede: config: pep: is not a profile; use pep458, compat or prefixes
= 2
$ stampede init other --targets idx --bins 100
2> stampede: init: --bins: 100 is not a power of two from 2 to 1048576
= 2
$ stampede init other --targets idx --bins 1
2> stampede: init: --bins takes a whole number from 2 to 1048576, not '1'; see 'stampede init --help'
= 2
$ stampede init other --targets idx --hash md5
2> stampede: init: md5: is not a list of sha256, sha512 and blake2b-256, each at most once
= 2
$ stampede init other --targets idx --root-threshold 4/3
2> stampede: init: --root-threshold: 4/3 is not T/N with 1 <= T <= N <= 64; see 'stampede init --help'
= 2
$ stampede init other --targets idx --root-threshold 0/3
2> stampede: init: --root-threshold: 0/3 is not T/N with 1 <= T <= N <= 64; see 'stampede init --help'
= 2
$ stampede init other --targets idx --target-files some
2> stampede: init: some: is not auto, all, mutable or none
= 2
$ stampede init other --targets idx --link soft
2> stampede: init: soft: is not symlink, hardlink, reflink or copy
= 2
$ stampede init other --targets idx --now tomorrow
2> stampede: init: --now: 'tomorrow' is not YYYY-MM-DDTHH:MM:SSZ; see 'stampede init --help'
= 2
$ stampede init other --targets idx --frobnicate
2> stampede: init: unknown option --frobnicate; see 'stampede init --help'
= 2
$ touch file && stampede init other --targets file
2> stampede: init: file: is not a folder
= 2
$ stampede init file --targets idx
2> stampede: init: SCRATCH/file: cannot open the folder: Not a directory
= 2
$ ls -d other
2> ls: cannot access 'other': No such file or directory
= 2

# Everything can be set alone.
$ stampede init small --targets idx --profile compat --bins 16 --hash sha256,sha512 --root-threshold 1/1 --offline-keys away --target-files none --now $(at 1)
made SCRATCH/small
profile compat, 16 bins, root, targets valid until 2031-01-01T12:00:00Z
(blank)
These offline keys were made on this machine, as for a first try; for a real
index let each holder make a key elsewhere: stampede init --ceremony
(blank)
Take these 2 files off this machine, each to another safe place;
sign never needs them:
  SCRATCH/away/root-1.pem
  SCRATCH/away/targets-1.pem
1 of the root keys are needed to renew or replace keys; without them
clients cannot be moved to new ones.
Keep here, and back up: SCRATCH/small/keys (online key, seal key)
(blank)
next: stampede sign SCRATCH/small


$ ls away small
away:
root-1.pem
targets-1.pem
(blank)
small:
keys
public
stampede.json
state

$ grep -cE '"bins": *16,' small/stampede.json
1

# --json says the same for programs.
$ stampede init third --targets idx --bins 16 --json --now $(at 1) >said.json
$ grep -oE '"(repo|profile|bins|expires|role|versions)":("[^"]*"|[0-9]+|\{[^}]*\})' said.json
"repo":"SCRATCH/third"
"profile":"pep458"
"bins":16
"expires":"2031-01-01T12:00:00Z"
"role":"root"
"role":"root"
"role":"root"
"role":"targets"
"role":"targets"
"role":"bins"
"role":"bins"
"versions":{"root":1,"targets":1,"bins":1}
