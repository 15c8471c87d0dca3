#!/bin/bash
# What names the machine in a build: uname, /proc/version and the like answer for the kernel that is
# built for, and /etc has the same users and hosts everywhere.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

bwrap --ro-bind / / --unshare-all true 2>/dev/null || skip_all "needs bubblewrap"
K7=4.19.0-7-amd64

# Writes the uname of a build for the kernel R to FILE.
write_uname() # FILE SYSNAME RELEASE VERSION MACHINE
{
	printf '#!/bin/sh\nsysname=%q release=%q version=%q machine=%q\n' "${@:2}" > "$1"
	cat "$top_srcdir/builder/build/uname.sh" >> "$1"
	chmod 0755 "$1"
}

# Prints what a command does: standard output, the first line of standard error, the exit status.
# Quotation marks, names of ambiguous options and a difference of the node name do not count.
does() # PROGRAM ARGUMENT...
{
	local status=0 node

	node=$(uname -n)
	"$@" > "$work/does.out" 2> "$work/does.err" || status=$?
	sed -E "s/(^| )$node( |\$)/\\1localhost\\2/" "$work/does.out"
	sed -n "1{s/^[^:]*uname: /uname: /; s/; possibilities:.*//; s/[‘’]/'/g; p;}" "$work/does.err"
	echo "status $status"
}

# Our uname and that of GNU coreutils do the same.
options()
{
	local arguments got wanted

	write_uname "$work/uname" "$(uname -s)" "$(uname -r)" "$(uname -v)" "$(uname -m)"
	if [ "$(uname --version | sed -n '1s/ (GNU coreutils).*//p')" != uname ] || [ "$(uname -p)" != unknown ]; then
		skip "this is not the uname of GNU coreutils on Debian" "all options"
		return
	fi
	while read -r -a arguments; do
		got=$(does "$work/uname" "${arguments[@]}")
		wanted=$(does uname "${arguments[@]}")
		is "$got" "$wanted" "uname ${arguments[*]}"
	done <<'END'

-a
-s
-n
-r
-v
-m
-p
-i
-o
-mrs
-om
-ap
-ra -i
-s -r -s
--all
--kernel-name
--sysname
--nodename
--kernel-release
--release
--kernel-version
--machine
--processor
--hardware-platform
--operating-system
--al
--kernel-r
--rel
--sys --mach
--kernel
--k
--
-- -a
-
-q
-rq
-a x
x -a
x y
--foo
--all=x
--kernel-r=x
--a=
--ve=1
-r --
END
	like "$("$work/uname" --help)" "^Usage: uname" "--help"
	like "$("$work/uname" -rz --help 2>&1)" "invalid option -- 'z'" "a bad option before --help"
	is "$("$work/uname" --version)" "uname (dkms)" "--version"
	write_uname "$work/uname" Linux "1'\$(touch $work/evil)\"\\" '#1 "a  b"' 'x;y'
	is "$("$work/uname" -rvm)" "1'\$(touch $work/evil)\"\\ #1 \"a  b\" x;y" "words with special characters"
	ok "nothing in them is run" test ! -e "$work/evil"
}

# Builds a package that prints what it sees, for both kernels.
in_builds()
{
	local log headers uid user

	machine
	kernel $K
	kernel $K7
	headers=$machine/usr/src/linux-headers-$K
	echo '#define UTS_VERSION "#3 SMP Debian 4.19.67 (2019-08-20)"' > "$headers/include/generated/utsversion.h"
	printf '#define %s\t"%s"\n' UTS_MACHINE x LINUX_COMPILE_BY kit LINUX_COMPILE_HOST example.org \
		LINUX_COMPILER 'gcc-8, ld 2.31' > "$headers/include/generated/compile.h"
	module sees 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/sees-1.0/pre.sh" 'echo "all: $(uname -a)"' 'echo "bin: $(/bin/uname -r) $(/usr/bin/uname -m)"' \
		'echo "proc: $(cat /proc/version)"' \
		'(cd /proc/sys/kernel && echo "sys: $(cat osrelease) $(cat version) $(cat hostname) $(cat domainname) $(cat ostype)")' \
		'echo "passwd: $(cut -d: -f1,3 /etc/passwd | paste -sd" ")"' \
		'echo "group: $(cut -d: -f1,3 /etc/group | paste -sd" ")"' \
		'echo "who: $(id -un) $(id -u) $(id -gn)"' \
		'echo "hosts: $(paste -sd" " /etc/hosts)"' \
		'echo "files: $(ls -d /etc/localtime /etc/machine-id /etc/hostname /etc/resolv.conf 2>/dev/null)"' \
		'echo "zone: $(date -d @0 +%Z%H)"' \
		'for file in cmdline config.gz filesystems modules; do [ ! -s /proc/$file ] || wc -c < /proc/$file | grep -qx 0 || echo "has $file"; done' \
		'for file in cpuinfo meminfo mounts uptime loadavg stat self/status; do [ "$(wc -c < /proc/$file)" -gt 0 ] || echo "lacks $file"; done' \
		'for file in /usr/bin/uname /proc/sys/kernel/osrelease /etc/passwd; do [ ! -w $file ] || echo "may write $file"; done'
	chmod 0755 "$work"
	dkms_exits 0 "builds for two kernels" build sees/1.0 -k $K -k $K7
	log=$dkmstree/sees/1.0/$K/$arch/log/make.log
	is "$(sed -n 's/^all: //p' "$log")" "Linux localhost $K #3 SMP Debian 4.19.67 (2019-08-20) $arch GNU/Linux" \
		"uname -a is about the kernel that is built for"
	is "$(sed -n 's/^bin: //p' "$log")" "$K $arch" "so are /bin/uname and /usr/bin/uname"
	is "$(sed -n 's/^proc: //p' "$log")" \
		"Linux version $K (kit@example.org) (gcc-8, ld 2.31) #3 SMP Debian 4.19.67 (2019-08-20)" "/proc/version"
	is "$(sed -n 's/^sys: //p' "$log")" "$K #3 SMP Debian 4.19.67 (2019-08-20) localhost (none) Linux" "/proc/sys/kernel"
	uid=$(sed -n 's/^who: \S* \(\S*\) .*/\1/p' "$log")
	case $uid in
	0) user="root 0 root" ;;
	*) user="dkms $uid dkms" ;;
	esac
	is "$(sed -n 's/^who: //p' "$log")" "$user" "the user of the build has a name"
	like "$(sed -n 's/^passwd: //p' "$log")" "^root:0( dkms:$uid)? nobody:65534\$" "/etc/passwd"
	like "$(sed -n 's/^group: //p' "$log")" "^root:0( dkms:[0-9]*)? nogroup:65534\$" "/etc/group"
	is "$(sed -n 's/^hosts: //p' "$log")" "127.0.0.1 localhost ::1 localhost" "/etc/hosts"
	is "$(sed -n 's/^files: //p; s/^zone: //p' "$log" | paste -sd' ')" " UTC00" "no file says where the machine is"
	is "$(grep '^has\|^lacks\|^may write' "$log")" "" "/proc describes the build, and none of this can be written"
	is "$(sed -n 's/^all: //p' "$dkmstree/sees/1.0/$K7/$arch/log/make.log")" \
		"Linux localhost $K7 #1 SMP $arch GNU/Linux" "a kernel whose headers have no version"
	is "$(find "$dkmstree" -name constants)" "" "no file is left"
	dkms_exits 0 "without a sandbox" build sees/1.0 -k $K --force --sandbox=off
	is "$(sed -n 's/^all: //p' "$log")" "$(uname -a)" "uname is about the running kernel"
	chmod 0700 "$work"
	dkms_exits 0 "trees that only their owner can read" build sees/1.0 -k $K --force
	is "$(sed -n 's/^bin: //p' "$log")" "$K $arch" "uname is about the kernel that is built for"
	like "$(sed -n 's/^who: //p' "$log")" "^dkms [0-9]+ dkms\$|^root 0 root\$" "the user has a name"
	chmod 0755 "$work"
}

# Makefiles and others that take the release from uname, in the ways in which people write that, and
# find the headers below /lib/modules. The running kernel is installed, too.
by_uname()
{
	local k i running modules='$(MAKE) -C $(KDIR) M=$(CURDIR) modules' makefiles

	if ! private_modules; then
		skip "needs a mount namespace" "a Makefile that uses uname -r"
		return
	fi
	running=$(uname -r)
	kernel "$running"
	mkdir "/lib/modules/$running"
	ln -s "$machine/usr/src/linux-headers-$running" "/lib/modules/$running/build"
	makefiles=(
		'KVER ?= $(shell uname -r)\nKDIR ?= /lib/modules/$(KVER)/build\nall: ; '"$modules"
		'KDIR := /lib/modules/$(shell uname -r)/build\nall: ; '"$modules"
		'KDIR = /lib/modules/`uname -r`/build\nall: ; '"$modules"
		'all: ; make -C /lib/modules/$$(uname -r)/build M=$$PWD modules'
		'KVER != /bin/uname --kernel-release\nKDIR = /lib/modules/$(KVER)/build\nall: ; '"$modules"
		'KVER := $(strip $(shell env -i /usr/bin/uname -a | cut -d" " -f3))\nKDIR = /lib/modules/$(KVER)/build\nall: ; '"$modules"
		'KVER := $(shell cat /proc/sys/kernel/osrelease)\nKDIR = /lib/modules/$(KVER)/build\nall: ; '"$modules"
		'KVER := $(shell awk "{ print \$$3 }" /proc/version)\nKDIR = /lib/modules/$(KVER)/build\nall: ; '"$modules"
		'KVER := $(shell sh which.sh)\nKDIR = /lib/modules/$(KVER)/build\nall: ; '"$modules"
		'include /lib/modules/$(shell uname -r)/build/include/config/auto.conf\nKDIR = /lib/modules/$(shell uname -r)/build\nall: ; test $(CONFIG_MODULES) = y\n\t'"$modules"
		'ifneq ($(shell uname -r | cut -d. -f1-2),4.19)\n$(error another kernel)\nendif\nKDIR = /lib/modules/$(shell uname -r)/build\nall: ; '"$modules"
	)
	for i in "${!makefiles[@]}"; do
		add "asks$i" 1.0 'MAKE="make -f build.mk"'
		printf '%b\n' "${makefiles[i]}" > "$sourcetree/asks$i-1.0/build.mk"
		echo 'echo "$(uname -r)"' > "$sourcetree/asks$i-1.0/which.sh"
	done
	for make in 'make -C /lib/modules/$(uname -r)/build M=$dkms_tree/asks11/1.0/build' \
			'make -C /lib/modules/`uname --kernel-release`/build M=$dkms_tree/asks12/1.0/build'; do
		i=$((i + 1))
		add "asks$i" 1.0 "MAKE=\"$make\""
	done
	dkms_exits 0 "what uses uname -r" autoinstall -k $K -k $K7
	for ((; i >= 0; i--)); do
		for k in $K $K7; do
			like "$(module_field vermagic "$dkmstree/asks$i/1.0/$k/$arch/module/asks$i.ko")" "^$k " "asks$i is for $k"
		done
	done

	# What finds out the running kernel in another way is told that it does so.
	add names 1.0 "MAKE=\"make -C /lib/modules/$running/build M=\$dkms_tree/names/1.0/build\""
	dkms_exits 10 "the running kernel by name" build names/1.0 -k $K
	like "$err" "looks for the running kernel $running, but is built for $K;" "the advice is to name the other"
	is "$(grep -c sandbox_paths <<<"$err")" 0 "and not to show the headers of the running one"
	dkms_exits 0 "build for the running kernel" build names/1.0 -k "$running"
}

options
in_builds
by_uname
finish
