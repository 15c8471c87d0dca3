#!/bin/bash
# What autoinstall does where modules are older than what they were built from: the source, the
# kernel's headers, the compiler, or the administrator's files. And how status says so.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Prints the inodes of what is built: NAME@KERNEL. A new build has another one.
built() # NAME@KERNEL...
{
	local on

	for on; do
		stat -c %i "$dkmstree/${on%@*}/1.0/${on#*@}/$arch"
	done | paste -sd' '
}

# Checks what autoinstall builds again, and that it does not do so twice.
rebuilds() # DESCRIPTION WHY NAME@KERNEL...
{
	local what=$1 why=$2 on i pipe changed=
	local -a all=("one@$K" "one@$K7" "two@$K" "two@$K7") old new

	shift 2
	run_dkms status
	pipe=$out
	read -ra old <<<"$(built "${all[@]}")"
	dkms_exits 0 "status --verbose after $what" status --verbose
	is "$(grep -c "installed (stale: $why)\$" <<<"$out" || true)" $# "says what is stale"
	is "${out// (stale: $why)/}" "$pipe" "without --verbose it says nothing of that"
	dkms_exits 0 "--explain --dry-run" autoinstall -k $K -k $K7 --explain --dry-run
	is "$(grep -c "^[a-z]*/1.0 for .*build, install (stale: $why" <<<"$out" || true)" $# "says what it would do, and why"
	dkms_exits 0 "autoinstall after $what" autoinstall -k $K -k $K7
	is "$(grep -c "^dkms: .* is stale: $why\$" <<<"$out" || true)" $# "says why"
	read -ra new <<<"$(built "${all[@]}")"
	for i in "${!all[@]}"; do
		[ "${old[i]}" = "${new[i]}" ] || changed+=${changed:+ }${all[i]}
	done
	for on; do
		is "$(state "${on%@*}" 1.0 "${on#*@}")" installed "$on is installed"
	done
	is "$changed" "$*" "builds that again, and nothing else"
	dkms_exits 0 "autoinstall" autoinstall -k $K -k $K7
	is "$out$err" "" "once"
}

# A machine with two packages on two kernels, and a compiler in a file of its own.
installed_machine()
{
	machine
	kernel $K
	kernel $K7
	write_script "$work/bin/gcc" 'exit 1'
	add one 1.0
	add two 1.0
	dkms autoinstall -k $K -k $K7 > /dev/null 2>&1
}

source_of_one="its source has changed"
headers="the kernel's headers have changed"

changes()
{
	local source file

	installed_machine
	source=$sourcetree/one-1.0
	dkms_exits 0 "autoinstall" autoinstall -k $K -k $K7
	is "$out$err" "" "nothing is stale"
	rebuilds "nothing" "" # no name: nothing is built
	sed -i s/1.0/1.1/ "$source/one.c"
	touch -d @1000000000 "$source/one.c"
	rebuilds "an edit of a source file" "$source_of_one" one@$K one@$K7
	is "$(module_field version "$installtree/$K/$dest/one.ko")" 1.1 "what is installed is of the new source"
	mkdir -p "$source/sub/dir"
	echo > "$source/sub/dir/new.h"
	rebuilds "a new file in the source" "$source_of_one" one@$K one@$K7
	mv "$source/sub/dir/new.h" "$source/sub/dir/old.h"
	rebuilds "another name of a file" "$source_of_one" one@$K one@$K7
	rm "$source/sub/dir/old.h"
	rebuilds "a file less" "$source_of_one" one@$K one@$K7
	ln -s one.c "$source/link.c"
	rebuilds "a link" "$source_of_one" one@$K one@$K7
	ln -sf two.c "$source/link.c"
	rebuilds "another target of the link" "$source_of_one" one@$K one@$K7
	touch -h -d @1000000000 "$source/link.c"
	mkdir "$source/.git" "$source/empty"
	echo > "$source/.git/index"
	rebuilds "another time of a link, .git and an empty directory" ""

	for file in Module.symvers include/generated/utsrelease.h include/config/auto.conf .config; do
		touch -d @1000000000 "$machine/usr/src/linux-headers-$K7/$file"
		rebuilds "another package of headers, with $file" "$headers" one@$K7 two@$K7
	done
	touch "$machine/usr/src/linux-headers-$K" "$machine/usr/src/linux-headers-$K/.cache.mk"
	rebuilds "files that builds leave in headers" ""

	echo '# upgraded' >> "$work/bin/gcc"
	rebuilds "an upgrade of the compiler" "the compiler has changed" one@$K one@$K7 two@$K two@$K7
	rm "$work/bin/gcc"
	rebuilds "the compiler was removed" ""
}

overrides()
{
	private_etc || return 0
	installed_machine
	local changed="the package's files in /etc/dkms have changed"

	echo '# a comment' > "$etc/one.conf"
	rebuilds "a new override" "$changed" one@$K one@$K7
	echo '# for a kernel' > "$etc/one-1.0-$K7.conf"
	rebuilds "an override for one kernel" "$changed" one@$K7
	mkdir -p "$etc/two/patches"
	echo > "$etc/two/patches/a.patch"
	rebuilds "a patch" "$changed" two@$K two@$K7
	rm "$etc/one.conf"
	rebuilds "an override less" "$changed" one@$K one@$K7
	echo > "$etc/one-more.conf"
	rebuilds "an override of another package" ""
	echo rebuild_stale=no > "$etc/framework.conf"
	echo >> "$sourcetree/one-1.0/one.c"
	dkms_exits 0 "rebuild_stale=no" autoinstall -k $K -k $K7
	is "$out$err" "" "nothing is built again"
	echo 'verbose=yes' >> "$etc/framework.conf"
	dkms_exits 0 "verbose=yes in framework.conf" status
	is "$(grep -c stale <<<"$out")" 0 "does not change status"
	dkms_exits 0 "status --json" status --json
	is "$(jq -r '.modules[] | select(.name == "one") | .stale' <<<"$out" | uniq)" "$source_of_one" "says what is stale"
	is "$(jq -r '.modules[] | select(.name == "two") | .stale' <<<"$out" | uniq)" null "and what is not"
	is "$(jq -r '.modules[0].modules_gone' <<<"$out")" false "no file is gone"
	rm "$installtree/$K/$dest/one.ko"
	dkms_exits 0 "status --json after a file was removed" status --json
	is "$(jq -r '.modules[0].modules_gone' <<<"$out")" true "says so"
	dkms_exits 0 "status --verbose" status one/1.0 -k $K --verbose
	is "$out" "one/1.0, $K, $arch: installed (files are gone from the kernel's directory) (stale: $source_of_one)" "says both"
	dkms_exits 0 "status" status one/1.0 -k $K
	is "$out" "one/1.0, $K, $arch: installed (Differences between built and installed modules)" "in a pipe it has the words that scripts know"
	rm "$etc/framework.conf"
	dkms_exits 0 "kernel_postinst" kernel_postinst -k $K
	is "$(state one 1.0 $K)" installed "builds and installs what is both"
}

# What counts as not stale, because a new build would not be the same kind of build, or for a reason
# that is no change.
exceptions()
{
	local source

	installed_machine
	source=$sourcetree/one-1.0
	find "$sourcetree" "$machine/usr/src" -exec touch -h -d @1 {} +
	rebuilds "an image builder set all times to 1" ""
	rm "$dkmstree/one/1.0/$K/$arch/log/inputs"
	echo >> "$source/one.c"
	rebuilds "a build of which nothing is known" "$source_of_one" one@$K7
	dkms install one/1.0 -k $K --force --directive STRIP=no > /dev/null
	echo >> "$source/one.c"
	rebuilds "a build with --directive" "$source_of_one" one@$K7
	rm -r "$machine/usr/src/linux-headers-$K7/include"
	echo >> "$source/one.c"
	dkms_exits 0 "headers that are gone" autoinstall -k $K7
	is "$out$err" "" "are no reason to build"
	mv "$source" "$source.away"
	dkms_exits 0 "a source that is gone" autoinstall -k $K
	mv "$source.away" "$source"
	is "$(state one 1.0 $K)" installed "leaves the modules alone"
	dkms build one/1.0 -k $K --force --kernelsourcedir "$machine/usr/src/linux-headers-$K" > /dev/null
	ok "a build with --kernelsourcedir has no inputs" test ! -e "$dkmstree/one/1.0/$K/$arch/log/inputs"
	SOURCE_DATE_EPOCH=1000000000 dkms build one/1.0 -k $K --force > /dev/null
	ok "one with SOURCE_DATE_EPOCH neither" test ! -e "$dkmstree/one/1.0/$K/$arch/log/inputs"
	dkms build one/1.0 -k $K --force > /dev/null
	ok "any other one has" test -e "$dkmstree/one/1.0/$K/$arch/log/inputs"
	mkdir "$source/log"
	echo > "$source/log/inputs"
	dkms mktarball one/1.0 -k $K --archive "$work/one.tar" > /dev/null
	is "$(tar -tf "$work/one.tar" | grep log/inputs)" ./dkms_source_tree/log/inputs "archives have no inputs"
	mkdir "$work/packed"
	tar -xf "$work/one.tar" -C "$work/packed"
	echo old > "$work/packed/dkms_main_tree/$K/$arch/log/inputs" # as others pack it
	tar -cf "$work/one.tar" -C "$work/packed" .
	dkms remove one/1.0 --all > /dev/null
	dkms_exits 0 "an archive with inputs" ldtarball "$work/one.tar"
	is "$(ls "$dkmstree/one/1.0/$K/$arch/log")" "make.log
provenance.json" "is loaded without"
	for content in '' x 'headers 1 2' "$(tr a-f g < "$dkmstree/two/1.0/$K/$arch/log/inputs")"; do
		printf '%s' "$content" > "$dkmstree/two/1.0/$K/$arch/log/inputs"
		dkms_exits 0 "a damaged file" autoinstall -k $K
		is "$(grep -c two <<<"$out$err")" 0 "says nothing"
	done
}

# Scripts that write to the source of their package.
scripts()
{
	machine
	kernel $K
	kernel $K7
	add one 1.0 PRE_INSTALL=note POST_INSTALL=note POST_REMOVE=note
	# shellcheck disable=SC2016 # the script expands it
	write_script "$sourcetree/one-1.0/note" 'echo "$kernelver" >> installed'
	for kernel in $K $K7; do
		dkms_exits 0 "autoinstall on $kernel" autoinstall -k "$kernel"
	done
	dkms_exits 0 "autoinstall" autoinstall -k $K -k $K7
	is "$out$err" "" "what a script writes makes nothing stale"
	dkms uninstall one/1.0 -k $K7 > /dev/null
	dkms_exits 0 "after POST_REMOVE" autoinstall -k $K
	is "$out$err" "" "nothing is stale"
	echo >> "$sourcetree/one-1.0/one.c"
	dkms uninstall one/1.0 -k $K > /dev/null
	dkms_exits 0 "after an edit and POST_REMOVE" autoinstall -k $K
	like "$out" "one/1.0 for $K is stale" "what was edited is"
}

failures()
{
	local file

	installed_machine
	file=$installtree/$K/$dest/one.ko
	cksum < "$file" > "$work/sum"
	echo '#error no' >> "$sourcetree/one-1.0/one.c"
	dkms_exits 11 "an edit that does not compile" autoinstall -k $K
	is "$(state one 1.0 $K)" installed "the modules stay installed"
	is "$(cksum < "$file")" "$(cat "$work/sum")" "as they were"
	sed -i /#error/d "$sourcetree/one-1.0/one.c"
	echo 'BUILD_EXCLUSIVE_KERNEL="^5"' >> "$sourcetree/one-1.0/dkms.conf"
	dkms_exits 0 "an edit that excludes the kernel" autoinstall -k $K
	is "$(state one 1.0 $K)" installed "they stay installed, too"
	sed -i /EXCLUSIVE/d "$sourcetree/one-1.0/dkms.conf"
	echo AUTOINSTALL=no >> "$sourcetree/one-1.0/dkms.conf"
	dkms_exits 0 "a package without AUTOINSTALL" autoinstall -k $K
	is "$out" "" "is left alone"

	# Built only, and an older version in the place of one that excludes the kernel.
	machine
	kernel $K
	add one 1.0
	dkms build one/1.0 -k $K > /dev/null
	sed -i s/1.0/1.1/ "$sourcetree/one-1.0/one.c"
	echo >> "$sourcetree/one-1.0/one.c"
	add one 2.0 'BUILD_EXCLUSIVE_KERNEL="^5"'
	dkms_exits 0 "a stale older version that is built" autoinstall -k $K
	like "$out" "one/1.0 for $K is stale: $source_of_one" "is built again"
	is "$(module_field version "$installtree/$K/$dest/one.ko")" 1.1 "and installed"
	dkms_exits 0 "autoinstall" autoinstall -k $K
	is "$out$err" "" "nothing is left to do"
	echo >> "$sourcetree/one-1.0/one.c"
	dkms_exits 0 "a stale older version that is installed" autoinstall -k $K
	like "$out" "one/1.0 for $K is stale" "is built again"
	rm "$installtree/$K/$dest/one.ko"
	dkms_exits 0 "an older version whose file is gone" autoinstall -k $K
	ok "is put back" test -e "$installtree/$K/$dest/one.ko"
}

changes
overrides
exceptions
scripts
failures
finish
