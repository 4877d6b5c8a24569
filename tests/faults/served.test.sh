#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a web server serves, compared with what is signed: links, copies and marks of public/targets that
# somebody removes, empties, overwrites or replaces. verify names each, sign makes them again and reports
# it, and neither gives false alarms.
. "$(dirname "$(realpath "$0")")/lib.sh"

# found REPO CODE ARGS…: verify fails, with that finding
found() {
	local repo=$1 code=$2
	shift 2
	"$STAMPEDE" verify "$repo" "$@" >verify.out 2>&1 && fail "verify $repo does not say no, but $code was wanted: $(cat verify.out)"
	grep -qE "^(error|warning): $code:" verify.out || fail "no $code: $(cat verify.out)"
}
# repaired REPO N: sign makes the names of N targets again, and verify succeeds
repaired() {
	sign_is 0 "$1" --quiet --json
	field_is links_repaired "$2"
	says "public/targets: names of $2 target"
	verified "$1"
	sign_is 0 "$1" --quiet --json
	field_is links_repaired 0
	[ ! -s err ] || fail "a repair is reported again: $(cat err)"
}
one() { find "$1/public/targets" -name "*.$2" | head -n 1; }

mkdir -p index/packages/ab index/simple/x index/a/b/c/d/e/f/g
echo wheel >index/packages/ab/one.whl
echo wheel2 >index/packages/ab/two.whl
echo deep >index/a/b/c/d/e/f/g/deep.whl
echo page >index/simple/x/index.html
echo elsewhere >outside
# Hard links change the ctime of their file, so each has an index of its own.
for link in symlink hardlink copy; do
	cp -r index "index-$link"
	init "$link" --targets "index-$link" --bins 2 --target-files all --link "$link"
	sign_is 0 "$link" --quiet --json
	field_is links_repaired 0
	verified "$link"
done
init mutable --targets index --bins 2 --target-files mutable
sign_is 0 mutable --quiet --json
field_is links_repaired 0
[ ! -s err ] || fail "first marks are called a repair: $(cat err)"
verified mutable

echo '- names for all files'
for link in symlink hardlink copy; do
	name=$(one "$link" one.whl)
	rm "$name"
	found "$link" served-missing
	repaired "$link" 1
	rm "$name"; : >"$name"
	found "$link" served-differs
	repaired "$link" 1
	rm "$name"; ln -s "$scratch/outside" "$name"
	found "$link" served-differs
	repaired "$link" 1
	rm "$name"; ln -s nowhere "$name"
	found "$link" served-missing
	repaired "$link" 1
	rm "$name"; mkdir "$name"
	found "$link" served-differs
	repaired "$link" 1
	rm "$name"; mkdir -p "$name/full"
	sign_is 3 "$link" --quiet
	says "public/targets/packages/ab/[0-9a-f]*.one.whl: is a folder, .* move it away"
	rm -r "$name"
	repaired "$link" 1
	mkdir moved; rm -r "$link/public/targets/packages"; ln -s "$scratch/moved" "$link/public/targets/packages"
	sign_is 0 "$link" --quiet
	[ ! -L "$link/public/targets/packages" ] || fail 'a link in the place of a folder stays'
	verified "$link"
	rm -r moved
	rm -r "$link/public/targets"; mkdir "$link/public/targets"
	found "$link" served-missing
	repaired "$link" 4
done

echo '- a link to another file of the index'
name=$(one symlink one.whl)
ln -sfn "$(readlink "$name" | sed s/one/two/)" "$name"
found symlink served-differs
repaired symlink 1

echo '- a link out of the index, to a file of the right length'
printf 'WHEEL\n' >outside-6
ln -sfn "$scratch/outside-6" "$name"
found symlink served-differs
repaired symlink 1

echo '- bytes of the right length that are not those'
name=$(one copy one.whl)
printf 'WHEEL\n' >"$name"
found copy served-differs
repaired copy 1
printf 'PAGE\n' >"$(one mutable index.html)"
found mutable served-differs
repaired mutable 1
# A copy that was only touched is checked and kept.
touch "$(one mutable index.html)"
verified mutable
sign_is 0 mutable --quiet --json
field_is links_repaired 0
name=$(one hardlink one.whl)
printf 'WHEEL\n' >other; mv other "$name"
found hardlink served-differs --targets
repaired hardlink 1

echo '- files and folders that others cannot read'
chmod 600 "$(one mutable index.html)"
found mutable served-unreadable
repaired mutable 1
chmod 700 copy/public/targets/packages
found copy served-unreadable
chmod 755 copy/public/targets/packages
chmod 600 index/packages/ab/two.whl
found mutable served-unreadable
chmod 640 index/packages/ab/two.whl # a group may be the web server's
sign_is 0 mutable --quiet
verified mutable
chmod 644 index/packages/ab/two.whl
sign_is 0 mutable --quiet

echo '- metadata that others cannot read'
for path in mutable mutable/public mutable/public/metadata mutable/public/metadata/timestamp.json \
	"$(ls mutable/public/metadata/*.bin-n-0.json | tail -n 1)"; do
	mode=$(stat -c %a "$path")
	chmod go= "$path"
	found mutable served-unreadable
	[ "$(grep -c served-unreadable verify.out)" = 1 ] || fail "$path: $(cat verify.out)"
	"$STAMPEDE" verify mutable --no-served --quiet >/dev/null || fail '--no-served looks all the same'
	chmod g=u "$path" # a group may be the web server's
	verified mutable
	chmod "$mode" "$path"
done

echo '- marks'
mark=$(find mutable/public/targets/.signed -name '*two.whl')
rm "$mark"
found mutable served-missing
repaired mutable 1
rm -r "$(dirname "$mark")"
found mutable served-missing
repaired mutable 1
rm "$mark"; ln -s "$scratch/outside" "$mark"
found mutable served-missing
repaired mutable 1
rm -r mutable/public/targets/.signed
found mutable served-missing
repaired mutable 3
mv mutable/public/targets/.signed moved; ln -s "$scratch/moved" mutable/public/targets/.signed
sign_is 0 mutable --quiet
[ -d mutable/public/targets/.signed ] && [ ! -L mutable/public/targets/.signed ] || fail 'the marks are a link'
verified mutable
rm -r moved
mkdir -p index/private; echo secret >index/private/config.ini
cp mutable/stampede.json good.json
sed -i 's/"exclude": \[\]/"exclude": ["private\/**"]/' mutable/stampede.json
sign_is 0 mutable --quiet
verified mutable
planted="mutable/public/targets/.signed/00/00000000000000.private\"\"\"\"\"\"config.ini"
mkdir -p "$(dirname "$planted")"; : >"$planted"
found mutable served-unknown
rm "$planted"
sign_is 0 mutable --quiet

echo '- public/targets itself'
mv mutable/public/targets away
found mutable served-missing
grep -q 'python-tuf' verify.out || fail "metadata is not audited: $(cat verify.out)"
ln -s ../../away mutable/public/targets
found mutable served-missing
rm mutable/public/targets
mv away mutable/public/targets
verified mutable

echo '- names that nobody signed'
echo x >mutable/public/targets/robots.txt
found mutable served-unknown
rm mutable/public/targets/robots.txt
mkdir mutable/public/targets/packages
echo x >"mutable/public/targets/packages/$(printf '0%.0s' $(seq 128)).one.whl"
found mutable served-unknown
rm -r mutable/public/targets/packages
verified mutable

echo '- names of a run that is refused late'
cp -r index index-late
for kind in symlink hardlink copy marks; do
	files=all link=$kind
	[ $kind != marks ] || files=mutable link=symlink
	init "late-$kind" --targets index-late --bins 2 --target-files $files --link $link
	sign_is 0 "late-$kind" --quiet
	# A fault that is found when the names of new targets are made.
	cp -r index-late index-full; mkdir -p index-late/.signed index-late/simple/y
	for i in 1 2 3 4 5; do echo "new $i" >index-late/packages/ab/new-$i.whl; done
	echo new >index-late/simple/y/index.html
	echo x >index-late/.signed/a.whl
	sign_is 3 "late-$kind" --quiet
	"$STAMPEDE" verify "late-$kind" >verify.out 2>&1 || true
	! grep -q served-unknown verify.out || fail "$kind: names of a refused run are unknown: $(cat verify.out)"
	grep -q '^  6 more of a run that published nothing' verify.out || fail "$kind: $(cat verify.out)"
	# Links that lead elsewhere, or to excluded files, are not the repository's.
	echo secret >index-late/secret.ini
	cp "late-$kind/stampede.json" good.json
	sed -i 's/"exclude": \[\]/"exclude": ["secret.ini"]/' "late-$kind/stampede.json"
	ln -s "$scratch/index-late/secret.ini" "late-$kind/public/targets/$(printf '0%.0s' $(seq 128)).secret.ini"
	ln -s "$scratch/outside" "late-$kind/public/targets/$(printf '1%.0s' $(seq 128)).secret.ini"
	found "late-$kind" served-unknown
	[ "$(grep -c served-unknown verify.out)" = 2 ] || fail "$kind: planted: $(cat verify.out)"
	rm -r "late-$kind/public/targets/"[01]*.secret.ini index-late/.signed
	cp good.json "late-$kind/stampede.json"; rm index-late/secret.ini
	sign_is 0 "late-$kind" --quiet
	verified "late-$kind"
	! grep -q 'published nothing' verify.out || fail "$kind: $(cat verify.out)"
	rm -r index-late; mv index-full index-late
done

echo '- names of a snapshot that a replaced key signed'
if command -v openssl >/dev/null; then
	cp -a copy replaced
	page=index-copy/simple/x/index.html
	cp -p $page page && echo other >$page
	sign_is 0 replaced --quiet
	verified replaced
	openssl genpkey -algorithm ed25519 -out new.pem 2>/dev/null
	chmod 600 new.pem && mv new.pem replaced/keys/online.pem
	"$STAMPEDE" init replaced --update --offline-keys replaced/offline-keys --yes --quiet >out 2>&1 ||
		fail "the key cannot be replaced: $(cat out)"
	sign_is 0 replaced --quiet
	verified replaced
	cp -p page $page
fi

echo '- what only an older snapshot lists stays until gc takes both'
for folder in index index-*; do
	echo changed >$folder/simple/x/index.html
	rm $folder/packages/ab/two.whl
done
for link in symlink hardlink copy mutable; do
	sign_is 0 "$link" --quiet --json
	field_is links_repaired 0
	verified "$link"
	# Everything but the newest snapshot is removed.
	sign_is 0 "$link" --quiet
	"$STAMPEDE" gc "$link" --keep 1 --grace 1m --quiet --after-clock-error >/dev/null 2>&1 ||
		"$STAMPEDE" gc "$link" --keep 1 --grace 1m --quiet >/dev/null
	verified "$link"
	sign_is 0 "$link" --quiet --json
	field_is links_repaired 0
done

echo '- nothing is said of names that a damaged bin may list'
echo x >"symlink/public/targets/$(printf '0%.0s' $(seq 128)).one.whl"
found symlink served-unknown
for bin in symlink/public/metadata/*.bin-n-*.json; do echo >>"$bin"; done
found symlink envelope
! grep -q served-unknown verify.out || fail "names of damaged bins are called unknown: $(cat verify.out)"
sign_is 0 symlink --quiet
found symlink served-unknown
rm symlink/public/targets/0*.one.whl

echo '- a targets folder that is not mounted'
mv index away; mkdir index
found mutable served-missing
rmdir index; mv away index
verified mutable

echo '- an index of a list whose files another server has'
mkdir empty
init listed --targets empty --bins 2 --hash sha256 --target-files mutable
{ echo path,length,sha256; for i in 1 2 3; do printf 'packages/%d.whl,1,%064d\n' $i $i; done; } >list.csv
sign_is 0 listed --quiet --digests list.csv
verified listed
grep -q 'another server has them' verify.out || fail "verify does not report what it skips: $(cat verify.out)"
mkdir -p empty/packages; printf a >empty/packages/1.whl
found listed served-absent

echo '- "link" and "target_files" that change'
cp -r index index-kinds
init kinds --targets index-kinds --bins 2 --target-files all --link symlink
sign_is 0 kinds --quiet
was=symlink
for link in hardlink copy hardlink symlink copy symlink hardlink; do
	sed -i "s/\"link\": \"$was\"/\"link\": \"$link\"/" kinds/stampede.json
	sign_is 0 kinds --quiet
	for name in $(find kinds/public/targets -name '*.*' ! -type d); do
		case $link in
		symlink) [ -L "$name" ] ;;
		hardlink) [ ! -L "$name" ] && [ "$(stat -c %h "$name")" -gt 1 ] ;;
		copy) [ ! -L "$name" ] && [ "$(stat -c %h "$name")" = 1 ] ;;
		esac || case $name in *index.html) ;; *) fail "from $was to $link: $(ls -l "$name")" ;; esac
	done
	verified kinds
	sign_is 0 kinds --quiet --json
	field_is links_repaired 0
	field_is links_made 0
	was=$link
done
sed -i 's/"target_files": "all"/"target_files": "none"/' kinds/stampede.json
echo new >index-kinds/packages/ab/new.whl
sign_is 0 kinds --quiet
[ ! -e kinds/state/links ] || fail 'state/links says that the new file has a name'
sed -i 's/"target_files": "none"/"target_files": "all"/' kinds/stampede.json
sign_is 0 kinds --quiet --json
field_is links_made 1
verified kinds

echo '- reflinks where there are none, before anything is hashed'
if ! { : >from && cp --reflink=always from to; } 2>/dev/null; then
	init shared --targets index --bins 2 --target-files all --link reflink
	sign_is 2 shared --quiet
	says '"link": the file system of public/targets has no reflinks; set "symlink" or "copy"'
	[ -z "$(find shared/public/targets -mindepth 1)" ] || fail 'the check leaves files'
	sed -i 's/"target_files": "all"/"target_files": "mutable"/' shared/stampede.json
	sign_is 0 shared --quiet # files that may change are copied then
	verified shared
fi

echo '- files that leave a list whose names were made'
cp -r index index-list
for link in symlink copy; do
	init "left-$link" --targets index-list --bins 2 --hash sha256 --target-files all --link $link
	(echo path,length,sha256; cd index-list; find . -type f | sed 's#^\./##' | sort | while read -r file; do
		echo "$file,$(stat -c %s "$file"),$(sha256sum "$file" | cut -d ' ' -f 1)"
	done) >left.csv
	sign_is 0 "left-$link" --quiet --digests left.csv
	[ ! -s err ] || fail "a whole list: $(cat err)"
done
mv index-list/packages/ab/one.whl one.whl
for night in 1 2; do
	sign_is 0 left-symlink --quiet --digests left.csv
	says 'has no file for 1 target of the list \(packages/ab/one.whl\), so public/targets cannot serve them'
	[ "$(find left-symlink/public/targets -xtype l | wc -l)" = 1 ] || fail 'the link is not left for the file to come back'
	sign_is 0 left-copy --quiet --digests left.csv
	[ ! -s err ] || fail "a copy needs no file: $(cat err)"
done
verified left-copy
found left-symlink served-absent --strict
mv index-list index-away; mkdir index-list
for night in 1 2; do
	sign_is 0 left-symlink --quiet --digests left.csv
	says 'has no file for [2-9] targets of the list'
	sign_is 0 left-copy --quiet --digests left.csv
	[ ! -s err ] || fail "copies need no file: $(cat err)"
done
verified left-copy
rmdir index-list; mv index-away index-list; mv one.whl index-list/packages/ab/one.whl
[ -z "$(find left-symlink/public/targets -xtype l)" ] || fail 'the disk is back, and a link leads nowhere'
verified left-symlink
sign_is 0 left-symlink --quiet --digests left.csv
[ ! -s err ] || fail "all files are back: $(cat err)"
verified left-symlink
[ -n "$(one left-symlink one.whl)" ] || fail 'the link is not made again'

echo '- a targets folder that is not there at all'
for link in symlink hardlink copy; do cp -a "$link" "gone-$link"; done
cp -a mutable gone-mutable
mkdir index-links # of which public/targets has nothing but links
echo x >index-links/only.whl
init gone-links --targets index-links --bins 2 --target-files all
sign_is 0 gone-links --quiet
for folder in index-*; do mv "$folder" "away-$folder"; done
mv index away
found gone-symlink served-missing
grep -q 'is not there, so clients cannot fetch' verify.out || fail "what is gone: $(cat verify.out)"
found gone-mutable served-missing
found gone-links served-missing
verified gone-hardlink
verified gone-copy
rm "$(one gone-copy deep.whl)"
found gone-copy served-missing
rm -r gone-symlink/public/targets/*
found left-symlink served-missing
verified left-copy
for folder in away-*; do mv "$folder" "${folder#away-}"; done
mv away index

echo '- who asks for it, and who does not'
"$STAMPEDE" verify listed --no-served --quiet >/dev/null || fail '--no-served looks all the same'
"$STAMPEDE" verify listed/public/metadata --quiet >/dev/null || fail 'a folder of metadata is asked for files'
code=0; "$STAMPEDE" verify listed/public/metadata --served >/dev/null 2>err || code=$?
[ $code = 2 ] || fail "--served of a folder of metadata: exit $code"
init none --targets index --bins 2 --target-files none
sign_is 0 none --quiet
verified none
grep -q 'another server has the files' verify.out || fail "target_files none: $(cat verify.out)"
mkdir -p index/.signed; echo x >index/.signed/a.whl
sign_is 3 mutable --quiet
says 'is reserved for stampede'
