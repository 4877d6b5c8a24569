# What a bin count costs. The first block holds PEP 458's tables 2 and 3 at the PEP's own constants.
$ stampede plan --targets-count 2273539 --path-bytes 256
2,273,539 targets, paths of 256 bytes, files of 2,184,393 bytes on average
(blank)
PEP 458's model at 16,384 bins
  C1   # of bytes in a SHA2-512 hexadecimal digest                                                    128
  C2   # of bytes for a SHA2-512 public key ID                                                         64
  C3   # of bytes for an Ed25519 signature                                                            128
  C4   # of bytes for an Ed25519 public key                                                            64
  C5   # of bytes for a target relative file path                                                     256
  C6   # of bytes to encode a target file size                                                          7
  C7   # of bytes to encode a version number                                                            6
  C8   # of targets (simple indices and distributions)                                          2,273,539
  C9   Average # of bytes for a downloaded distribution                                         2,184,393
  C10  # of bins                                                                                   16,384
  V1   Length of a path hash prefix                                                                     4
  V2   Total # of path hash prefixes                                                               65,536
  V3   Avg # of targets per bin                                                                       139
  V4   Avg size of SHA-512 hashes per bin                                                          17,792
  V5   Avg size of target paths per bin                                                            35,584
  V6   Avg size of lengths per bin                                                                    973
  V7   Avg size of bin-n metadata (bytes)                                                          54,349
  V8   Total size of public key IDs in bins                                                     1,048,576
  V9   Total size of path hash prefixes in bins                                                   262,144
  V10  Est. size of bins metadata (bytes)                                                       1,310,720
  V11  Est. size of snapshot metadata (bytes)                                                      98,304
  V12  Est. size of metadata overhead per distribution per returning user (same snapshot)         108,698
  V13  Est. metadata overhead per distribution per returning user (same snapshot)                       5%
  V14  Est. size of metadata overhead per distribution per returning user (diff snapshot)         207,002
  V15  Est. metadata overhead per distribution per returning user (diff snapshot)                       9%
  V16  Est. size of metadata overhead per distribution per new user                             1,517,722
  V17  Est. metadata overhead per distribution per new user                                            69%
(blank)
files as stampede writes them (profile pep458)
       bins        bin    fullest   snapshot  bins role    one run
        256    3.81 MB    3.95 MB    8.84 kB      923 B  975.45 MB
        512    1.91 MB    2.01 MB   17.80 kB      923 B  975.54 MB
      1,024  952.83 kB    1.03 MB   35.21 kB      924 B  975.73 MB
      2,048  476.59 kB  533.50 kB   70.03 kB      924 B  976.12 MB
      4,096  238.47 kB  280.88 kB  139.66 kB      924 B  976.89 MB
      8,192  119.40 kB  151.03 kB  287.12 kB      924 B  978.45 MB
     16,384   59.87 kB   83.53 kB  573.84 kB      924 B  981.53 MB  <
     32,768   30.11 kB   47.89 kB    1.15 MB      924 B  987.73 MB
     65,536   15.22 kB   28.71 kB    2.29 MB      924 B    1.00 GB
    131,072    7.78 kB   18.14 kB    4.72 MB      924 B    1.02 GB
    262,144    4.06 kB   12.16 kB    9.44 MB      924 B    1.07 GB
(blank)
fetched per installation (two bins), and in % of a file: here, by the PEP
     bins      same      next  new user   same  next   new    V13   V15   V17
      256   7.62 MB   7.63 MB   7.63 MB    349   349   350    318   318   319
      512   3.81 MB   3.83 MB   3.83 MB    174   175   176    159   159   161
    1,024   1.91 MB   1.94 MB   1.95 MB     87    89    89     80    80    83
    2,048 953.65 kB   1.02 MB   1.03 MB     44    47    47     40    40    47
    4,096 477.41 kB 617.07 kB 621.84 kB     22    28    28     20    21    34
    8,192 239.29 kB 526.40 kB 531.17 kB     11    24    24     10    12    48
   16,384 120.22 kB 694.06 kB 698.83 kB    5.5    32    32      5     9    69 <
   32,768  60.70 kB   1.21 MB   1.21 MB    2.8    55    56      3    12   120
   65,536  30.93 kB   2.33 MB   2.33 MB    1.4   106   107      1    19   223
  131,072  16.05 kB   4.74 MB   4.74 MB    0.7   217   217      1    37   661
  262,144   8.61 kB   9.45 MB   9.45 MB    0.4   432   433      0    72  1080
(blank)
updates: 100,000 a day
       bins   bins touched   one alone writes       tuf-js CPU
        256            256            3.82 MB            0.0 s
        512            512            1.92 MB            0.1 s
      1,024          1,024          988.52 kB            0.4 s
      2,048          2,048          547.09 kB            1.6 s
      4,096          4,096          378.60 kB            6.5 s
      8,192          8,192          407.00 kB           26.0 s
     16,384         16,347          634.19 kB          104.0 s  <
     32,768         31,219            1.18 MB          416.0 s
     65,536         51,287            2.31 MB         1664.0 s
    131,072         69,954            4.73 MB         6656.0 s
    262,144         83,137            9.44 MB        26624.0 s
(blank)
clients (y yes, s slow, ? not tested, - cannot)
       bins python-tuf tuf-js go-tuf 2 tough php-tuf rust-tuf sigstore-java
        256          y      y        y     -       -        -             -
        512          y      y        y     -       -        -             -
      1,024          y      y        y     -       -        -             -
      2,048          y      s        y     -       -        -             -
      4,096          y      s        y     -       -        -             -
      8,192          y      s        y     -       -        -             -
     16,384          y      s        y     -       y        -             -  <
     32,768          y      s        y     -       y        -             -
     65,536          y      s        y     -       y        -             -
    131,072          y      s        y     -       y        -             -
    262,144          y      s        y     -       y        -             -
  tuf-js: takes about 104 s of CPU for each new snapshot
  tough: does not support succinct delegations (TAP 15); does not support sha512 as the only hash
  rust-tuf: does not support succinct delegations (TAP 15); it is not known whether it accepts sha512 as the only hash
  sigstore-java: does not support succinct delegations (TAP 15); it is not known whether it accepts sha512 as the only hash
(blank)
recommended: 16,384 bins: a returning user fetches 694.06 kB for each new snapshot (573.84 kB of snapshot, two bins of 59.87 kB), 32 % of a download; with 8,192 bins it would be 526.40 kB, but php-tuf could not be served: the largest bin has 151,033 bytes, its limit is 100,000
$ stampede plan --targets-count 20000000 --hash sha256 --profile prefixes --bins 65536 | grep -A9 ^clients
clients (y yes, s slow, ? not tested, - cannot)
       bins python-tuf tuf-js go-tuf 2 tough php-tuf rust-tuf sigstore-java
     65,536          y      s        -     s       y        -             -  <
  tuf-js: takes about 1664 s of CPU for each new snapshot
  go-tuf 2: does not support path_hash_prefixes
  tough: fetches all 65536 bins (5.32 GB) before any target
  rust-tuf: does not support path_hash_prefixes
  sigstore-java: does not support path_hash_prefixes
(blank)
recommended: 65,536 bins: a returning user fetches 3.44 MB for each new snapshot (3.28 MB of snapshot, two bins of 81.21 kB), 157 % of a download, more than the 50 % PEP 458 allows
$ stampede plan --targets-count 2273539 --bins 16384 --json | tr , '\n' | grep -E '"(V1|V5|V17|run_bytes|recommended_bins)"'
"recommended_bins":16384
"run_bytes":754172778
"V1":4
"V5":35584
"V17":69}
$ stampede plan --targets-count 1000 --svg bins.svg >/dev/null && head -c 40 bins.svg && tail -n 1 bins.svg
<svg xmlns="http://www.w3.org/2000/svg" </svg>

# Usage.
$ stampede plan
2> stampede: plan: give --targets-count or --repo
= 2
$ stampede plan --targets-count 0
2> stampede: plan: --targets-count takes a whole number from 1 to 4294967295, not '0'; see 'stampede plan --help'
= 2
$ stampede plan --targets-count 10 --bins 1000
2> stampede: plan: 1000 bins is not a power of two from 2 to 2^20
= 2
$ stampede plan --targets-count 10 --hash md5
2> stampede: plan: --hash md5: use sha256, sha512, blake2b-256, or several with commas; see 'stampede plan --help'
= 2
$ stampede plan --targets-count 10 --profile pep459
2> stampede: config: pep459: is not a profile; use pep458, compat or prefixes
= 2
$ stampede plan --repo nowhere
2> stampede: verify: nowhere: holds no metadata (timestamp.json or 1.root.json); give a repository or its metadata folder
= 2

# A file of the operator's may be a name of stdout, which is written and not replaced, or a pipe, which
# must have a reader.
$ stampede plan --targets-count 100 --svg /dev/stdout >both; grep -c '<svg' both; [ -L /dev/stdout ]
1
$ mkfifo pipe; stampede plan --targets-count 100 --svg pipe >/dev/null
2> stampede: output: pipe: cannot be written: it is a socket, or nobody reads from it; name a file
= 3
