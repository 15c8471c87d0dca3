#!/bin/bash
# The key of a module in the cache. For each kind of input, a change is a miss, and a change of
# anything else is a hit. A module from the cache is always the same as a new build.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"

inputs()
{
	local headers=$machine/usr/src/linux-headers-$K src=$sourcetree/m-1.0

	dkms add m/1.0 > /dev/null
	why 'nor is any build of m$' "the cache is empty"
	builds "$miss" "the first build"
	builds "$hit" "the second build"
	like "$(dkms unbuild m/1.0 -k $K; dkms build m/1.0 -k $K)" \
		"^dkms: m/1.0 for $K: built from the cache\$" "dkms says that the module is from the cache"
	why 'in the cache, built on' "the module is in the cache"
	ok "the log is restored" grep -q 'DKMS\|dkms' "$dkmstree/m/1.0/$K/$arch/log/make.log"

	echo 'MODULE_INFO(new, "yes");' >> "$src/m.c"
	why 'source: m.c differs' "a source file"
	matters "a source file"
	touch -r "$src/m.c" "$work/stamp"
	sed -i 's/new/old/' "$src/m.c"
	touch -r "$work/stamp" "$src/m.c"
	matters "a source file of the same size and time"
	chmod +x "$src/m.c"
	why 'source: m.c differs' "a mode"
	matters "a mode"
	echo > "$src/extra.h"
	why 'source: extra.h is new' "a new file"
	matters "a new file"
	mv "$src/extra.h" "$src/other.h"
	matters "the name of a file"
	ln -s other.h "$src/link.h"
	matters "a link"
	rm "$src/link.h" "$src/other.h"
	builds "$hit" "all is as it was before the changes"
	sed -i 's/patched, "yes"/patched, "no!"/' "$src/patches/fix.patch"
	matters "a patch"
	echo 'echo "MODULE_INFO(script, \"2\");" >> m.c' >> "$src/pre.sh"
	matters "a script"
	echo 2 > "$headers/include/version.h"
	why "headers: $headers/include/version.h differs" "a header"
	matters "a header"
	sed -i 's/CONFIG_SMP=y/CONFIG_SMP=m/' "$headers/.config" "$headers/include/config/auto.conf"
	why "config: CONFIG_SMP differs" "a CONFIG value"
	matters "a CONFIG value"
	printf '0x3333\tkmalloc\tvmlinux\tEXPORT_SYMBOL\t\n' >> "$headers/Module.symvers"
	matters "Module.symvers"
	echo 'echo more' >> "$machine/usr/lib/kbuild/scripts/link.sh"
	why "headers-2: $machine/usr/lib/kbuild/scripts/link.sh differs" "a script of kbuild"
	matters "a script of kbuild, behind a link"
	sed -i 's/mod_unload/mod_unload /' "$headers/compile.awk"
	matters "how the kernel compiles"
	export KBUILD_MODFLAG=1
	why "environment: KBUILD_MODFLAG is new" "a variable"
	matters "an environment variable"
	export KBUILD_MODFLAG=2
	matters "the value of an environment variable"
	matters "a directive" --directive STRIP=no
	matters "the make command" --directive 'MAKE=make -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build V=1'
	does_not_matter "-j in the make command" \
		--directive 'MAKE=make -j3 -C $kernel_source_dir -j 2 M=$dkms_tree/$module/$module_version/build V=1'
	matters "another .config" --config "$machine/usr/src/linux-headers-$K7/.config"
	matters "--sandbox=off" --sandbox=off
	builds "$hit" "all is as it was"
}

tools()
{
	local tool

	if [ -z "$private" ]; then
		skip "no mount namespace" "compilers and strip"
		return
	fi
	# A build of the fixture runs these programs by their names, but no compiler.
	for tool in as strip make; do
		write_script "$tools/$tool" "exec /usr/bin/$tool \"\$@\""
		matters "a new $tool in the path"
		echo '# another' >> "$tools/$tool"
		matters "the content of $tool"
	done
	write_script "$tools/gcc" "exec /usr/bin/gcc \"\$@\""
	does_not_matter "a new gcc in the path, which the build does not run"
	rm $tools/*
	builds "$hit" "the tools as they were"
	private_etc
	mkdir -p "$etc/m/patches"
	cp "$sourcetree/m-1.0/patches/fix.patch" "$etc/m/patches/"
	sed -i 's/patched, "no!"/patched, "etc"/' "$etc/m/patches/fix.patch"
	why "overrides: $etc/m/patches is new" "a patch of the administrator"
	matters "a patch of the administrator"
	echo 'STRIP=no' > "$etc/m.conf"
	matters "an override"
	write_script "$etc/m/pre.sh" 'echo "MODULE_INFO(pre, \"etc\");" >> m.c'
	matters "a script of the administrator"
	mkdir -p /etc/default
	echo 'M_DEBUG=1' > /etc/default/m
	does_not_matter "a file in /etc/default that the build does not read"
	write_script "$etc/m/pre.sh" 'echo "MODULE_INFO(pre, \"$(cat /etc/default/m)\");" >> m.c'
	matters "a script that reads it"
	echo 'M_DEBUG=2' > /etc/default/m
	matters "a file in /etc/default that the build reads"
	rm -rf "$etc/m" "$etc/m.conf" /etc/default/m
	builds "$hit" "/etc is as it was"
	echo 'shadow' > /etc/some-other-file
	does_not_matter "a file of /etc that builds do not see"
}

# Writes dkms's view of a package into dpkg's database.
dpkg_stanza() # NAME VERSION STATUS
{
	printf 'Package: %s\nStatus: install ok %s\nMaintainer: x\nArchitecture: amd64\nVersion: %s\n\n' "$1" "$3" "$2"
}

packages()
{
	local dpkg=/var/lib/dpkg state

	if [ -z "$private" ] || [ ! -e $dpkg/status ]; then
		skip "no database of dpkg that may be changed" "packages"
		return
	fi
	cp $dpkg/status "$work/status"
	mkdir -p $dpkg/updates
	dpkg_stanza linux-image-9 9 installed >> $dpkg/status
	dpkg_stanza other-dkms 1 installed >> $dpkg/status
	does_not_matter "a package of a kernel or of modules"
	dpkg_stanza dkms-test 1 installed > $dpkg/updates/0000
	why 'packages: package:dkms-test:amd64 is new' "a package"
	matters "a package"
	dpkg_stanza dkms-test 2 half-installed > $dpkg/updates/0001
	why 'packages: package:dkms-test:amd64 differs' "a version of a package"
	matters "the version of a package"
	for state in unpacked half-configured triggers-awaited triggers-pending installed; do
		dpkg_stanza dkms-test 2 $state > $dpkg/updates/0002
		does_not_matter "that a package is $state"
	done
	cp "$work/status" $dpkg/status.new
	rm $dpkg/updates/*
	{ dpkg_stanza dkms-test 2 installed; cat "$work/status"; } > $dpkg/status.new
	mv $dpkg/status.new $dpkg/status
	does_not_matter "that dpkg has finished, and the order of packages"
	cp "$work/status" $dpkg/status
	builds "$hit" "the packages as they were"
}

# Something changes while modules are built one after the other. Only the build that was running is
# not kept.
changes_in_a_run()
{
	local name

	if [ -z "$private" ]; then
		skip "no mount namespace" "a change during a run"
		return
	fi
	for name in r1 r2 r3; do
		module $name 1.0 POST_INSTALL=post.sh
		write_script "$sourcetree/$name-1.0/post.sh" \
			"[ $name != r1 ] || { echo changed > /opt/run; echo \$\$ > /var/lib/dpkg/updates/0000; }"
		dkms add $name/1.0 > /dev/null
	done
	mkdir -p /var/lib/dpkg/updates
	counted autoinstall -k $K -j 1
	is "$status $moved" "0 0 3 3 0" "a change between builds of a run: each of them is kept"
	ok "a change between builds of a run: it was made" test -e /opt/run -a -e /var/lib/dpkg/updates/0000
	for name in r2 r3; do
		dkms unbuild $name/1.0 -k $K > /dev/null
	done
	counted autoinstall -k $K -j 1
	is "$status $moved" "0 2 0 0 0" "the builds after the change are found in the next run"
	for name in r1 r2 r3; do
		dkms remove $name/1.0 --all > /dev/null
		rm -rf "$sourcetree/$name-1.0"
	done
	rm -f /opt/run /var/lib/dpkg/updates/0000
}

# A module whose script reads files that a build should not need. A file that it can see matters; a
# file that does not matter is hidden from it.
leaks()
{
	local place homes=() top was

	if [ -z "$private" ]; then
		skip "no mount namespace" "other files that builds can see"
		return
	fi
	# Directories of users, which a minimal system may not have.
	for place in $(find / -mindepth 1 -maxdepth 1 -type d |
		grep -vxE '/(bin|boot|dev|etc|gnu|home|lib|lib32|lib64|libx32|media|mnt|nix|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)') \
		/home /root /media /mnt /srv /usr/lib/debug
	do
		# The project itself must stay visible.
		case $(realpath "$top_srcdir" "$DKMS") in *"$place"/*) continue ;; esac
		[ ! -d "$place" ] || homes+=("$place")
	done
	private_etc
	top=$(find / -maxdepth 1 -type f -readable ! -name 'vmlinuz*' ! -name 'initrd*' | head -n 1)
	for place in /usr/local "${homes[@]}"; do
		mount -t tmpfs -o mode=755 leak "$place"
	done
	mkdir -p /usr/local/share /usr/local/bin /opt/share
	cat >> "$sourcetree/m-1.0/pre.sh" <<END
for file in /etc/hostname /etc/hosts /etc/perl/x /usr/local/share/x /usr/local/bin/x /opt/share/x \\
	\$HOME/x ${homes[*]/%//x} $top; do
	[ ! -r \$file ] || echo "MODULE_INFO(leak, \\"\$(cat \$file)\\");" >> m.c
done
echo "MODULE_INFO(host, \\"\$(cat /proc/sys/kernel/hostname) \$LC_ALL \$LANG\\");" >> m.c
echo "MODULE_INFO(domain, \\"\$(cat /proc/sys/kernel/domainname)\\");" >> m.c
echo "MODULE_INFO(boot, \\"\$(cat /proc/cmdline /proc/devices /proc/kallsyms /proc/modules /proc/driver/* 2>&1 |
	grep -cv 'No such file\|Permission denied')\\");" >> m.c
END
	matters "a script that looks around"
	mkdir -p /etc/perl
	for place in /usr/local/share /usr/local/bin /opt/share /etc/perl; do
		echo one > $place/x
		matters "a file in $place"
		echo two > $place/x
		matters "the content of a file in $place"
		echo one > $place/x
		does_not_matter "the time of a file in $place"
		rm $place/x
	done
	builds "$miss" "all these files are removed, and more than eight results are stored"
	is "$(module_field boot "$dkmstree/m/1.0/$K/$arch/module/m.ko")" 0 "the loaded modules of the machine are hidden"
	if [ -n "$top" ]; then
		echo other > "$work/top"
		mount --bind "$work/top" "$top"
		matters "a file in /"
		echo another > "$work/top"
		matters "the content of a file in /"
		umount "$top"
		builds "$hit" "the file in / is as it was"
	else
		skip "/ has no readable file" "a file in /"
	fi
	builds_cached "$miss" "without a sandbox" --sandbox=off
	read -r was < /proc/sys/kernel/domainname
	if echo other > /proc/sys/kernel/domainname; then
		does_not_matter "the machine's domain"
		builds_cached "$miss" "without a sandbox, the machine's domain matters" --sandbox=off
		echo "$was" > /proc/sys/kernel/domainname
		builds_cached "$hit" "without a sandbox, the domain is as it was" --sandbox=off
		builds "$hit" "the domain is as it was"
	else
		skip "it cannot be changed" "the machine's domain"
	fi
	for place in "${homes[@]}"; do
		echo one > "$place/x"
		does_not_matter "a file in $place"
	done
	echo other > /etc/hostname
	echo '127.0.0.1 other' > /etc/hosts
	hostname other
	LC_ALL=de_DE.UTF-8 does_not_matter "the host name, or the language"
	umount /usr/local "${homes[@]}"
	rm -r /opt/share
	builds "$hit" "all places are as they were"
}

# Makes headers with many links to another directory, at the top and below, as Ubuntu has them.
linked_headers()
{
	local kernel=5.15.0-1-generic headers=$machine/usr/src/linux-headers-5.15.0-1 own

	kernel $kernel
	own=$machine/usr/src/linux-headers-$kernel
	mkdir -p "$headers/include/linux" "$headers/block"
	mv "$own/Makefile" "$own/compile.awk" "$headers/"
	ln -s ../linux-headers-5.15.0-1/{Makefile,compile.awk,block} "$own/"
	ln -s ../../linux-headers-5.15.0-1/include/linux "$own/include/linux"
	echo one > "$headers/include/linux/one.h"
	module linked 1.0 PRE_BUILD=pre.sh
	write_script "$sourcetree/linked-1.0/pre.sh" \
		'echo "MODULE_INFO(one, \"$(cat $kernel_source_dir/include/linux/one.h)\");" >> linked.c'
	counted build linked/1.0 -k $kernel
	is "$status $moved" "0 $miss" "headers behind links"
	is "$(module_field one "$dkmstree/linked/1.0/$kernel/$arch/module/linked.ko")" one "builds can read them"
	dkms unbuild linked/1.0 -k $kernel > /dev/null
	counted build linked/1.0 -k $kernel
	is "$status $moved" "0 $hit" "headers behind links: the second build"
	echo two > "$headers/include/linux/one.h"
	dkms unbuild linked/1.0 -k $kernel > /dev/null
	counted build linked/1.0 -k $kernel
	is "$status $moved" "0 $miss" "a header behind a link below the top matters"
	dkms remove linked/1.0 --all > /dev/null
	rm -rf "$sourcetree/linked-1.0" "${installtree:?}/$kernel"
}

# Without CAP_SYS_ADMIN builds cannot be traced: all files that belong to no package are in the key.
# If there are too many in /opt, or too large ones, builds are not cached, and dkms says so.
untraced()
{
	local with=$DKMS

	if [ -z "$private" ]; then
		skip "no mount namespace" "builds that are not traced"
		return
	fi
	write_script "$work/untraced" "exec setpriv --inh-caps=-all --bounding-set=-sys_admin $with \"\$@\""
	DKMS=$work/untraced
	# Builds that are not traced may use the results of those that are.
	mv "$cache" "$work/of-traced"
	matters "that a new cache is empty"
	packages
	mkdir -p /opt/share
	echo one > /opt/share/x
	matters "a file in /opt"
	echo two > /opt/share/x
	matters "the content of a file in /opt"
	touch /opt/share/x
	does_not_matter "the time of a file in /opt"
	ln -sfn one /opt/share/x
	matters "a link in /opt"
	ln -sfn two /opt/share/x
	matters "the target of a link in /opt"
	mkdir /opt/share/y
	matters "a directory in /opt"
	chmod 700 /opt/share/y
	matters "the mode of a directory in /opt"
	rm -r /opt/share
	builds "$hit" "/opt is as it was"
	mkdir /opt/many
	(cd /opt/many && seq 50001 | xargs touch)
	refuses "more than 50,000 files belong to no package, most of them in /opt"
	rm -r /opt/many
	truncate -s 5G /opt/large
	refuses "more than 4 GiB of files belong to no package, most of it in /opt"
	rm /opt/large
	why 'in the cache' "the module is in the cache after the files are removed"
	DKMS=$with
	rm -rf "${cache:?}"
	mv "$work/of-traced" "$cache"
}

refuses() # REASON
{
	why "^m/1.0 for $K: not cached: $1\$" "too many files"
	module more 1.0
	dkms add more/1.0 > /dev/null
	dkms unbuild m/1.0 -k $K > /dev/null 2>&1
	run_dkms build m/1.0 -k $K --dry-run --explain
	like "$out" "^m/1.0 for $K: build \(not built for this kernel; not cached: $1\)\$" \
		"too many files: --explain gives the reason"
	counted autoinstall -k $K
	is "$status $moved" "0 0 0 0 0" "too many files: nothing is stored"
	is "$(grep -c "^dkms: warning: not cached: $1; move " "$work/err")" 1 \
		"too many files: one warning for two modules, with a remedy"
	note "$err"
	dkms unbuild m/1.0 -k $K > /dev/null 2>&1
	dkms remove more/1.0 --all > /dev/null
	rm -rf "$sourcetree/more-1.0"
}

# What changes while a module is built makes it unknown which of the two the build has read.
changes_meanwhile()
{
	local file headers=$machine/usr/src/linux-headers-$K src=$sourcetree/hasty-1.0

	module hasty 1.0
	dkms add hasty/1.0 > /dev/null
	for file in "source: hasty.c=$src/hasty.c" \
		"headers: $headers/include/version.h=$headers/include/version.h"; do
		cp "${file#*=}" "$work/before"
		counted build hasty/1.0 -k $K --sandbox=off --json \
			--directive "MAKE=make -C \$kernel_source_dir M=\$dkms_tree/hasty/1.0/build; echo >> ${file#*=}"
		is "$status $moved" "0 0 1 0 0" "a change during the build: nothing is stored"
		is "$(grep '"not_kept"' <<< "$out")" \
			"      \"not_kept\": \"${file%%=*} changed while it was built\"," "--json says that ${file%%=*} changed"
		cp "$work/before" "${file#*=}"
		dkms unbuild hasty/1.0 -k $K > /dev/null
		run_dkms build hasty/1.0 -k $K --sandbox=off \
			--directive "MAKE=make -C \$kernel_source_dir M=\$dkms_tree/hasty/1.0/build; echo >> ${file#*=}"
		is "$status $(grep -c "^dkms: warning: not kept: ${file%%=*} changed while it was built\$" "$work/err")" "0 1" \
			"a warning says that ${file%%=*} changed"
		cp "$work/before" "${file#*=}"
		dkms unbuild hasty/1.0 -k $K > /dev/null
	done
	counted build hasty/1.0 -k $K --sandbox=off --json
	is "$status $moved" "0 $miss" "the next build, during which nothing changes, is stored"
	like "$out" '"not_kept": null' "--json says nothing then"
	dkms remove hasty/1.0 --all > /dev/null
	rm -rf "$src"
}

what_does_not_matter()
{
	find "$sourcetree/m-1.0" "$machine/usr/src/linux-headers-$K" -exec touch -h -d 2020-01-01 {} +
	does_not_matter "time stamps"
	does_not_matter "-j 1" -j 1
	does_not_matter "-j 7" -j 7
	module other 1.0
	dkms install other/1.0 -k $K > /dev/null
	does_not_matter "another module"
	kernel 4.19.0-9-amd64
	does_not_matter "another kernel"
	(
		export SSH_TTY=/dev/pts/1 LANG=de_DE.UTF-8 TERM=dumb SHLVL=7 SUDO_USER=joe MAKEFLAGS=-j9
		export DPKG_MAINTSCRIPT_NAME=postinst USER=joe CC=nonsense OLDPWD=/x
		counted build m/1.0 -k $K --force --no-cache
		dkms unbuild m/1.0 -k $K > /dev/null
		counted build m/1.0 -k $K
		echo "$status $moved" > "$work/session"
	)
	is "$(cat "$work/session")" "0 $hit" "variables of a session do not matter"
	(
		taskset -pc "$(taskset -pc $$ | grep -o '[0-9]*$')" "$BASHPID" > /dev/null
		dkms unbuild m/1.0 -k $K > /dev/null
		counted build m/1.0 -k $K
		echo "$(nproc) $status $moved" > "$work/cpu"
	)
	is "$(cat "$work/cpu")" "1 0 $hit" "the number of processors does not matter"
	mkdir "$work/checkout"
	cp -r "$sourcetree/m-1.0" "$work/checkout/somewhere"
	dkms remove m/1.0 --all > /dev/null
	rm -rf "$sourcetree/m-1.0"
	dkms add "$work/checkout/somewhere" > /dev/null
	does_not_matter "where the source was added from"
	dkms unbuild m/1.0 -k $K > /dev/null
	counted install m/1.0 -k $K
	is "$status $moved" "0 $hit" "install"
	is "$out" "dkms: m/1.0 for $K: installed from the cache" "dkms says that it was installed from the cache"
	ok "the module is installed" test -f "$installtree/$K/$dest/m.ko"
	dkms uninstall m/1.0 -k $K > /dev/null
}

cached_machine
new_module
inputs
tools
changes_in_a_run
leaks
linked_headers
untraced
changes_meanwhile
what_does_not_matter
finish
