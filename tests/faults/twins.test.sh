#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files that are hard links of one inode, with names that are hard links as well: each of our own links
# changes the ctime of all of them, which does not count as a change, neither in this run nor in the next.
. "$(dirname "$0")/lib.sh"

# links REPO: each target's name is a hard link of its file
links() {
	local file
	while read -r file; do
		[ "repo/public/targets/$(dirname "$file")/$(sha256sum "index/$file" | cut -c 1-64).$(basename "$file")" -ef "index/$file" ] ||
			fail "$file has no link"
	done < <(cd index && find packages -type f)
}
# quiet JOBS: a run that finds nothing changed, and has no names to make
quiet() {
	sign_is 0 repo --json --jobs "$1"
	field_is files_hashed 0
	field_is files_rehashed 0
	field_is links_made 0
	field_is faults 0
	links
}

for jobs in 0 3; do
	rm -rf index repo
	mkdir -p index/packages/{a,b,c} outside index/simple/x
	for i in $(seq 20); do
		echo "wheel $i" >"index/packages/a/$i.whl"
		ln "index/packages/a/$i.whl" "index/packages/b/$i.whl"
		[ $((i % 3)) != 0 ] || ln "index/packages/a/$i.whl" "index/packages/c/other-$i.whl"
	done
	# One with a name outside the index, one that is also the name of a page.
	echo outside >index/packages/o.whl
	ln -f index/packages/o.whl outside/o.whl
	echo page >index/simple/x/index.html
	ln index/simple/x/index.html index/packages/page.whl
	init repo --targets index --bins 16 --hash sha256 --link hardlink
	sleep 0.02 # the file system's clock ticks
	sign_is 0 repo --json --jobs "$jobs"
	field_is faults 0
	field_is files_rehashed 0
	links
	verified repo
	quiet "$jobs"

	# A new name of a file that is signed already.
	sleep 0.02
	ln index/packages/a/1.whl index/packages/c/late.whl
	ln index/packages/a/3.whl index/packages/c/later.whl
	sign_is 0 repo --json --jobs "$jobs"
	field_is faults 0
	quiet "$jobs"

	# All names are made again, of new and of old files.
	rm repo/state/links
	rm -r repo/public/targets/packages/a repo/public/targets/packages/b
	ln index/packages/a/2.whl index/packages/c/late-2.whl
	sleep 0.02
	sign_is 0 repo --json --jobs "$jobs"
	field_is faults 0
	links
	quiet "$jobs"

	# Some are repaired: no fault, and no changes after one more run.
	rm repo/public/targets/packages/b/*.4.whl repo/public/targets/packages/b/*.6.whl
	sleep 0.02
	sign_is 0 repo --json --jobs "$jobs"
	field_is faults 0
	field_is links_repaired 2
	links
	sign_is 0 repo --json --jobs "$jobs"
	quiet "$jobs"

	# With names of another kind.
	sed -i 's/"hardlink"/"copy"/' repo/stampede.json
	sign_is 0 repo --quiet --jobs "$jobs"
	sed -i 's/"link": "copy"/"link": "hardlink"/' repo/stampede.json
	sleep 0.02
	sign_is 0 repo --json --jobs "$jobs"
	field_is faults 0
	quiet "$jobs"
	verified repo
done

# Our own links excuse nothing else: other bytes under one name raise the alarm for all of them.
before=$(sha256sum repo/public/metadata/timestamp.json)
cp -p index/packages/a/5.whl kept
printf X | dd of=index/packages/b/5.whl conv=notrunc status=none
touch -r kept index/packages/b/5.whl
ln index/packages/b/5.whl index/packages/c/5.whl
sign_is 3 repo
says 'packages/a/5.whl: has other bytes than were signed before'
says 'packages/b/5.whl: has other bytes than were signed before'
[ "$(sha256sum repo/public/metadata/timestamp.json)" = "$before" ] || fail 'published in spite of the alarm'
