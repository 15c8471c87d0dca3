#!/bin/bash
# autoinstall, on kernels of the fixture: what it takes, in which order, what a failure costs.
# Names say which part of the contract they hold to.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
C5=5.10.0-1-cloud-amd64

add() # NAME VERSION [LINE...]
{
	module "$@"
	dkms add "$1/$2" > /dev/null
}

# A module that cannot be built.
add_broken() # NAME VERSION [LINE...]
{
	add "$@"
	echo '#error "no such thing"' >> "$sourcetree/$1-$2/$1.c"
}

# The states of the modules 1.0 on $K, a word each.
states() # NAME...
{
	local name

	for name in "$@"; do
		state "$name" 1.0 $K
	done | paste -sd' '
}

selection()
{
	machine
	kernel $K
	dkms_exits 0 "compat 7: no modules at all" autoinstall -k $K
	is "$out$err" "" "compat 7: silence"
	add one 1.0
	add two 1.9
	add two 1.10
	add yes 1.0 'AUTOINSTALL=YES'
	add no 1.0 'AUTOINSTALL=no'
	add empty 1.0 'AUTOINSTALL='
	module unknown 1.0
	dkms_exits 0 "compat 7: dkms autoinstall -k $K" autoinstall -k $K
	is "$(states one yes)" "installed installed" "compat 7: installs what says AUTOINSTALL=yes"
	is "$(states no empty unknown)" "added added absent" "compat 7: and nothing else"
	is "$(state two 1.10 $K) $(state two 1.9 $K)" "installed added" "compat 7, 11.10: the newest version"
	is "$err" "" "nothing is wrong"
	dkms_exits 0 "compat 7: everything is installed" autoinstall -k $K
	is "$out$err" "" "compat 7: silence and 0"
	dkms_exits 0 "compat 7: what is built is installed" uninstall one/1.0 -k $K
	inode=$(stat -c %i "$dkmstree/one/1.0/$K/$arch")
	dkms_exits 0 "compat 7: what is built is installed" autoinstall -k $K
	is "$(states one) $(stat -c %i "$dkmstree/one/1.0/$K/$arch")" "installed $inode" "and not built again"
	dkms install two/1.9 -k $K --force > /dev/null
	dkms_exits 0 "compat 7: an older version is installed" autoinstall -k $K
	is "$(state two 1.10 $K) $(state two 1.9 $K)" "installed built" "compat 11.12: the newest takes its place"

	is "$(cd / && kernel "$(uname -r)" && echo made)" made "(the running kernel)"
	dkms_exits 0 "compat 7: without -k" autoinstall
	is "$(state one 1.0 "$(uname -r)")" installed "it is the running kernel's"
	dkms_exits 0 "compat 3: autoinstall -q" autoinstall -q -k $K
	is "$out$err" "" "says nothing"
	dkms_exits 2 "compat 3: --all with -k" autoinstall --all -k $K
}

several_kernels()
{
	machine
	kernel $K
	kernel $K7
	kernel $C5
	mkdir -p "$installtree/5.11-none/kernel"
	add one 1.0
	add two 1.0
	add late 1.0 'BUILD_EXCLUSIVE_KERNEL_MIN=5.10'
	dkms_exits 0 "compat 12: several -k" autoinstall -k $K -k $C5 -j 2
	for k in $K $C5; do
		is "$(state one 1.0 $k) $(state two 1.0 $k)" "installed installed" "are done in one run: $k"
	done
	is "$(state late 1.0 $K) $(state late 1.0 $C5)" "added installed" "compat 7: 77 counts as skipped"
	is "$(state one 1.0 $K7)" added "another kernel is left alone"
	dkms_exits 0 "compat 12: --all" autoinstall --all
	is "$(state one 1.0 $K7) $(state two 1.0 $K7)" "installed installed" "is every kernel with headers"
	ok "and no other" test ! -e "$installtree/5.11-none/${dest%%/*}"
	is "$(others)" "" "nothing is left running"
	is "$(find "$dkmstree" -name '.*')" "" "nothing is left lying about"
}

headers()
{
	machine
	kernel $K
	mkdir -p "$installtree/$K7/kernel"
	dkms_exits 0 "compat 11.5: no headers and no modules" autoinstall -k $K7
	add one 1.0
	add two 1.0
	dkms_exits 21 "compat 11.5: no headers while there is work" autoinstall -k $K7
	is "$(printf '%s\n' "$err" | grep -c 'no kernel headers')" 1 "is said once"
	like "$err" "$K7" "and names the kernel"
	dkms_exits 21 "no headers for one of two kernels" autoinstall -k $K7 -k $K
	is "$(states one two)" "installed installed" "the other is served"
	rm "$installtree/$K/build"
	dkms_exits 0 "compat 11.5: no headers, all is installed" autoinstall -k $K
	is "$out$err" "" "silence"
	dkms uninstall one/1.0 -k $K > /dev/null
	dkms_exits 0 "compat 11.5: installing what is built" autoinstall -k $K
	is "$(states one two)" "installed installed" "compat 11.5: needs no headers"
	dkms_exits 0 "(unbuilt)" unbuild one/1.0 -k $K
	dkms_exits 21 "compat 11.5: building does" autoinstall -k $K
	add never 1.0 'BUILD_EXCLUSIVE_KERNEL=^5'
	dkms_exits 0 "(gone)" remove one/1.0
	dkms_exits 0 "compat 11.4: what is excluded needs none" autoinstall -k $K
}

failures()
{
	machine
	kernel $K
	kernel $K7
	add bad 1.0 'PRE_BUILD="pre.sh"'
	script "$sourcetree/bad-1.0/pre.sh" "[ \$kernelver = $K7 ] || { echo not on this one >&2; exit 3; }"
	add good 1.0
	add worse 1.0
	echo '#error "no such thing"' >> "$sourcetree/worse-1.0/worse.c"
	dkms_exits 11 "compat 7: something failed" autoinstall -k $K
	is "$(states bad good worse)" "added installed added" "the rest is installed"
	like "$err" "bad/1.0.*PRE_BUILD exited 3" "each failure is told"
	like "$err" "worse/1.0.*make" "also the other"
	dkms_exits 11 "compat 7: on one of two kernels" autoinstall -k $K -k $K7
	is "$(state bad 1.0 $K) $(state bad 1.0 $K7)" "added installed" "the other is served"
	echo 'AUTOINSTALL=perhaps' >> "$sourcetree/worse-1.0/dkms.conf"
	dkms_exits 11 "compat 7: a bad conf is a failure" autoinstall -k $K
	like "$err" "worse-?/?1.0.*AUTOINSTALL" "it is named"
	is "$(states good)" installed "what is installed stays"
}

dependencies()
{
	machine
	kernel $K
	log=$work/order
	rm -f "$log"
	for chain in a:b b:c c:; do
		add ${chain%:*} 1.0 "BUILD_DEPENDS=${chain#*:}" 'POST_INSTALL=post.sh'
		script "$sourcetree/${chain%:*}-1.0/post.sh" "echo \$module >> '$log'"
	done
	add z 1.0 'BUILD_DEPENDS=(b "a c")' 'POST_INSTALL=post.sh'
	script "$sourcetree/z-1.0/post.sh" "echo \$module >> '$log'"
	dkms_exits 0 "compat 7: BUILD_DEPENDS" autoinstall -k $K -j 4
	is "$(paste -sd' ' "$log")" "c b a z" "compat 7: are installed first"
	dkms_exits 13 "compat 4: build of a dependent, its dependency not installed" \
		build z/1.0 -k 4.19.0-9-amd64 --kernelsourcedir "$installtree/$K/build"

	machine
	kernel $K
	add_broken bottom 1.0
	add middle 1.0 'BUILD_DEPENDS=bottom'
	add top 1.0 'BUILD_DEPENDS=middle'
	add aside 1.0
	dkms_exits 11 "compat 7: a failed dependency" autoinstall -k $K
	is "$(states bottom middle top aside)" "added added added installed" "compat 7: fails its dependents, no others"
	like "$err" "middle/1.0.*bottom" "the one that failed is named"
	like "$err" "top/1.0.*middle" "for each"

	machine
	kernel $K
	add ring1 1.0 'BUILD_DEPENDS=ring2'
	add ring2 1.0 'BUILD_DEPENDS=ring3'
	add ring3 1.0 'BUILD_DEPENDS=ring1'
	add hanger 1.0 'BUILD_DEPENDS=ring1'
	add self 1.0 'BUILD_DEPENDS=self'
	add aside 1.0
	dkms_exits 11 "compat 11.8: a circle of dependencies" autoinstall -k $K
	is "$(states ring1 ring2 ring3 hanger self aside)" "added added added added added installed" \
		"compat 11.8: fails those on it and those that need them"
	like "$err" "cycle" "is called so"

	machine
	kernel $K
	add odd 1.0 'BUILD_DEPENDS=nowhere'
	add above 1.0 'BUILD_DEPENDS=odd'
	add aside 1.0
	dkms_exits 0 "compat 11.8: an unknown dependency defers, 0" autoinstall -k $K
	is "$(states odd above aside)" "added added installed" "compat 7: those that need it wait, others do not"
	like "$err" "warning.*odd/1.0.*nowhere" "compat 7: a warning names both"
	like "$err" "warning.*above/1.0.*odd" "compat 7: also for what needs a deferred one"

	machine
	kernel $K
	add lazy 1.0 'AUTOINSTALL='
	add keen 1.0 'BUILD_DEPENDS=lazy'
	dkms_exits 11 "compat 11.8: a dependency with AUTOINSTALL empty" autoinstall -k $K
	is "$(states lazy keen)" "added added" "compat 11.8: fails"
	dkms install lazy/1.0 -k $K > /dev/null
	dkms_exits 0 "compat 4: which is installed by hand" autoinstall -k $K
	is "$(states lazy keen)" "installed installed" "does not"

	machine
	kernel $K
	add never 1.0 'BUILD_EXCLUSIVE_KERNEL=^5'
	add keen 1.0 'BUILD_DEPENDS=never'
	dkms_exits 0 "compat 7: an excluded dependency" autoinstall -k $K
	is "$(states never keen)" "added installed" "compat 7: satisfies those who depend on it"

	machine
	kernel $K
	kernel $K7
	add under 1.0 'PRE_BUILD=pre.sh'
	script "$sourcetree/under-1.0/pre.sh" "[ \$kernelver = $K7 ]"
	add over 1.0 'BUILD_DEPENDS=under'
	dkms_exits 11 "compat 7: a dependency that fails on one of two kernels" autoinstall -k $K -k $K7
	is "$(state over 1.0 $K) $(state over 1.0 $K7)" "added installed" "fails its dependents there only"
}

groups()
{
	machine
	kernel $K
	add alone 1.0
	dkms_exits 0 "one package" autoinstall -k $K
	is "$(grep -c '^dkms: installed:' <<<"$out")" 0 "is not summed up, its line says all"
	add one 1.0
	add two 1.0
	add never 1.0 'BUILD_EXCLUSIVE_KERNEL=^5'
	add lost 1.0
	rm -r "$sourcetree/lost-1.0"
	add_broken bad 1.0
	add worse 1.0 'BUILD_DEPENDS=bad'
	add odd 1.0 'BUILD_DEPENDS=nowhere'
	add above 1.0 'BUILD_DEPENDS=odd'
	dkms_exits 11 "compat 7: all groups" autoinstall -k $K
	is "$(sed -n 's/^dkms: installed: //p' <<<"$out" | tr -d , | tr ' ' '\n' | sort | paste -sd' ')" \
		"one/1.0 two/1.0" "compat 7: installed, by name"
	is "$(sed -n 's/^dkms: skipped: //p' <<<"$out")" "never/1.0, lost/1.0" "compat 7: skipped, also a broken one"
	is "$(sed -n 's/^dkms: failed: //p' <<<"$out")" "bad/1.0, worse/1.0" "compat 7: failed, and its dependents"
	is "$(sed -n 's/^dkms: deferred: //p' <<<"$out" | tr -d , | tr ' ' '\n' | sort | paste -sd' ')" \
		"above/1.0 odd/1.0" "compat 7: deferred, by name"
	kernel $K7
	dkms_exits 11 "compat 7: several kernels" autoinstall -k $K -k $K7
	like "$out" "^odd|^dkms: deferred: .*odd/1.0 for $K7" "compat 7: deferred with their kernels"
	like "$out" "^bad/1.0 +FAILED +FAILED" "compat 7: the others in the matrix"
	dkms_exits 11 "compat 3: with -q" autoinstall -k $K -q
	is "$out" "" "there is no summary"
}

broken_ones()
{
	machine
	kernel $K
	add lost 1.0
	add needs 1.0 'BUILD_DEPENDS=lost'
	add aside 1.0
	rm -r "$sourcetree/lost-1.0"
	dkms_exits 11 "compat 11.8: a dependency that is broken" autoinstall -k $K
	is "$(states needs aside)" "added installed" "fails those that need it"
	like "$err" "lost/1.0" "it is named"
	dkms_exits 0 "(removed)" remove needs/1.0
	dkms_exits 0 "compat 11.10: a broken one alone leaves 0" autoinstall -k $K
	like "$err" "lost/1.0" "compat 7: it is said"
	is "$out" "" "on stderr only"
	add lost 0.9
	dkms_exits 0 "compat 11.10: of its versions the newest counts" autoinstall -k $K
	is "$(state lost 0.9 $K)" added "the older one is no substitute"
}

switched_off()
{
	if ! private_etc; then
		skip "needs a mount namespace" "compat 1: no-autoinstall"
		return
	fi
	machine
	kernel $K
	add one 1.0
	touch "$etc/no-autoinstall"
	dkms_exits 0 "compat 1: no-autoinstall" autoinstall -k $K
	is "$(states one)" added "compat 1: does nothing"
	is "$out$err" "" "compat 11.5: and is silent"
	dkms_exits 0 "compat 1: it concerns autoinstall only" install one/1.0 -k $K
	is "$(states one)" installed "a person may install"
	rm "$etc/no-autoinstall"
}

selection
several_kernels
headers
failures
dependencies
groups
broken_ones
switched_off
finish
