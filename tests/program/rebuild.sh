#!/bin/bash
# BUILD_DEPENDS_REBUILD on kernels of the fixture. Descriptions name the section of the contract
# (compat) that they test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

inode() # NAME VERSION [RELEASE]
{
	stat -c %i "$dkmstree/$1/$2/${3:-$K}/$arch"
}

dep() # NAME VERSION DEPENDENCY
{
	cat "$dkmstree/$1/$2/$K/$arch/.dep_$3" 2>/dev/null || echo none
}

# Makes base 1.0 and 2.0, above, which names base with BUILD_DEPENDS_REBUILD, plain, which names it
# without, and top, which names base and above.
populate()
{
	machine
	kernel $K
	add base 1.0
	add base 2.0
	add above 1.0 BUILD_DEPENDS=base BUILD_DEPENDS_REBUILD=yes
	add plain 1.0 BUILD_DEPENDS=base
	add top 1.0 'BUILD_DEPENDS=(above base)' BUILD_DEPENDS_REBUILD=Yes
	dkms install base/1.0 -k $K > /dev/null
	for m in above plain top; do
		dkms install $m/1.0 -k $K > /dev/null
	done
}

rebuilds()
{
	local above plain top

	populate
	is "$(dep above 1.0 base) $(dep top 1.0 above) $(dep top 1.0 base)" "1.0 1.0 1.0" \
		"compat 1: .dep_DEP has the version of the dependency"
	is "$(dep plain 1.0 base)" none "compat 1: .dep_DEP is written only with BUILD_DEPENDS_REBUILD"
	above=$(inode above 1.0) plain=$(inode plain 1.0) top=$(inode top 1.0)
	echo above > "$work/order"
	for m in above top; do
		echo 'POST_BUILD=order.sh' >> "$sourcetree/$m-1.0/dkms.conf"
		write_script "$sourcetree/$m-1.0/order.sh" "echo $m"
	done
	write_script "$work/bin/depmod" "echo \"\$*\" >> '$work/depmods'"
	dkms_exits 0 "compat 6: installing a new version of a dependency" install base/2.0 -k $K
	is "$(state above 1.0 $K) $(state top 1.0 $K)" "installed installed" "its dependents are installed"
	ok "compat 6: its dependents are rebuilt" test "$(inode above 1.0)" != "$above" -a "$(inode top 1.0)" != "$top"
	is "$(inode plain 1.0)" "$plain" "compat 6: modules without BUILD_DEPENDS_REBUILD are not rebuilt"
	is "$(dep above 1.0 base) $(dep top 1.0 base)" "2.0 2.0" "compat 1: the new version is recorded"
	like "$out" "above/1.0 for $K: installed, built.*|top" "the rebuilds are printed"
	is "$(grep -oE '(base|above|top)/[0-9.]+ for' <<<"$out" | paste -sd' ')" \
		"base/2.0 for above/1.0 for top/1.0 for" "they are built in the order of BUILD_DEPENDS"
	is "$(wc -l < "$work/depmods")" 1 "depmod runs once for all of them"
	rm "$work/bin/depmod" "$work/depmods"

	above=$(inode above 1.0)
	dkms_exits 0 "install the same version again" install base/2.0 -k $K
	dkms uninstall base/2.0 -k $K > /dev/null
	dkms_exits 0 "install after an uninstall" install base/2.0 -k $K
	is "$(inode above 1.0)" "$above" "no dependent is rebuilt for either"
	add aside 1.0
	dkms_exits 0 "install another module" install aside/1.0 -k $K
	is "$(inode above 1.0)" "$above" "it does not rebuild"
	dkms_exits 0 "compat 11.9: install an older version" install base/1.0 -k $K --force-version-override
	ok "compat 11.9: it rebuilds as well" test "$(inode above 1.0)" != "$above"
	is "$(dep above 1.0 base)" 1.0 "compat 11.9: the older version is recorded"
}

forced()
{
	local above

	populate
	above=$(inode above 1.0)
	dkms_exits 0 "compat 11.9: a forced install of the dependency" install base/2.0 -k $K --force
	is "$(inode above 1.0)" "$above" "it does not rebuild"
	dkms_exits 0 "compat 11.9: a forced build" build above/1.0 -k $K --force
	is "$(dep above 1.0 base)" none "compat 11.9: no .dep_DEP is written"
	above=$(inode above 1.0)
	add aside 1.0
	dkms_exits 0 "the next install" install aside/1.0 -k $K
	ok "modules without .dep_DEP are rebuilt" test "$(inode above 1.0)" != "$above"
	is "$(dep above 1.0 base)" 2.0 "the version is recorded"
}

others()
{
	populate
	kernel $K7
	dkms install base/1.0 -k $K7 > /dev/null
	dkms build above/1.0 -k $K7 > /dev/null
	above=$(inode above 1.0) above7=$(inode above 1.0 $K7)
	dkms_exits 0 "install on another kernel" install base/2.0 -k $K7
	is "$(inode above 1.0)" "$above" "modules of the first kernel are not rebuilt"
	ok "a module that is only built is rebuilt" test "$(inode above 1.0 $K7)" != "$above7"
	is "$(state above 1.0 $K7)" built "it is not installed"

	populate
	dkms_exits 0 "compat 6: autoinstall of a new version" autoinstall -k $K
	is "$(state base 2.0 $K) $(dep above 1.0 base)" "installed 2.0" "compat 6: it rebuilds as well"

	populate
	above=$(inode above 1.0)
	echo '#error "no such thing"' >> "$sourcetree/above-1.0/above.c"
	dkms_exits 10 "a rebuild that fails" install base/2.0 -k $K
	is "$(state base 2.0 $K)" installed "the requested version is installed"
	is "$(state above 1.0 $K) $(inode above 1.0)" "installed $above" "the previous module is kept"
	like "$err" "above/1.0 for $K: FAILED" "the failure is reported"

	if private_etc; then
		populate
		echo BUILD_DEPENDS_REBUILD=yes > "$etc/plain.conf"
		dkms_exits 0 "compat 4: an override sets BUILD_DEPENDS_REBUILD" install base/2.0 -k $K
		is "$(dep plain 1.0 base)" 2.0 "the module is rebuilt"
		rm "$etc/plain.conf"
	fi
}

# The kernel's own module is restored afterwards.
originals()
{
	machine
	kernel $K
	kernel_module $K kernel/drivers/above.ko 0.1
	add base 1.0
	add base 2.0
	add above 1.0 BUILD_DEPENDS=base BUILD_DEPENDS_REBUILD=yes
	dkms install base/1.0 -k $K > /dev/null
	dkms install above/1.0 -k $K > /dev/null
	dkms install base/2.0 -k $K > /dev/null
	run_dkms status above
	is "$out" "above/1.0, $K, $arch: installed (Original modules exist)" "a rebuilt module has its original"
	dkms_exits 0 "uninstall the rebuilt module" uninstall above/1.0 -k $K
	is "$(module_field version "$installtree/$K/kernel/drivers/above.ko")" 0.1 "the original is restored"
}

rebuilds
forced
others
originals
finish
