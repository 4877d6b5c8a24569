#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install.sh WHAT BUILD: installs BUILD below a scratch folder and tries one part of it.
set -euo pipefail
what=$1 build=$2
source=$(dirname "$(realpath "$0")")/../..
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-install-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root

die() {
	echo "$*" >&2
	exit 1
}

install_below() { cmake --install "$build" --prefix "$root" >"$scratch/log" || die "$(cat "$scratch/log")"; }

# What a package must bring, below /usr.
wanted() {
	local verb header
	"$build/tools/completions/stampede-generate" pages | while read -r verb; do
		echo "share/man/man1/stampede-$verb.1"
	done
	for header in "$source"/include/stampede/*.h; do
		echo "include/stampede/${header##*/}"
	done
	cat <<-'END'
		bin/stampede
		lib/cmake/stampede/stampede-shared-release.cmake
		lib/cmake/stampede/stampede-shared.cmake
		lib/cmake/stampede/stampede-static-release.cmake
		lib/cmake/stampede/stampede-static.cmake
		lib/cmake/stampede/stampedeConfig.cmake
		lib/cmake/stampede/stampedeConfigVersion.cmake
		lib/libstampede.a
		lib/libstampede.so
		lib/libstampede.so.0
		lib/libstampede.so.0.1.0
		lib/pkgconfig/stampede.pc
		lib/systemd/system/stampede-gc@.service
		lib/systemd/system/stampede-gc@.timer
		lib/systemd/system/stampede-sign@.service
		lib/systemd/system/stampede-sign@.timer
		lib/sysusers.d/stampede.conf
		share/bash-completion/completions/stampede
		share/doc/stampede/CHANGELOG.md
		share/doc/stampede/LICENSE
		share/doc/stampede/README.md
		share/doc/stampede/SECURITY.md
		share/fish/vendor_completions.d/stampede.fish
		share/man/man1/stampede.1
		share/man/man3/libstampede.3
		share/man/man5/stampede-ledger.5
		share/man/man5/stampede.json.5
		share/man/man7/stampede-ceremony.7
		share/man/man7/stampede-recovery.7
		share/zsh/vendor-completions/_stampede
	END
}

# differences ROOT: what ROOT/usr lacks of it, or has beyond it, or has empty
differences() {
	(cd "$1/usr" && find . -type f -size +0 -o -type l | sed 's|^\./||' | LC_ALL=C sort) |
		LC_ALL=C comm -3 <(wanted | LC_ALL=C sort) - | sed 's/^\t/beyond: /'
}

# try_differences ROOT: is any of these missed when it is away?
try_differences() {
	local file
	wanted | while read -r file; do
		mv "$1/usr/$file" "$scratch/away"
		[ "$(differences "$1")" = "$file" ] || die "$file could be lost and nobody would say so"
		mv "$scratch/away" "$1/usr/$file"
	done
}

case $what in
prefix)
	install_below
	"$root/bin/stampede" --version
	;;
package)
	for tool in dpkg-deb dpkg-shlibdeps file; do
		command -v $tool >/dev/null || exit 77
	done
	(cd "$scratch" && cpack --config "$build/CPackConfig.cmake" -B "$scratch/package") >"$scratch/log" 2>&1 ||
		die "$(cat "$scratch/log")"
	deb=$(echo "$scratch"/package/stampede_*.deb)
	[ -f "$deb" ] || die 'no package'
	dpkg-deb -x "$deb" "$root"
	found=$(differences "$root")
	[ -z "$found" ] || die "the package lacks, or has beyond what it should: $found"
	try_differences "$root"
	[ -z "$(find "$root" -type f ! -perm 755 -path '*/bin/*' -o -type f ! -perm 644 ! -path '*/bin/*')" ] ||
		die "modes: $(find "$root" -type f -printf '%m %p\n')"
	"$root/usr/bin/stampede" --version
	dpkg-deb -e "$deb" "$scratch/control"
	for script in postinst prerm postrm; do
		sh -n "$scratch/control/$script"
		[ -x "$scratch/control/$script" ] || die "$script cannot be run"
	done
	grep -qx 'activate-noawait ldconfig' "$scratch/control/triggers" || die 'the shared library is not announced to ldconfig'
	grep -q '^Depends:.*libsodium' "$scratch/control/control" || die 'no dependency on libsodium'
	if [ "$(id -u)" -eq 0 ]; then # install and purge into a scratch root
		admin=$scratch/other/var/lib/dpkg
		mkdir -p "$admin"/{info,updates,triggers}
		: >"$admin/status"
		dpkg --admindir="$admin" --instdir="$scratch/other" --force-depends --force-script-chrootless \
			--log="$scratch/dpkg.log" -i "$deb" >"$scratch/log" 2>&1 || die "$(cat "$scratch/log")"
		"$scratch/other/usr/bin/stampede" --version >/dev/null
		# Timers that were enabled, by name and by another unit, and one that is not of this package.
		wants=$scratch/other/etc/systemd/system/timers.target.wants
		mkdir -p "$wants" "$scratch/other/etc/systemd/system/x.target.requires" "$scratch/other/var/lib/systemd/timers"
		ln -s /usr/lib/systemd/system/stampede-sign@.timer "$wants/stampede-sign@my-index.timer"
		ln -s /usr/lib/systemd/system/stampede-gc@.timer "$wants/stampede-gc@my-index.timer"
		ln -s /usr/lib/systemd/system/stampede-gc@.timer "$scratch/other/etc/systemd/system/x.target.requires/stampede-gc@b.timer"
		ln -s /usr/lib/systemd/system/other.timer "$wants/other.timer"
		: >"$scratch/other/var/lib/systemd/timers/stamp-stampede-sign@my-index.timer"
		dpkg --admindir="$admin" --instdir="$scratch/other" --force-script-chrootless \
			--log="$scratch/dpkg.log" --purge stampede >"$scratch/log" 2>&1 || die "$(cat "$scratch/log")"
		rm -r "$admin"
		[ -z "$(find "$scratch/other" -type f)" ] || die "purging leaves files: $(find "$scratch/other" -type f)"
		left=$(find "$scratch/other" -type l)
		[ "$left" = "$wants/other.timer" ] || die "purging leaves, or takes more than it should: $left"
	fi
	;;
completions)
	install_below
	file=$root/share/bash-completion/completions/stampede
	bash -n "$file"
	# shellcheck disable=SC1090
	. "$file"
	complete_at() { # WORDS…: what the last of them completes to
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		COMPREPLY=()
		_stampede
		echo "${COMPREPLY[*]}"
	}
	[ "$(complete_at stampede --ver)" = --version ] || die 'bash: --version'
	while read -r verb; do
		read -ra words <<<"$verb" # one or two
		[ "$(complete_at stampede "${words[@]}")" = "${words[-1]}" ] || die "bash: $verb"
		[ "$(complete_at stampede "${words[@]}" --js)" = --json ] || die "bash: $verb --json"
		grep -q -- "-a ${words[-1]} -d" "$root/share/fish/vendor_completions.d/stampede.fish" || die "fish: $verb"
		grep -q "'${words[-1]}:" "$root/share/zsh/vendor-completions/_stampede" || die "zsh: $verb"
	done < <("$build/tools/completions/stampede-generate" verbs)
	if command -v fish >/dev/null; then
		fish_at() { # LINE: what its last word completes to
			HOME=$scratch fish --no-config -c \
				"source $root/share/fish/vendor_completions.d/stampede.fish; complete -C '$1'" | cut -f 1
		}
		[ "$(fish_at 'stampede ver')" = verify ] || die 'fish: verify'
		[ "$(fish_at 'stampede sign --rep')" = --report ] || die 'fish: sign --report'
		[ "$(fish_at 'stampede sign --io ur')" = uring ] || die 'fish: sign --io uring'
	fi
	if command -v zsh >/dev/null; then
		cat >"$scratch/try.zsh" <<-'END'
			# try.zsh FOLDER LINE WANTED: types LINE and a tab into a shell of its own.
			zmodload zsh/zpty
			zpty shell "TERM=dumb PS1='> ' zsh -f -i"
			zpty -w shell "fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; echo rea''dy"
			while zpty -r shell line && [[ $line != *ready* ]]; do :; done
			zpty -n -w shell "$2"$'\t'
			seen=
			for i in {1..50}; do
				while zpty -r -t shell line; do seen+=$line; done
				[[ $seen == *$3* ]] && exit 0
				sleep 0.1
			done
			print -r -- "$seen"
			exit 1
		END
		zsh_at() { # LINE WANTED
			HOME=$scratch zsh -f "$scratch/try.zsh" "$root/share/zsh/vendor-completions" "$1" "$2" ||
				die "zsh: $2"
		}
		zsh_at 'stampede ver' verify
		zsh_at 'stampede sign --rep' --report
		zsh_at 'stampede sign --io ur' uring
	fi
	;;
manual)
	install_below
	while read -r verb; do
		[ -f "$root/share/man/man1/stampede-$verb.1" ] || die "no manual page for $verb"
	done < <("$build/tools/completions/stampede-generate" pages)
	for page in "$root"/share/man/man1/*.1; do
		if grep -n '@[A-Z]*@' "$page"; then die "$page: not filled in"; fi
		verb=${page##*/stampede-}
		verb=${verb%.1}
		if [ "$page" != "$root/share/man/man1/stampede.1" ]; then
			"$build/tools/completions/stampede-generate" pages | grep -qx "$verb" ||
				die "${page##*/} describes no command"
		fi
	done
	command -v man >/dev/null || exit 0
	for page in "$root"/share/man/man?/*; do
		warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
		[ -z "$warnings" ] || die "$warnings"
	done
	;;
units) # tests/systemd runs them; this finds what a manual or another systemd would complain of
	command -v systemd-analyze >/dev/null || exit 77
	install_below
	mkdir "$scratch/units"
	for unit in sign.service sign.timer gc.service gc.timer; do
		sed "s|^ExecStart=stampede|ExecStart=$root/bin/stampede|" "$root/lib/systemd/system/stampede-${unit%.*}@.${unit#*.}" \
			>"$scratch/units/stampede-${unit%.*}@x.${unit#*.}"
	done
	findings=$(cd "$scratch/units" && systemd-analyze verify --man=no ./stampede-*@x.service ./stampede-*@x.timer 2>&1 |
		grep stampede) || true
	[ -z "$findings" ] || die "$findings"
	;;
*) die "$what: not known" ;;
esac
