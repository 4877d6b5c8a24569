#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Excluded folders are not opened; the name of a folder matches everything in it; and file systems that
# are mounted below the targets.
. "$(dirname "$0")/lib.sh"

lists() { sed -i "s|\"$1\": \[[^]]*\]|\"$1\": [$2]|" repo/stampede.json; }
cross() { sed -i 's/"mounts": "[a-z]*"/"mounts": "'"$1"'"/' repo/stampede.json; }
# count_is NUMBER: there are that many targets
count_is() {
	sign_is 0 repo --json --allow-removals all
	field_is targets "$1"
	! grep -q . err || [ "${2:-}" ] || fail "stderr is not empty: $(cat err)"
}

mkdir -p idx/{closed,sub/.git/objects,.git/refs,build-1,packages/ab,sub/build-2}
for file in a.whl closed/b.whl sub/.git/objects/c .git/refs/d .git/HEAD build-1/e.whl packages/f.whl \
	packages/ab/g.whl sub/build-2/h.whl sub/i.whl; do
	echo "$file" >"idx/$file"
done
init repo --targets idx --bins 4
count_is 10

# What the name of a folder matches, and what it does not.
lists exclude '".git"'
count_is 8
lists exclude '"**/.git"'
count_is 7
lists exclude '"**/.git", "**/build-*/"'
count_is 5
lists exclude '"**/.git/**", "build-*"'
count_is 7 noted
says '^stampede: scan: build-[*]: is in "exclude" of stampede.json, and matches nothing'
lists exclude '"packages/*"'
count_is 9
lists exclude '"packages/**/*"'
count_is 8
lists exclude '"sub/"'
count_is 7
lists exclude ''
lists include '"packages", "sub/build-2/"'
count_is 3
lists include '"packages/*.whl"'
count_is 1
lists include ''

# A folder that cannot be opened is a fault, unless nothing in it can be a target.
closed() { # INCLUDE EXCLUDE STATUS
	lists include "$1"
	lists exclude "$2"
	chmod 000 idx/closed
	sign_is "$3" repo --dry-run --allow-removals all
	if [ "$3" = 0 ]; then
		! grep -q ': closed: cannot' err || fail "$1 $2: $(cat err)"
	else
		says '^stampede: scan: closed: cannot read the folder'
	fi
	chmod 755 idx/closed
}
if chmod 000 idx/closed && ! ls idx/closed >/dev/null 2>&1; then
	closed '' '' 3
	for glob in closed closed/ 'closed/**' 'clo*/**' '**/closed' '**/closed/**/*' 'c?osed/**'; do
		closed '' "\"$glob\"" 0
	done
	for glob in 'packages/**' 'closed.d/**' clo; do closed "\"$glob\"" '' 0; done
	# Files in these could be targets, whatever the name of the folder.
	for glob in 'closed/*' '*' 'closed/*.txt'; do closed '' "\"$glob\"" 3; done
	for glob in '**/*.whl' closed 'clos*/**'; do closed "\"$glob\"" '' 3; done
elif [ "${FOLDERS_TRIED:-}" = '' ] && command -v setpriv >/dev/null; then
	# root can open everything: the same again without that right.
	chmod 755 idx/closed
	chmod 755 "$scratch"
	FOLDERS_TRIED=1 setpriv --inh-caps=-all --bounding-set=-dac_override,-dac_read_search bash "$0" ||
		fail 'without the right to open everything'
fi
chmod 755 idx/closed
lists include ''
lists exclude ''

# Mounts.
[ "${FOLDERS_TRIED:-}" = '' ] || exit 0
mkdir idx/disk
small_fs idx/disk size=4m
echo disk >idx/disk/j.whl
sign_is 3 repo --allow-removals all
says '^stampede: scan: disk: is another file system mounted below the targets; exclude it, or set "mounts": "cross"'
for glob in disk 'disk/**' 'dis*/'; do
	lists exclude "\"$glob\""
	count_is 10
	"$STAMPEDE" verify repo --targets idx >verify.out 2>&1 || fail "verify opens $glob: $(cat verify.out)"
done
lists exclude ''
lists include '"packages/**"'
count_is 2
lists include ''
# A single file that is mounted over another one.
lists exclude '"disk"'
echo other >other
mount --bind other idx/a.whl
mounted+=("$scratch/idx/a.whl")
sign_is 3 repo
says '^stampede: scan: a.whl: is another file, mounted over the one in the folder; exclude it, or set "mounts": "cross"'
sign_is 3 repo --jobs 0
says '^stampede: scan: a.whl: is another file'
umount idx/a.whl
sign_is 0 repo --allow-removals all
lists exclude ''
cross cross
for how in '' '--jobs 0'; do
	sign_is 0 repo $how --json --allow-removals all
	field_is targets 11
	verified repo
	"$STAMPEDE" verify repo --targets idx >verify.out 2>&1 || fail "verify --targets: $(cat verify.out)"
	sign_is 0 repo $how --json
	field_is files_hashed 0
done
# Names of every kind but hard links, which cannot leave a file system.
for link in copy symlink; do
	sed -i "s/\"link\": \"[a-z]*\"/\"link\": \"$link\"/" repo/stampede.json
	sign_is 0 repo --json
	verified repo
done
sed -i 's/"link": "[a-z]*"/"link": "hardlink"/' repo/stampede.json
sign_is 2 repo
says '"link": hard links cannot reach the file system of disk/j.whl; set "symlink" or "copy"'
sed -i 's/"link": "[a-z]*"/"link": "symlink"/' repo/stampede.json
sign_is 0 repo --json # the hard links that were made have changed the ctime,
sign_is 0 repo --json # and so has their removal
# Another file system at the same mount point is not the same.
umount idx/disk
small_fs idx/disk size=4m
echo disk >idx/disk/j.whl
sign_is 0 repo --json
field_is files_hashed 1
# The repository, mounted within the index.
mkdir idx/bound
for folder in . keys state public; do
	mount --bind "repo/$folder" idx/bound
	mounted+=("$scratch/idx/bound")
	sign_is 3 repo
	says '^stampede: scan: bound.*: is a folder of the repository, mounted below the targets'
	umount idx/bound
done
cross maybe
sign_is 2 repo
says '"mounts": must be one of "fault"'
