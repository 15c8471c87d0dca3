#!/bin/bash
# Debian's dkms and this dkms load each other's tarballs, give them the same names and the same
# content. Needs the packages that tests/fetch-input --peers fetches; without them everything is
# skipped.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

input=${DKMS_INPUT_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/dkms-input}
export HOME=$work # Debian's dkms calls rpm, which makes a database there
K7=4.19.0-7-amd64

# Runs Debian's dkms. By default it looks for headers in /lib/modules, whatever the install tree is.
theirs() # ACTION ARG...
{
	"$peer" "$@" --dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree" --kernelsourcedir "$installtree/$K7/build" > "$work/log" 2>&1 </dev/null && return
	note "$peer $*"$'\n'"$(cat "$work/log")"
	return 1
}

ours() # ACTION ARG...
{
	dkms "$@" > "$work/log" 2>&1 && return
	note "dkms $*"$'\n'"$(cat "$work/log")"
	return 1
}

# Makes a new machine with two kernels and no modules.
fresh()
{
	machine
	kernel $K
	kernel $K7
}

# Prints the names of an archive's entries, with checksums of files.
contents()
{
	local dir=$work/contents

	rm -rf "$dir"
	mkdir "$dir"
	tar -xaf "$1" -C "$dir"
	rm -f "$dir"/dkms_main_tree/*/*/log/inputs # only others pack it
	(cd "$dir" && find . -printf '%P %y ' \( -type f -exec cksum {} \; -o -printf '\n' \)) | sort
}

# Checks that a version is loaded with the modules and the source that were packed.
loaded() # DESCRIPTION STATE
{
	is "$(state hello 1.0 $K)" "$2" "$suite: $1"
	[ "$2" != built ] || ok "$suite: with the same module" \
		cmp "$packed/dkms/hello/1.0/$K/$arch/module/hello.ko" "$dkmstree/hello/1.0/$K/$arch/module/hello.ko"
}

same_status() # DESCRIPTION
{
	is "$(dkms status)" "$("$peer" status --dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree" 2>/dev/null)" "$suite: $1: both print the same status"
}

found=
for suite in bookworm trixie; do
	peer=$input/peers/$suite/dkms
	[ -x "$peer" ] || continue
	found=yes
	made=$work/$suite
	mkdir "$made"

	# Both pack the same tree.
	fresh
	module hello 1.0
	ours build hello/1.0 -k $K -k $K7
	packed=$made/packed
	mkdir "$packed"
	cp -a "$dkmstree" "$packed/dkms"
	cp -a "$sourcetree/hello-1.0" "$packed/src"
	for options in "-k $K" "-k $K -k $K7" --source-only "-k $K --binaries-only"; do
		rm -rf "$dkmstree/hello/1.0/tarball"
		# shellcheck disable=SC2086 # several options
		theirs mktarball hello/1.0 $options
		name=$(ls "$dkmstree/hello/1.0/tarball")
		was=$(contents "$dkmstree/hello/1.0/tarball/$name")
		rm -rf "$dkmstree/hello/1.0/tarball"
		# shellcheck disable=SC2086
		ours mktarball hello/1.0 $options
		is "$(ls "$dkmstree/hello/1.0/tarball")" "$name" "$suite: mktarball $options: the same name"
		# Version 3.0.10 packs only the first of several kernels.
		[ "$suite/$options" = "bookworm/-k $K -k $K7" ] ||
			is "$(contents "$dkmstree/hello/1.0/tarball/$name")" "$was" "$suite: the same contents"
	done

	theirs mktarball hello/1.0 -k $K --archive "$made/theirs.tar.gz"
	theirs mktarball hello/1.0 -k $K --archive "$made/theirs.tar.xz"
	theirs mktarball hello/1.0 -k $K -k $K7 --archive "$made/theirs-both.tgz"
	theirs mktarball hello/1.0 -k $K --binaries-only --archive "$made/theirs-binaries.tar.bz2"
	theirs mktarball hello/1.0 --source-only --archive "$made/theirs-source.tar"
	ours mktarball hello/1.0 -k $K --archive "$made/ours.tar.gz"
	ours mktarball hello/1.0 -k $K --archive "$made/ours.tar.xz"
	ours mktarball hello/1.0 -k $K --archive "$made/ours.tar.zst"
	ours mktarball hello/1.0 -k $K --binaries-only --archive "$made/ours-binaries.tar.bz2"
	ours mktarball hello/1.0 --source-only --archive "$made/ours-source.tar"

	for archive in theirs.tar.gz theirs.tar.xz; do
		fresh
		ours ldtarball "$made/$archive"
		loaded "our ldtarball of $archive" built
		ok "$suite: with the same source" diff -r "$sourcetree/hello-1.0" "$packed/src"
		same_status "$archive, loaded by us"
		ok "$suite: Debian's dkms can install it" theirs install hello/1.0 -k $K --no-depmod
		is "$(state hello 1.0 $K)" installed "$suite: the version is installed"
	done
	fresh
	module hello 1.0
	ours ldtarball "$made/theirs-binaries.tar.bz2"
	loaded "our ldtarball of their binaries" built
	same_status "their binaries"
	if [ "$suite" != bookworm ]; then
		fresh
		ours ldtarball "$made/theirs-both.tgz"
		is "$(state hello 1.0 $K) $(state hello 1.0 $K7)" "built built" "$suite: two kernels"
		same_status "two kernels"
	fi
	fresh
	ours ldtarball "$made/theirs-source.tar"
	loaded "our ldtarball of their source" added
	same_status "their source"

	for archive in ours.tar.gz ours.tar.xz ours.tar.zst; do
		fresh
		theirs ldtarball "$made/$archive"
		loaded "their ldtarball of $archive" built
		same_status "$archive, loaded by them"
		ok "$suite: this dkms can install it" ours install hello/1.0 -k $K
		ok "$suite: this dkms can build it for another kernel" ours build hello/1.0 -k $K7
	done
	fresh
	module hello 1.0
	theirs ldtarball "$made/ours-binaries.tar.bz2"
	loaded "their ldtarball of our binaries" built
	same_status "our binaries"
	fresh
	theirs ldtarball "$made/ours-source.tar"
	loaded "their ldtarball of our source" added
	same_status "our source"
	fresh
	ours ldtarball "$made/ours-binaries.tar.bz2"
	same_status "binaries without a source, loaded by us"
	ok "$suite: Debian's dkms can install binaries without a source" theirs install hello/1.0 -k $K --no-depmod
	ok "$suite: Debian's dkms can remove them" theirs remove hello/1.0 --all
	is "$(ls "$dkmstree")" "" "$suite: no file is left"
done

[ -n "$found" ] || skip_all "no other dkms in $input (tests/fetch-input --peers)"
finish
