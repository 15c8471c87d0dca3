#!/bin/bash
# The commands that packages of kernels call, and match, on kernels of the fixture. Descriptions
# name the section of the contract (compat) that they test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Records the calls of depmod: the kernels are in $work/depmods.
count_depmods()
{
	local real

	real=$(PATH=${PATH#"$work/bin:"} command -v depmod)
	rm -f "$work/depmods"
	# shellcheck disable=SC2016
	write_script "$work/bin/depmod" 'for last; do :; done' "echo \"\$last\" >> '$work/depmods'" \
		"exec $real \"\$@\""
}

wrong_calls()
{
	machine
	kernel $K
	for hook in kernel_preinst kernel_postinst kernel_prerm; do
		dkms_exits 4 "compat 2: $hook without -k" $hook
		dkms_exits 4 "compat 2: $hook with two" $hook -k $K -k $K7
		dkms_exits 5 "compat 9: $hook --all" $hook --all
		dkms_exits 0 "compat 2: $hook of a kernel without modules" $hook -k $K
		is "$out$err" "" "compat 2: it prints nothing"
	done
	dkms_exits 1 "compat 9: match without --templatekernel" match -k $K
	dkms_exits 2 "compat 9: match, the same kernel twice" match --templatekernel $K -k $K
	dkms_exits 4 "compat 9: match with two kernels" match --templatekernel $K -k $K7 -k 5.0
	dkms_exits 5 "compat 9: match --all" match --templatekernel $K --all
	dkms_exits 3 "compat 9: match of a module that is not in the tree" \
		match --templatekernel $K -k $K7 nosuch
}

# Makes modules with two versions, without AUTOINSTALL, and one that replaced a module of the
# kernel.
populate()
{
	machine
	kernel $K
	kernel $K7
	kernel_module $K kernel/drivers/two.ko 0.1
	empty=$(snapshot "$installtree/$K" | grep -v '/modules\.')
	add one 1.0
	add one 0.9
	add two 1.0
	add manual 1.0 'AUTOINSTALL='
	add never 1.0
	dkms build one/0.9 -k $K > /dev/null
	for m in one two manual; do
		dkms install $m/1.0 -k $K -k $K7 > /dev/null
	done
}

prerm()
{
	populate
	count_depmods
	dkms_exits 0 "compat 11.6: kernel_prerm" kernel_prerm -k $K
	for m in one two manual; do
		is "$(state $m 1.0 $K) $(state $m 1.0 $K7)" "added installed" \
			"compat 11.6: unbuilds $m on that kernel, and leaves it added"
	done
	is "$(state one 0.9 $K)" added "compat 11.6: also a version that is built but not installed"
	is "$(cat "$work/depmods")" $K "compat 11.6: depmod runs once"
	is "$(snapshot "$installtree/$K" | grep -v '/modules\.')" "$empty" "compat 2: the original modules are restored"
	dkms_exits 0 "compat 2: kernel_prerm again" kernel_prerm -k $K
	is "$(wc -l < "$work/depmods")" 1 "depmod does not run again"

	mkdir -p "$installtree/$K7/updates/left/over" "$installtree/$K7/extra"
	touch "$installtree/$K7/extra/file"
	dkms_exits 0 "compat 2: kernel_prerm of the other kernel" kernel_prerm -k $K7
	ok "compat 2: empty directories are removed" test ! -e "$installtree/$K7/updates"
	ok "compat 2: other directories are kept" test -e "$installtree/$K7/extra/file" -a -e "$installtree/$K7/build"
	dkms_exits 0 "compat 2: kernel_prerm of an unknown kernel" kernel_prerm -k 9.9
	rm "$work/bin/depmod"

	machine
	kernel $K
	add bad 1.0
	add good 1.0
	dkms autoinstall -k $K > /dev/null
	rm -r "$sourcetree/bad-1.0"
	dkms_exits 14 "compat 9: 14 kernel_prerm, a module is broken" kernel_prerm -k $K
	like "$err" "bad/1.0" "the error names the module"
	is "$(state good 1.0 $K)" added "the other modules are unbuilt"
}

preinst()
{
	populate
	count_depmods
	dkms_exits 0 "compat 2: kernel_preinst" kernel_preinst -k $K
	is "$(state one 1.0 $K) $(state one 0.9 $K) $(state two 1.0 $K)" "added added added" \
		"compat 2: modules with AUTOINSTALL are unbuilt"
	is "$(state manual 1.0 $K)" installed "compat 2: other modules are left alone"
	is "$(state one 1.0 $K7)" installed "compat 2: other kernels are left alone"
	is "$(cat "$work/depmods")" $K "compat 2: depmod runs once"
	dkms_exits 0 "compat 2: kernel_postinst" kernel_postinst -k $K
	is "$(state one 1.0 $K) $(state one 0.9 $K) $(state two 1.0 $K) $(state never 1.0 $K)" \
		"installed added installed installed" "compat 2: it does the same as autoinstall"
	is "$(wc -l < "$work/depmods")" 2 "depmod runs once for it"
	rm "$work/bin/depmod"
	echo 'AUTOINSTALL=maybe' >> "$sourcetree/two-1.0/dkms.conf"
	dkms_exits 14 "compat 9: 14 kernel_preinst, a conf is bad" kernel_preinst -k $K
	is "$(state one 1.0 $K) $(state two 1.0 $K)" "added installed" "the other modules are unbuilt"
	add bad 1.0 'PRE_BUILD=no.sh'
	write_script "$sourcetree/bad-1.0/no.sh" 'exit 3'
	dkms_exits 11 "compat 9: 11 kernel_postinst" kernel_postinst -k $K
	dkms remove bad/1.0 --all > /dev/null
	is "$(state one 1.0 $K)" installed "the other modules are installed"
	rm -r "$installtree/$K/build"
	dkms unbuild one/1.0 -k $K > /dev/null
	rm -r "$sourcetree/two-1.0" "$dkmstree/two"
	dkms_exits 21 "compat 9: 21 kernel_postinst without headers" kernel_postinst -k $K
}

switched_off()
{
	if ! private_etc; then
		skip "needs a mount namespace" "compat 11.5: no-autoinstall"
		return
	fi
	machine
	kernel $K
	add one 1.0
	touch "$etc/no-autoinstall"
	dkms_exits 0 "compat 11.5: no-autoinstall" kernel_postinst -k $K
	is "$(state one 1.0 $K)$out$err" added "compat 11.5: kernel_postinst does nothing and prints nothing"
	dkms install one/1.0 -k $K > /dev/null
	dkms_exits 0 "compat 11.5: kernel_prerm with no-autoinstall" kernel_prerm -k $K
	is "$(state one 1.0 $K)" added "compat 11.5: it ignores no-autoinstall"
	rm "$etc/no-autoinstall"
}

matching()
{
	machine
	kernel $K
	kernel $K7
	add above 1.0 'BUILD_DEPENDS=base'
	add base 1.0
	add base 2.0
	add built 1.0
	add other 1.0
	dkms install base/1.0 -k $K > /dev/null
	dkms install above/1.0 -k $K > /dev/null
	dkms install other/1.0 -k $K > /dev/null
	dkms build built/1.0 -k $K > /dev/null
	dkms_exits 0 "compat 2: match with a model that has no modules" match --templatekernel $K7 -k $K
	count_depmods
	dkms_exits 0 "compat 2: match, one module" match --templatekernel $K -k $K7 other
	is "$(state other 1.0 $K7) $(state base 1.0 $K7)" "installed added" "compat 2: only that module is installed"
	dkms_exits 0 "compat 2: match" match --templatekernel=$K -k $K7
	is "$(state above 1.0 $K7) $(state base 1.0 $K7)" "installed installed" \
		"compat 2: it installs the modules of the model, dependencies first"
	is "$(state base 2.0 $K7) $(state built 1.0 $K7)" "added added" "compat 2: the same versions are installed, and no others"
	is "$(paste -sd' ' "$work/depmods")" "$K7 $K7" "depmod runs once for each match"
	rm "$work/bin/depmod"
	dkms_exits 0 "compat 2: match again" match --templatekernel $K -k $K7
	rm -r "$sourcetree/other-1.0"
	dkms unbuild base/1.0 -k $K7 > /dev/null
	dkms_exits 0 "compat 2: match, a module is broken" match --templatekernel $K -k $K7
	like "$err" "other/1.0 is broken" "the error names the broken module"
	is "$(state base 1.0 $K7)" installed "the other modules are installed"
	dkms unbuild base/1.0 -k $K7 > /dev/null
	echo '#error "no such thing"' >> "$sourcetree/base-1.0/base.c"
	dkms_exits 10 "compat 9: match, a build fails" match --templatekernel $K -k $K7
}

words()
{
	machine
	kernel $K
	add one 1.0
	dkms_exits 0 "compat 3: --debug" install one/1.0 -k $K --debug
	like "$err" "^dkms: debug: one/1.0 for $K: make: .*make" "it prints phases and their commands"
	is "$(printf '%s\n' "$err" | grep -vcE '^(dkms: debug:|      )')" 0 "it prints them on stderr only"
}

words
wrong_calls
prerm
preinst
switched_off
matching
finish
