#!/bin/bash
# Settings and options for installing, on kernels of the fixture: commands that run afterwards,
# links, forced modules, and upgrades of RPM packages. Descriptions name the section of the contract
# (compat) that they test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
running=$(uname -r)

# Writes framework.conf. Fails where /etc cannot be made private.
configure() # LINE...
{
	private_etc || return 1
	printf '%s\n' "$@" > "$etc/framework.conf"
}

post_transaction()
{
	local log

	if ! configure "post_transaction='echo ran for \$kernelver; echo said >&2'"; then
		skip "needs a mount namespace" "compat 6: post_transaction"
		return
	fi
	machine
	kernel $K
	kernel $K7
	log=$dkmstree/post_transaction.log
	add one 1.0
	dkms_exits 0 "compat 6: post_transaction, build" build one/1.0 -k $K
	ok "compat 6: post_transaction does not run" test ! -e "$log"
	for action in install uninstall install unbuild autoinstall remove; do
		rm -f "$log"
		dkms_exits 0 "compat 6: post_transaction, $action" $action -m one -v 1.0 -k $K
		is "$(cat "$log" 2>&1)" "ran for $K"$'\n'said "compat 6: post_transaction runs, and its output is in the log"
		is "$(grep -c 'ran for' <<<"$out$err")" 0 "compat 6: its output is not printed"
	done
	dkms add one/1.0 > /dev/null
	add two 1.0
	add three 1.0
	echo old > "$log"
	dkms_exits 0 "compat 6: several kernels" autoinstall -k $K -k $K7
	is "$(grep 'ran for' "$log" | sort)" "ran for $K"$'\n'"ran for $K7" \
		"compat 6: it runs once for each kernel, with a new log"
	rm "$log"
	dkms_exits 0 "compat 6: autoinstall that installed nothing" autoinstall -k $K
	ok "compat 6: post_transaction does not run after that" test ! -e "$log"
	add bad 1.0
	echo '#error "no such thing"' >> "$sourcetree/bad-1.0/bad.c"
	dkms_exits 10 "compat 6: an install that fails" install bad/1.0 -k $K
	ok "compat 6: post_transaction does not run after a failure" test ! -e "$log"
	dkms_exits 0 "compat 6: remove of a version that is not built" remove bad/1.0
	is "$(head -n 1 "$log")" "ran for $(uname -r)" \
		"compat 6: post_transaction runs for the running kernel, which remove without -k is for"
	echo "post_transaction='exit 3'" > "$etc/framework.conf"
	dkms_exits 0 "compat 6: a post_transaction that fails" uninstall one/1.0 -k $K
	like "$err" "warning: post_transaction for $K exited 3" "compat 6: there is a warning"
	rm "$etc/framework.conf"
	rm "$log"
	dkms_exits 0 "compat 6: no post_transaction is set" install one/1.0 -k $K
	ok "compat 6: there is no log" test ! -e "$log"
}

symlinks()
{
	local file

	for how in option setting; do
		machine
		kernel $K .xz
		add one 1.0
		if [ $how = option ]; then
			dkms_exits 0 "compat 3: --symlink-modules" install one/1.0 -k $K --symlink-modules
		elif configure symlink_modules=yes; then
			dkms_exits 0 "compat 10: symlink_modules" install one/1.0 -k $K
			rm "$etc/framework.conf"
		else
			skip "needs a mount namespace" "compat 10: symlink_modules"
			return
		fi
		file=$installtree/$K/$dest/one.ko.xz
		is "$(readlink "$file")" "$dkmstree/one/1.0/$K/$arch/module/one.ko.xz" "the module is a link"
		run_dkms status
		is "$out$err" "one/1.0, $K, $arch: installed" "compat 8: status finds no difference"
		ok "depmod knows the link" grep -q one.ko.xz "$installtree/$K/modules.dep"
		dkms_exits 0 "compat 6: uninstall" uninstall one/1.0 -k $K
		ok "compat 6: the link is removed" test ! -L "$file"
		is "$(state one 1.0 $K)" built "compat 6: the built module is kept"
	done
}

# Makes the machine's install tree the system's.
systems_tree()
{
	private_modules || return 1
	mount --bind "$installtree" /lib/modules
}

modprobes()
{
	local devices=$work/devices

	# shellcheck disable=SC2016
	write_script "$work/bin/modprobe" "echo \"\$@\" >> '$work/modprobes'"
	machine
	kernel "$running"
	kernel $K
	add one 1.0
	dkms_exits 0 "compat 6: --modprobe-on-install in another tree than the system's" \
		install one/1.0 --modprobe-on-install
	ok "no module is loaded" test ! -e "$work/modprobes"
	dkms unbuild one/1.0 > /dev/null
	mkdir -p "$devices/pci0/0000:00:01.0/usb1" "$devices/virtual"
	echo 'pci:v00001234*' > "$devices/pci0/0000:00:01.0/modalias"
	echo 'usb:v1*' | tee "$devices/virtual/modalias" > "$devices/pci0/0000:00:01.0/usb1/modalias"
	ln -s .. "$devices/virtual/subsystem"
	if ! systems_tree || ! mount --bind "$devices" /sys/devices; then
		skip "needs a mount namespace" "compat 6: modprobe_on_install"
		rm "$work/bin/modprobe"
		return
	fi
	dkms_exits 0 "compat 6: --modprobe-on-install for another kernel" install one/1.0 -k $K --modprobe-on-install
	ok "compat 6: no module is loaded for another kernel" test ! -e "$work/modprobes"
	dkms_exits 0 "compat 3: --modprobe-on-install" install one/1.0 --modprobe-on-install
	is "$(cat "$work/modprobes" 2>&1)" "-a -b -q -- pci:v00001234* usb:v1*" \
		"compat 6: modules for present devices are loaded, all by one command"
	rm -f "$work/modprobes"
	dkms_exits 0 "compat 6: uninstall with it" uninstall one/1.0 --modprobe-on-install
	ok "compat 6: uninstall loads no module" test ! -e "$work/modprobes"
	dkms_exits 0 "compat 6: install without --modprobe-on-install" install one/1.0
	ok "compat 6: no module is loaded without it" test ! -e "$work/modprobes"
	if configure modprobe_on_install=true; then
		dkms_exits 0 "compat 10: modprobe_on_install" install one/1.0 --force
		ok "compat 10: the module is loaded" test -e "$work/modprobes"
		rm "$etc/framework.conf"
	fi
	write_script "$work/bin/modprobe" 'exit 1'
	dkms_exits 0 "compat 6: a modprobe that fails" install one/1.0 --force --modprobe-on-install
	is "$err" "" "the failure of modprobe is ignored"
	rm "$work/bin/modprobe"
	umount /sys/devices /lib/modules
}

# weak-modules of RHEL and weak-modules2 of SUSE, as programs that record their calls.
weak_modules()
{
	local calls=$work/weak

	machine
	if ! private_etc || ! systems_tree; then
		skip "needs a mount namespace" "compat 6: weak-modules"
		return
	fi
	kernel $K
	kernel $K7
	cp /etc/os-release "$work/os-release"
	rm /etc/os-release
	# shellcheck disable=SC2016
	for program in weak-modules weak-modules2; do
		write_script "$work/bin/$program" "{ echo \"\${0##*/} \$*\"; sort; } >> '$calls'"
	done
	add one 1.0
	add two 1.0
	add not 1.0 'NO_WEAK_MODULES=yes'
	echo ID=rhel > /etc/os-release
	dkms_exits 0 "compat 6: weak-modules on RHEL" autoinstall -k $K
	is "$(cat "$calls")" "weak-modules --no-initramfs --add-modules
$installtree/$K/extra/one.ko
$installtree/$K/extra/two.ko" "compat 6: it is called once, with all modules except those with NO_WEAK_MODULES"
	rm "$calls"
	dkms_exits 0 "compat 6: uninstall on RHEL" uninstall one/1.0 -k $K
	is "$(cat "$calls")" "weak-modules --no-initramfs --remove-modules
$installtree/$K/extra/one.ko" "compat 6: weak-modules is called"
	rm "$calls"
	dkms_exits 0 "compat 6: NO_WEAK_MODULES" uninstall not/1.0 -k $K
	ok "compat 6: weak-modules is not called" test ! -e "$calls"
	mkdir -p "$installtree/$K7/weak-updates"
	ln -s "$installtree/$K/extra/two.ko" "$installtree/$K7/weak-updates/two.ko"
	run_dkms status -m two
	is "$out" "two/1.0, $K, $arch: installed
two, 1.0, $K7, $arch: installed-weak from $K" "compat 8: status has installed-weak"
	dkms_exits 0 "compat 6: remove the weak module" remove two/1.0 --all
	rm "$calls"
	echo ID=opensuse-leap > /etc/os-release
	dkms_exits 0 "compat 6: weak-modules on SUSE" install one/1.0 -k $K
	is "$(cat "$calls")" "weak-modules2 --add-kernel-modules $K
$installtree/$K/updates/one.ko" "compat 6: weak-modules2 is called"
	rm "$calls"
	write_script "$work/bin/weak-modules2" 'echo no >&2; exit 1'
	dkms_exits 0 "compat 6: a weak-modules that fails" uninstall one/1.0 -k $K
	like "$err" "warning: $K: weak-modules exited 1" "compat 6: there is a warning"
	rm "$work/bin/weak-modules2" "$work/bin/weak-modules"
	dkms_exits 0 "compat 6: SUSE without weak-modules2" install one/1.0 -k $K
	is "$err" "" "compat 6: there is no warning"
	cp "$work/os-release" /etc/os-release
	umount /lib/modules
}

forced()
{
	local lists=/usr/share/dkms/modules_to_force_install upper=$work/share

	machine
	kernel $K
	kernel_module $K kernel/drivers/one.ko 2.0
	add one 1.0
	dkms_exits 6 "compat 6: the kernel's module is newer" install one/1.0 -k $K
	mkdir -p "$upper/up/dkms/modules_to_force_install" "$upper/work"
	if [ -z "$private" ] || ! mount -t overlay overlay \
		-o "lowerdir=/usr/share,upperdir=$upper/up,workdir=$upper/work" /usr/share 2>/dev/null; then
		skip "needs an overlay on /usr/share" "compat 1: modules_to_force_install"
		return
	fi
	echo "other one" > $lists/vendor
	dkms_exits 0 "compat 1: modules_to_force_install" install one/1.0 -k $K
	is "$(state one 1.0 $K)" installed "compat 1: NAME forces the module"
	dkms uninstall one/1.0 -k $K > /dev/null
	echo "PRE_INSTALL=no.sh" >> "$sourcetree/one-1.0/dkms.conf"
	write_script "$sourcetree/one-1.0/no.sh" 'exit 1'
	echo "one_version-override" > $lists/vendor
	dkms_exits 101 "compat 1: NAME_version-override" install one/1.0 -k $K
	write_script "$sourcetree/one-1.0/no.sh" 'exit 0'
	dkms_exits 0 "compat 1: it only skips the version check" install one/1.0 -k $K
	umount /usr/share
}

obsolete()
{
	machine
	kernel $K
	kernel 4.18.0-1-amd64
	add one 1.0
	dkms build one/1.0 -k $K -k 4.18.0-1-amd64 > /dev/null
	echo 'OBSOLETE_BY=4.19' >> "$sourcetree/one-1.0/dkms.conf"
	dkms_exits 6 "compat 4: OBSOLETE_BY is checked at install" install one/1.0 -k $K
	like "$err" "since 4.19" "the error names the kernel version"
	is "$(state one 1.0 $K)" built "the module is not installed"
	dkms_exits 0 "compat 4: OBSOLETE_BY, an older kernel" install one/1.0 -k 4.18.0-1-amd64
	dkms_exits 0 "compat 4: OBSOLETE_BY and --force" install one/1.0 -k $K --force
	dkms unbuild one/1.0 -k $K > /dev/null
	dkms_exits 77 "compat 4: OBSOLETE_BY works like BUILD_EXCLUSIVE_KERNEL_MAX" build one/1.0 -k $K
}

# Runs dkms as a script of an RPM package. Two scripts of one rpm are two shells with the same
# parent.
as_script() # ARGUMENT...
{
	status=0
	bash -c '"$@"; exit $?' sh "$DKMS" "$@" "${trees[@]}" > "$work/out" 2> "$work/err" || status=$?
}

rpm_upgrade()
{
	for spelling in rpm_safe_upgrade rpm-safe-upgrade; do
		machine
		kernel $K
		add one 1.0
		dkms install one/1.0 -k $K > /dev/null
		as_script add one/1.0 --$spelling
		is "$status" 3 "compat 6: --$spelling: the new package adds the version"
		as_script remove one/1.0 --all --$spelling
		is "$status" 0 "compat 6: the old package removes it, with status 0"
		is "$(state one 1.0 $K)" installed "compat 6: the version is not removed"
		as_script remove one/1.0 --all --$spelling
		is "$status $(state one 1.0)" "0 absent" "the next remove removes it"
	done
	add one 1.0
	as_script remove one/1.0 --all --rpm_safe_upgrade
	is "$status $(state one 1.0)" "0 absent" "compat 6: a remove without an add before it"

	module one 1.0
	as_script add one/1.0 --rpm_safe_upgrade
	is "$status" 0 "compat 6: the new package adds its version for the first time"
	add one 0.9
	as_script remove one/0.9 --all --rpm_safe_upgrade
	is "$status $(state one 0.9) $(state one 1.0)" "0 absent added" \
		"compat 6: the old package removes its own version"
	as_script remove one/1.0 --all
	is "$status $(state one 1.0)" "0 absent" "a remove without the option"

	module one 1.0
	(as_script add one/1.0 --rpm_safe_upgrade)
	as_script remove one/1.0 --all --rpm_safe_upgrade
	is "$status $(state one 1.0)" "0 absent" "compat 6: the mark of another process is ignored"

	kernel_module $K kernel/drivers/one.ko 2.0
	add one 1.0
	dkms_exits 6 "the kernel's module is newer" install one/1.0 -k $K
	dkms_exits 0 "--rpm_safe_upgrade installs it nevertheless" install one/1.0 -k $K --rpm_safe_upgrade
}

post_transaction
symlinks
modprobes
weak_modules
forced
obsolete
rpm_upgrade
finish
