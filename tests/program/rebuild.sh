#!/bin/bash
# BUILD_DEPENDS_REBUILD, on kernels of the fixture. Names say which part of the contract they hold
# to.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

add() # NAME VERSION [LINE...]
{
	module "$@"
	dkms add "$1/$2" > /dev/null
}

inode() # NAME VERSION [RELEASE]
{
	stat -c %i "$dkmstree/$1/$2/${3:-$K}/$arch"
}

dep() # NAME VERSION DEPENDENCY
{
	cat "$dkmstree/$1/$2/$K/$arch/.dep_$3" 2>/dev/null || echo none
}

# base 1.0 and 2.0; above names it with BUILD_DEPENDS_REBUILD, plain without; top names both base
# and above.
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
		"compat 1: .dep_DEP holds the version of a BUILD_DEPENDS"
	is "$(dep plain 1.0 base)" none "compat 1: only with BUILD_DEPENDS_REBUILD"
	above=$(inode above 1.0) plain=$(inode plain 1.0) top=$(inode top 1.0)
	echo above > "$work/order"
	for m in above top; do
		echo 'POST_BUILD=order.sh' >> "$sourcetree/$m-1.0/dkms.conf"
		script "$sourcetree/$m-1.0/order.sh" "echo $m"
	done
	script "$work/bin/depmod" "echo \"\$*\" >> '$work/depmods'"
	dkms_exits 0 "compat 6: installing a new version of a dependency" install base/2.0 -k $K
	is "$(state above 1.0 $K) $(state top 1.0 $K)" "installed installed" "the modules that name it are installed"
	ok "compat 6: it rebuilds them" test "$(inode above 1.0)" != "$above" -a "$(inode top 1.0)" != "$top"
	is "$(inode plain 1.0)" "$plain" "compat 6: but none without BUILD_DEPENDS_REBUILD"
	is "$(dep above 1.0 base) $(dep top 1.0 base)" "2.0 2.0" "compat 1: the new version is noted"
	like "$out" "above/1.0 for $K: installed, built.*|top" "they are told of"
	is "$(grep -oE '(base|above|top)/[0-9.]+ for' <<<"$out" | paste -sd' ')" \
		"base/2.0 for above/1.0 for top/1.0 for" "in BUILD_DEPENDS order"
	is "$(wc -l < "$work/depmods")" 1 "depmod runs once for all of them"
	rm "$work/bin/depmod" "$work/depmods"

	above=$(inode above 1.0)
	dkms_exits 0 "the same version again" install base/2.0 -k $K
	dkms uninstall base/2.0 -k $K > /dev/null
	dkms_exits 0 "after an uninstall" install base/2.0 -k $K
	is "$(inode above 1.0)" "$above" "does not rebuild"
	add aside 1.0
	dkms_exits 0 "installing something else" install aside/1.0 -k $K
	is "$(inode above 1.0)" "$above" "does not rebuild either"
	dkms_exits 0 "compat 11.9: an older version" install base/1.0 -k $K --force-version-override
	ok "compat 11.9: causes it, too" test "$(inode above 1.0)" != "$above"
	is "$(dep above 1.0 base)" 1.0 "compat 11.9: the older version is noted"
}

forced()
{
	local above

	populate
	above=$(inode above 1.0)
	dkms_exits 0 "compat 11.9: a forced install of the dependency" install base/2.0 -k $K --force
	is "$(inode above 1.0)" "$above" "rebuilds nothing"
	dkms_exits 0 "compat 11.9: a forced build" build above/1.0 -k $K --force
	is "$(dep above 1.0 base)" none "compat 11.9: writes no .dep_DEP"
	above=$(inode above 1.0)
	add aside 1.0
	dkms_exits 0 "the next install" install aside/1.0 -k $K
	ok "rebuilds what has none" test "$(inode above 1.0)" != "$above"
	is "$(dep above 1.0 base)" 2.0 "and notes the version"
}

others()
{
	populate
	kernel $K7
	dkms install base/1.0 -k $K7 > /dev/null
	dkms build above/1.0 -k $K7 > /dev/null
	above=$(inode above 1.0) above7=$(inode above 1.0 $K7)
	dkms_exits 0 "on another kernel" install base/2.0 -k $K7
	is "$(inode above 1.0)" "$above" "the first is left alone"
	ok "what is only built is built anew" test "$(inode above 1.0 $K7)" != "$above7"
	is "$(state above 1.0 $K7)" built "and not installed"

	populate
	dkms_exits 0 "compat 6: autoinstall of a new version" autoinstall -k $K
	is "$(state base 2.0 $K) $(dep above 1.0 base)" "installed 2.0" "compat 6: rebuilds as well"

	populate
	above=$(inode above 1.0)
	echo '#error "no such thing"' >> "$sourcetree/above-1.0/above.c"
	dkms_exits 10 "a rebuild that fails" install base/2.0 -k $K
	is "$(state base 2.0 $K)" installed "what was asked for is installed"
	is "$(state above 1.0 $K) $(inode above 1.0)" "installed $above" "what there was stays"
	like "$err" "above/1.0 for $K: FAILED" "it is said"

	if private_etc; then
		populate
		echo BUILD_DEPENDS_REBUILD=yes > "$etc/plain.conf"
		dkms_exits 0 "compat 4: an override asks for it" install base/2.0 -k $K
		is "$(dep plain 1.0 base)" 2.0 "it is done"
		rm "$etc/plain.conf"
	fi
}

# What the kernel had of its own is there again afterwards.
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
	try status above
	is "$out" "above/1.0, $K, $arch: installed (Original modules exist)" "a rebuilt module and its original"
	dkms_exits 0 "are taken apart" uninstall above/1.0 -k $K
	is "$(field version "$installtree/$K/kernel/drivers/above.ko")" 0.1 "the original is back"
}

rebuilds
forced
others
originals
finish
