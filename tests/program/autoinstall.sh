#!/bin/bash
# dkms autoinstall on kernels of the fixture: which modules it selects, in which order, and what a
# failure affects. Descriptions name the section of the contract (compat) that they test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
C5=5.10.0-1-cloud-amd64

# Adds a module that cannot be built.
add_broken() # NAME VERSION [LINE...]
{
	add "$@"
	echo '#error "no such thing"' >> "$sourcetree/$1-$2/$1.c"
}

# Prints the states of the modules' versions 1.0 on $K.
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
	is "$out$err" "" "compat 7: nothing is printed"
	add one 1.0
	add two 1.9
	add two 1.10
	add yes 1.0 'AUTOINSTALL=YES'
	add no 1.0 'AUTOINSTALL=no'
	add empty 1.0 'AUTOINSTALL='
	module unknown 1.0
	dkms_exits 0 "compat 7: dkms autoinstall -k $K" autoinstall -k $K
	is "$(states one yes)" "installed installed" "compat 7: modules with AUTOINSTALL=yes are installed"
	is "$(states no empty unknown)" "added added absent" "compat 7: no other modules are installed"
	is "$(state two 1.10 $K) $(state two 1.9 $K)" "installed added" "compat 7, 11.10: the newest version is installed"
	is "$err" "" "there are no warnings"
	dkms_exits 0 "compat 7: everything is installed" autoinstall -k $K
	is "$out$err" "" "compat 7: nothing is printed then"
	dkms_exits 0 "compat 7: uninstall one module" uninstall one/1.0 -k $K
	inode=$(stat -c %i "$dkmstree/one/1.0/$K/$arch")
	dkms_exits 0 "compat 7: a built module is installed" autoinstall -k $K
	is "$(states one) $(stat -c %i "$dkmstree/one/1.0/$K/$arch")" "installed $inode" "it is not built again"
	dkms install two/1.9 -k $K --force > /dev/null
	dkms_exits 0 "compat 7: an older version is installed" autoinstall -k $K
	is "$(state two 1.10 $K) $(state two 1.9 $K)" "installed built" "compat 11.12: the newest version replaces it"

	is "$(cd / && kernel "$(uname -r)" && echo made)" made "(make the running kernel)"
	dkms_exits 0 "compat 7: without -k" autoinstall
	is "$(state one 1.0 "$(uname -r)")" installed "the modules are installed for the running kernel"
	dkms_exits 0 "compat 3: autoinstall -q" autoinstall -q -k $K
	is "$out$err" "" "compat 3: -q prints nothing"
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
		is "$(state one 1.0 $k) $(state two 1.0 $k)" "installed installed" "compat 12: both kernels are done in one run: $k"
	done
	is "$(state late 1.0 $K) $(state late 1.0 $C5)" "added installed" "compat 7: an excluded module counts as skipped"
	is "$(state one 1.0 $K7)" added "other kernels are left alone"
	dkms_exits 0 "compat 12: --all" autoinstall --all
	is "$(state one 1.0 $K7) $(state two 1.0 $K7)" "installed installed" "--all is for every kernel with headers"
	ok "--all is not for kernels without headers" test ! -e "$installtree/5.11-none/${dest%%/*}"
	is "$(leftover_processes)" "" "no process is left"
	is "$(find "$dkmstree" -name '.*' ! -name '.installed-*')" "" "no temporary file is left"
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
	is "$(printf '%s\n' "$err" | grep -c 'no kernel headers')" 1 "missing headers are reported once"
	like "$err" "$K7" "the error names the kernel"
	dkms_exits 21 "no headers for one of two kernels" autoinstall -k $K7 -k $K
	is "$(states one two)" "installed installed" "the other kernel is done"
	rm "$installtree/$K/build"
	dkms_exits 0 "compat 11.5: no headers, all is installed" autoinstall -k $K
	is "$out$err" "" "nothing is printed when all is installed"
	dkms uninstall one/1.0 -k $K > /dev/null
	dkms_exits 0 "compat 11.5: installing what is built" autoinstall -k $K
	is "$(states one two)" "installed installed" "compat 11.5: installing needs no headers"
	dkms_exits 0 "(unbuilt)" unbuild one/1.0 -k $K
	dkms_exits 21 "compat 11.5: building needs headers" autoinstall -k $K
	add never 1.0 'BUILD_EXCLUSIVE_KERNEL=^5'
	dkms_exits 0 "(remove the module)" remove one/1.0
	dkms_exits 0 "compat 11.4: an excluded module needs no headers" autoinstall -k $K
}

failures()
{
	machine
	kernel $K
	kernel $K7
	add bad 1.0 'PRE_BUILD="pre.sh"'
	write_script "$sourcetree/bad-1.0/pre.sh" "[ \$kernelver = $K7 ] || { echo not on this one >&2; exit 3; }"
	add good 1.0
	add worse 1.0
	echo '#error "no such thing"' >> "$sourcetree/worse-1.0/worse.c"
	dkms_exits 11 "compat 7: something failed" autoinstall -k $K
	is "$(states bad good worse)" "added installed added" "the other modules are installed"
	like "$err" "bad/1.0.*PRE_BUILD exited 3" "the first failure is reported"
	like "$err" "worse/1.0.*make" "the second failure is reported"
	dkms_exits 11 "compat 7: on one of two kernels" autoinstall -k $K -k $K7
	is "$(state bad 1.0 $K) $(state bad 1.0 $K7)" "added installed" "the other kernel is done after a failure"
	echo 'AUTOINSTALL=perhaps' >> "$sourcetree/worse-1.0/dkms.conf"
	dkms_exits 11 "compat 7: a bad dkms.conf is a failure" autoinstall -k $K
	like "$err" "worse-?/?1.0.*AUTOINSTALL" "the error names AUTOINSTALL"
	is "$(states good)" installed "an installed module stays installed"
}

dependencies()
{
	machine
	kernel $K
	log=$work/order
	rm -f "$log"
	for chain in a:b b:c c:; do
		add ${chain%:*} 1.0 "BUILD_DEPENDS=${chain#*:}" 'POST_INSTALL=post.sh'
		write_script "$sourcetree/${chain%:*}-1.0/post.sh" "echo \$module >> '$log'"
	done
	add z 1.0 'BUILD_DEPENDS=(b "a c")' 'POST_INSTALL=post.sh'
	write_script "$sourcetree/z-1.0/post.sh" "echo \$module >> '$log'"
	dkms_exits 0 "compat 7: BUILD_DEPENDS" autoinstall -k $K -j 4
	is "$(paste -sd' ' "$log")" "c b a z" "compat 7: dependencies are installed first"
	dkms_exits 13 "compat 4: build of a dependent, its dependency not installed" \
		build z/1.0 -k 4.19.0-9-amd64 --kernelsourcedir "$installtree/$K/build"

	machine
	kernel $K
	add_broken bottom 1.0
	add middle 1.0 'BUILD_DEPENDS=bottom'
	add top 1.0 'BUILD_DEPENDS=middle'
	add aside 1.0
	dkms_exits 11 "compat 7: a failed dependency" autoinstall -k $K
	is "$(states bottom middle top aside)" "added added added installed" "compat 7: a failed dependency blocks its dependents, but no others"
	like "$err" "middle/1.0.*bottom" "the error of a blocked module names its dependency"
	like "$err" "top/1.0.*middle" "the error of a module that needs the blocked one names that"

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
		"compat 11.8: modules on the circle and those that need them fail"
	like "$err" "cycle" "the error calls it a cycle"

	machine
	kernel $K
	add odd 1.0 'BUILD_DEPENDS=nowhere'
	add above 1.0 'BUILD_DEPENDS=odd'
	add aside 1.0
	dkms_exits 0 "compat 11.8: an unknown dependency defers a module, and exits 0" autoinstall -k $K
	is "$(states odd above aside)" "added added installed" "compat 7: deferred modules wait, others are installed"
	like "$err" "warning.*odd/1.0.*nowhere" "compat 7: a warning names both"
	like "$err" "warning.*above/1.0.*odd" "compat 7: there is a warning for a module that needs a deferred one"

	machine
	kernel $K
	add lazy 1.0 'AUTOINSTALL='
	add keen 1.0 'BUILD_DEPENDS=lazy'
	dkms_exits 11 "compat 11.8: a dependency with AUTOINSTALL empty" autoinstall -k $K
	is "$(states lazy keen)" "added added" "compat 11.8: its dependent fails"
	dkms install lazy/1.0 -k $K > /dev/null
	dkms_exits 0 "compat 4: the dependency is installed by hand" autoinstall -k $K
	is "$(states lazy keen)" "installed installed" "its dependent is installed then"

	machine
	kernel $K
	add never 1.0 'BUILD_EXCLUSIVE_KERNEL=^5'
	add keen 1.0 'BUILD_DEPENDS=never'
	dkms_exits 0 "compat 7: an excluded dependency" autoinstall -k $K
	is "$(states never keen)" "added installed" "compat 7: an excluded dependency does not block its dependents"

	machine
	kernel $K
	kernel $K7
	add under 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/under-1.0/pre.sh" "[ \$kernelver = $K7 ]"
	add over 1.0 'BUILD_DEPENDS=under'
	dkms_exits 11 "compat 7: a dependency that fails on one of two kernels" autoinstall -k $K -k $K7
	is "$(state over 1.0 $K) $(state over 1.0 $K7)" "added installed" "its dependents fail on that kernel only"
}

groups()
{
	machine
	kernel $K
	add alone 1.0
	dkms_exits 0 "autoinstall of one package" autoinstall -k $K
	is "$(grep -c '^dkms: installed:' <<<"$out")" 0 "there is no summary for one package"
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
		"one/1.0 two/1.0" "compat 7: the summary lists installed modules"
	is "$(sed -n 's/^dkms: skipped: //p' <<<"$out")" "never/1.0, lost/1.0" "compat 7: it lists skipped modules, and broken ones"
	is "$(sed -n 's/^dkms: failed: //p' <<<"$out")" "bad/1.0, worse/1.0" "compat 7: it lists failed modules and their dependents"
	is "$(sed -n 's/^dkms: deferred: //p' <<<"$out" | tr -d , | tr ' ' '\n' | sort | paste -sd' ')" \
		"above/1.0 odd/1.0" "compat 7: it lists deferred modules"
	kernel $K7
	dkms_exits 11 "compat 7: several kernels" autoinstall -k $K -k $K7
	like "$out" "^odd|^dkms: deferred: .*odd/1.0 for $K7" "compat 7: deferred modules are listed with their kernels"
	like "$out" "^bad/1.0 +FAILED +FAILED" "compat 7: the other modules are in a table"
	dkms_exits 11 "compat 3: autoinstall -q" autoinstall -k $K -q
	is "$out" "" "compat 3: -q prints no summary"
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
	is "$(states needs aside)" "added installed" "modules that need the broken one fail"
	like "$err" "lost/1.0" "the error names the broken module"
	dkms_exits 0 "(removed)" remove needs/1.0
	dkms_exits 0 "compat 11.10: only a broken module: autoinstall exits 0" autoinstall -k $K
	like "$err" "lost/1.0" "compat 7: standard error names the broken module"
	is "$out" "" "nothing is printed on standard output"
	add lost 0.9
	dkms_exits 0 "compat 11.10: the newest version is broken" autoinstall -k $K
	is "$(state lost 0.9 $K)" installed "the version before it is installed"
}

# The dkms.conf of an added package is replaced by one with two modules for one file.
twice()
{
	local foreign

	machine
	kernel $K
	add pair 1.0
	write_sources "$sourcetree/pair-1.0" 1.0 a b
	printf '%s\n' 'BUILT_MODULE_NAME=(a b)' 'DEST_MODULE_NAME=(pair pair)' \
		'DEST_MODULE_LOCATION=(/extra /extra)' >> "$sourcetree/pair-1.0/dkms.conf"
	foreign=$installtree/$K/$dest/pair.ko
	kernel_module $K "$dest/pair.ko" 0.1
	cp "$foreign" "$work/foreign.ko"
	dkms_exits 11 "two modules for one file" autoinstall -k $K
	like "$err" 'DEST_MODULE_NAME\[0\] and \[1\] are both "pair"' "the error says so"
	is "$(states pair)" added "it is not built"
	ok "a file that was there is still there" cmp "$work/foreign.ko" "$foreign"
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
	dkms_exits 0 "compat 1: autoinstall with the file no-autoinstall" autoinstall -k $K
	is "$(states one)" added "compat 1: it does nothing"
	is "$out$err" "" "compat 11.5: it prints nothing"
	dkms_exits 0 "compat 1: install ignores no-autoinstall" install one/1.0 -k $K
	is "$(states one)" installed "install installs the module"
	rm "$etc/no-autoinstall"
}

selection
several_kernels
headers
failures
dependencies
groups
broken_ones
twice
switched_off
finish
