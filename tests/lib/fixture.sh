# shellcheck shell=bash disable=SC2034
# A machine for tests of dkms. A test sources this file instead of tap.sh and calls machine, kernel,
# module and dkms. A kernel is a directory whose makefile takes milliseconds and makes modules that
# libkmod and depmod accept as real ones.
#
# The whole test runs in PID and mount namespaces of its own, with a file system of its own on /tmp.
# It runs as root, or as a user who becomes root there. So everything that a test starts, mounts or
# leaves is gone when it ends, even when it is killed. $private is empty where namespaces are not
# permitted. With KEEP=1 no namespaces are made, so that the files stay.

namespaces=(--mount --uts --pid --fork --kill-child --mount-proc --propagation private)
[ "$(id -u)" -eq 0 ] || namespaces=(--map-root-user "${namespaces[@]}")

if [ -z "${FIXTURE_USER:-}" ] && [ -z "${KEEP:-}" ] &&
	unshare "${namespaces[@]}" true 2>/dev/null
then
	FIXTURE_USER=$(id -u)
	export FIXTURE_USER
	set -m # without job control the child and its children would ignore SIGINT
	setpriv --pdeathsig KILL unshare "${namespaces[@]}" "$BASH" "$0" "$@" &
	set +m
	# shellcheck disable=SC2064 # the process as it is now
	trap "kill -KILL $! 2>/dev/null" EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	wait "$!"
	trap - EXIT
	exit
fi

private=${FIXTURE_USER:+yes}
# The user who started the test; here the user is always root.
real_user=${FIXTURE_USER:-$(id -u)}
if [ -n "$private" ]; then
	for TMPDIR in /tmp /var/tmp; do
		case ${top_srcdir:?}/:${top_builddir:-}/ in
		$TMPDIR/*|*:$TMPDIR/*) ;; # keep the project visible
		*) mount -t tmpfs -o mode=1777 dkms-test "$TMPDIR"; break ;;
		esac
	done
	export TMPDIR
	# Commands without --cache-dir must not write to the machine's cache.
	[ ! -d /var/cache ] || mount -t tmpfs -o mode=0755 dkms-test /var/cache
fi

# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"
PATH=$work/bin:$PATH:/usr/sbin:/sbin
export LC_ALL=C
unset CC KERNELRELEASE ADDON_MODULES_DIR # a build may have set these
export DKMS_HEARTBEAT=0 # what is printed must not depend on how long a build takes
umask 022
mkdir "$work/bin"
chmod 0755 "$work" # builds as nobody work below it

K=4.19.0-6-amd64
arch=$(uname -m)
machines=0

# Makes new, empty trees below $machine: $dkmstree, $sourcetree and $installtree. Modules are
# installed in $installtree/KERNEL/$dest.
machine()
{
	machines=$((machines + 1))
	machine=$work/machine$machines
	dkmstree=$machine/var/lib/dkms
	sourcetree=$machine/usr/src
	installtree=$machine/lib/modules
	trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree"
		--no-cache)
	mkdir -p "$dkmstree" "$sourcetree" "$installtree"
}

dkms() { "${DKMS:?}" "$@" "${trees[@]}" </dev/null; }

# Waits until a line of a file matches.
until_line() # PATTERN FILE
{
	local i

	for ((i = 0; i < 300; i++)); do
		! grep -qE "$1" "$2" || return 0
		sleep 0.1
	done
	return 1
}

# The distribution's directory for modules, which overrides dkms.conf.
dest=$(
	# shellcheck disable=SC1091
	. /etc/os-release
	case " $ID ${ID_LIKE:-} " in
	*\ debian\ *|*\ ubuntu\ *|*\ arch\ *) echo updates/dkms ;;
	*\ fedora\ *|*\ rhel\ *|*\ centos\ *) echo extra ;;
	*suse*) echo updates ;;
	*) echo kernel/extra ;; # the directory that module() writes to dkms.conf
	esac
)

# Writes a compiler of modules in awk. It turns C source into assembler, which "as" turns into a
# module. It understands MODULE_VERSION, MODULE_INFO, EXPORT_SYMBOL and extern, and reports #error
# as gcc does.
write_compiler() # FILE
{
	cat > "$1" <<'AWK'
function between(s) { return match(s, /\(.*\)/) ? substr(s, RSTART + 1, RLENGTH - 2) : "" }
function info(key, value) {
	gsub(/"/, "", value)
	printf ".asciz \"%s=%s\"\n", key, value
}
BEGIN {
	print ".section .modinfo,\"a\""
	info("license", "GPL")
	info("vermagic", release " SMP mod_unload modversions ")
}
/^#error/ {
	sub(/^#error */, "")
	printf "%s:%d:2: error: #error %s\n", FILENAME, FNR, $0 > "/dev/stderr"
	failed = 1
	exit 1
}
/^MODULE_VERSION/ { info("version", between($0)) }
/^MODULE_INFO/ { split(between($0), part, /, */); info(part[1], part[2]) }
/^EXPORT_SYMBOL/ { exported[between($0)] }
/^extern/ { gsub(/.* |;/, ""); needed[$0] }
END {
	if (failed)
		exit 1
	print ".section __ksymtab_strings,\"aMS\",%progbits,1"
	for (name in exported)
		printf ".asciz \"%s\"\n", name
	for (name in exported)
		printf ".globl __crc_%s\n.set __crc_%s, 0x1234\n", name, name
	print ".data"
	for (name in needed)
		printf ".dc.a %s\n", name
	# strip -g removes this section
	print ".section .debug_info\n.asciz \"symbols for a debugger\""
}
AWK
}

write_headers() # DIR RELEASE
{
	mkdir -p "$1/include/config" "$1/include/generated"
	write_compiler "$1/compile.awk"
	printf '#define UTS_RELEASE "%s"\n' "$2" > "$1/include/generated/utsrelease.h"
	printf 'CONFIG_%s=y\n' MODULES MODULE_SIG SMP | tee "$1/.config" > "$1/include/config/auto.conf"
	printf '0x%s\t%s\tvmlinux\tEXPORT_SYMBOL\t\n' 1111 printk 2222 kfree > "$1/Module.symvers"
	printf 'release = %s\n' "$2" > "$1/Makefile"
	cat >> "$1/Makefile" <<'MAKEFILE'
# Called like kbuild: make -C THIS-DIRECTORY M=DIR [modules | clean]
MAKEFLAGS += -rR --no-print-directory
headers := $(CURDIR)
all modules:
include $(firstword $(wildcard $(M)/Kbuild $(M)/Makefile))
modules all: $(addprefix $(M)/,$(obj-m:.o=.ko))
	@awk -F '[()]' '/^EXPORT_SYMBOL/ { \
		printf "0x1234\t%s\t%s\tEXPORT_SYMBOL\t\n", $$2, FILENAME }' \
		$(addprefix $(M)/,$(obj-m:.o=.c)) > $(M)/Module.symvers
$(M)/%.ko: $(M)/%.c
	@echo '  LD [M]  $@'
	@awk -v release='$(release)' -f $(headers)/compile.awk $< > $@.s
	@as -o $@ $@.s
clean:
	rm -f $(M)/*.ko $(M)/*.s $(M)/Module.symvers
MAKEFILE
}

# Makes a kernel with headers, an image and one module of its own, whose file name ends in SUFFIX
# (.xz).
kernel() # RELEASE [SUFFIX]
{
	local dir=$installtree/$1 headers=$machine/usr/src/linux-headers-$1

	write_headers "$headers" "$1"
	mkdir -p "$dir/kernel/fs"
	ln -s "$headers" "$dir/build"
	kernel_module "$1" "kernel/fs/ext9.ko${2:-}"
	echo 'kernel/fs/ext9.ko:' > "$dir/modules.dep"
	: | tee "$dir/modules.order" > "$dir/modules.builtin"
}

# Makes a module of the kernel itself, compressed as the end of PATH says.
kernel_module() # RELEASE PATH [VERSION [SRCVERSION]]
{
	local path=$installtree/$1/$2
	local plain=${path%.ko*}.ko

	mkdir -p "${path%/*}"
	[ -e "$work/compile.awk" ] || write_compiler "$work/compile.awk"
	{
		[ -z "${3:-}" ] || printf 'MODULE_VERSION("%s");\n' "$3"
		[ -z "${4:-}" ] || printf 'MODULE_INFO(srcversion, "%s");\n' "$4"
	} | awk -v release="$1" -f "$work/compile.awk" | as -o "$plain"
	case $path in
	*.gz) gzip -n "$plain" ;;
	*.xz) xz --check=crc32 "$plain" ;;
	*.zst) zstd -q --rm "$plain" ;;
	esac
}

# Writes the source of a package with one module that has the same name. LINEs are added to its
# dkms.conf.
module() # NAME VERSION [LINE...]
{
	local dir=$sourcetree/$1-$2

	mkdir -p "$dir"
	printf '%s\n' "PACKAGE_NAME=\"$1\"" "PACKAGE_VERSION=\"$2\"" \
		'DEST_MODULE_LOCATION[0]="/kernel/extra"' 'AUTOINSTALL="yes"' > "$dir/dkms.conf"
	write_sources "$dir" "$2" "$1"
	shift 2
	[ $# -eq 0 ] || printf '%s\n' "$@" >> "$dir/dkms.conf"
}

# The same, and adds it.
add() # NAME VERSION [LINE...]
{
	module "$@"
	dkms add "$1/$2" > /dev/null
}

# Writes C files for MODULEs and the Makefile that builds them.
write_sources() # DIR VERSION MODULE...
{
	local dir=$1 version=$2 name

	shift 2
	for name in "$@"; do
		printf '%s\n' "MODULE_VERSION(\"$version\");" \
			"MODULE_INFO(srcversion, \"$name-$version\");" > "$dir/$name.c"
	done
	printf 'obj-m :=%s\n' "$(printf ' %s.o' "$@")" > "$dir/Makefile"
}

# Makes a Debian package without files.
empty_deb() # FILE NAME VERSION
{
	mkdir -p "$work/empty/DEBIAN"
	printf '%s\n' "Package: $2" "Version: $3" "Architecture: all" "Description: empty" \
		"Maintainer: nobody <nobody@example.org>" > "$work/empty/DEBIAN/control"
	dpkg-deb -b "$work/empty" "$1" > /dev/null
}

# Writes an executable shell script.
write_script() # PATH LINE...
{
	local path=$1

	shift
	mkdir -p "${path%/*}"
	printf '%s\n' '#!/bin/sh' "$@" > "$path"
	chmod +x "$path"
}

# Prints a field of a module file.
module_field() # KEY FILE
{
	modinfo -F "$1" "$2" 2>/dev/null
}

# Prints all files below the directories with modes and checksums, except for those that depmod
# writes. Tests compare two snapshots to see that nothing has changed.
snapshot() # DIR...
{
	{
		find "$@" ! -name 'modules.*' -printf '%p %y %m %l\n'
		find "$@" ! -name 'modules.*' -type f -exec cksum {} +
	} | sort
}

# Runs dkms and sets $status, $out and $err.
run_dkms() # ARGUMENT...
{
	status=0
	dkms "$@" > "$work/out" 2> "$work/err" || status=$?
	out=$(cat "$work/out")
	err=$(cat "$work/err")
}

# Checks the exit status of dkms.
dkms_exits() # STATUS DESCRIPTION ARGUMENT...
{
	local want=$1 description=$2

	shift 2
	run_dkms "$@"
	is "$status" "$want" "$description"
	[ "$status" = "$want" ] || note "dkms $*"$'\n'"$out"$'\n'"$err"
}

# Makes /etc a copy that the test may change, and $etc an empty /etc/dkms there.
private_etc()
{
	[ -n "$private" ] || return 1
	etc=/etc/dkms
	mountpoint -q /etc || {
		mkdir "$work/etc"
		cp -a /etc/. "$work/etc/" 2>/dev/null || true
		mount --bind "$work/etc" /etc
	}
	rm -rf "$etc"
	mkdir "$etc"
}

# Gives this test its own copy of what package managers change: the list of installed packages and
# /etc. Both are in the keys of the cache, so a test that expects hits would fail while apt installs
# something.
freeze_packages()
{
	private_etc || return
	[ -e /var/lib/dpkg/status ] || return 0
	mkdir "$work/dpkg"
	cp /var/lib/dpkg/status "$work/dpkg/"
	mount --bind "$work/dpkg" /var/lib/dpkg
}

# Mounts a layer over each DIR of the system, so that changes stay in the test.
mount_layers() # DIR...
{
	local dir

	for dir; do
		mkdir -p "$work/layer$dir" "$work/layer.work$dir"
		mount -t overlay -o "lowerdir=$dir,upperdir=$work/layer$dir,workdir=$work/layer.work$dir" \
			dkms-test "$dir" || return
	done
}

# Makes sure that there is a /lib/modules, where builds see the install tree.
private_modules()
{
	[ -n "$private" ] || return 1
	[ -d /lib/modules ] || {
		mount_layers "$(realpath /lib)" 2>/dev/null && mkdir /lib/modules
	}
}

# Removes dkms, the modules that it builds and kernels from dpkg's database, and the files of dkms
# from the system. The database and the system must be covered by layers. No script of a package is
# run, since a script could reach services of the real machine.
forget_packages()
{
	local path status=/var/lib/dpkg/status

	mountpoint -q /etc && mountpoint -q /usr && mountpoint -q /var/lib || return
	[ -e $status ] || return 0
	dpkg-query -L dkms 2> /dev/null | while read -r path; do
		case $(realpath -m "${path%/*}")/ in
		/etc/*|/usr/*|/var/lib/*) [ -d "$path" ] && [ ! -L "$path" ] || rm -f "$path" ;;
		esac
	done
	awk 'BEGIN { RS = ""; ORS = "\n\n" }
		!/^Package: (dkms|[^\n]*-dkms|linux-(headers|image)-[^\n]*)\n/' $status > "$work/status"
	cp "$work/status" $status
	rm -f /var/lib/dpkg/info/{dkms,*-dkms,linux-headers-*,linux-image-*}.*
}

# Mounts an empty file system on each DIR.
mount_empty() # DIR...
{
	local dir

	for dir; do
		mkdir -p "$dir"
		mount -t tmpfs -o mode=0755 dkms-test "$dir"
	done
}

# Prints the state of a version on a kernel, read from the dkms tree without dkms.
state() # NAME VERSION [RELEASE]
{
	local version=$dkmstree/$1/$2 link=$dkmstree/$1/kernel-${3:-}-$arch

	if [ ! -d "$version" ] || { [ ! -L "$version/source" ] && [ ! -d "$sourcetree/$1-$2" ]; }; then
		echo absent
	elif [ ! -d "$version/source/" ]; then
		echo broken
	elif [ -z "${3:-}" ] || [ ! -d "$version/$3/$arch/module" ]; then
		echo added
	elif [ "$link" -ef "$version/$3/$arch" ]; then
		echo installed
	else
		echo built
	fi
}

# Prints the running processes of dkms: dkms itself, and its children, which have sessions of their
# own. Waits up to a second for them to end.
leftover_processes()
{
	local n found

	for n in {1..20}; do
		found=$(ps -eo sid=,stat=,pid=,comm= | awk -v own="$(ps -o sid= -p $$ | tr -d ' ')" \
			'$2 !~ /^Z/ && ($1 != own || $4 == "dkms") { print $3, $4 }')
		[ -n "$found" ] || break
		sleep 0.05
	done
	printf '%s' "$found"
}

# Prints the records of installed files that belong to nothing that is installed.
stray_records()
{
	local record

	for record in "$dkmstree"/*/.installed-*; do
		[ ! -e "$record" ] || [ -L "${record/.installed-/kernel-}" ] || echo "$record"
	done
}

# Checks that the trees are consistent: a built version has all of its files, an installed module is
# in the kernel's tree, and no temporary file is left.
check_trees() # DESCRIPTION
{
	local dir link bad=

	bad+=$(find "$dkmstree" ! -path "$dkmstree/.locks" ! -name '.installed-*' \( -name '.*' -o -name '*.new-*' -o -name '*.old-*' \) -print)
	bad+=$(find "$sourcetree" "$installtree" -path '*/linux-headers-*' -prune -o -name '.*' -print)
	for dir in "$dkmstree"/*/*/*/"$arch"; do
		case $dir in
		*/original_module/*|*/\*/*) continue ;;
		esac
		[ -s "$dir/log/make.log" ] || bad+=" no log: $dir"
		grep -q "vermagic=$(basename "${dir%/*}") SMP" "$dir"/module/*.ko || bad+=" no module: $dir"
	done
	bad+=$(stray_records)
	for link in "$dkmstree"/*/kernel-*; do
		[ -L "$link" ] || continue
		[ -d "$link/module" ] || bad+=" leads nowhere: $link"
		for dir in "$link"/module/*.ko*; do
			cmp -s "$dir" "$installtree/$(basename "$(dirname "$(readlink "$link")")")/$dest/${dir##*/}" ||
				bad+=" installed, not there: $dir"
		done
	done
	for dir in "$installtree"/*/"$dest"/*.ko*; do
		[ -e "$dir" ] || continue
		link=$(basename "$dir")
		[ -L "$dkmstree/${link%%.*}/kernel-$(basename "${dir%/"$dest"/*}")-$arch" ] ||
			bad+=" there, not installed: $dir"
	done
	is "$bad" "" "$1"
}
