#!/bin/bash
# Builds that leave something else than files for dkms to take: links to what only root may read,
# FIFOs, files of 8 TiB. dkms reads nothing outside of the build directory, does not wait, names what
# is wrong, and leaves nothing of it in the trees.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Writes the package m whose build runs COMMAND after it has made m.ko. SECRETS in it is the path of a
# directory of root's. LINEs are added to its dkms.conf.
attack() # COMMAND [LINE...]
{
	local command=$1

	shift
	machine
	kernel $K
	module m 1.0 'MAKE[0]="sh attack.sh $kernel_source_dir"' 'CLEAN=true' "$@"
	printf '%s\n' 'set -e' 'make -C "$1" M="$PWD" modules' "${command//SECRETS/$machine/private}" > "$sourcetree/m-1.0/attack.sh"
	mkdir "$machine/private"
	printf 'secret of root' > "$machine/private/secret"
	cp "$machine/private/secret" "$machine/private/m.ko"
	chmod 0600 "$machine/private"/*
	dkms add m/1.0 > /dev/null
}

# Builds m and checks that nothing secret got out, and that dkms did not wait for anything.
builds() # STATUS DESCRIPTION [PATTERN]
{
	status=0
	timeout 60 "$DKMS" build m/1.0 -k $K "${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" || status=$?
	err=$(cat "$work/err")
	is "$status" "$1" "$2"
	[ -z "${3:-}" ] || like "$err" "$3" "$2: the error says why"
	is "$(grep -rl 'secret of root' "$dkmstree" "$work/out" "$work/err")" "" "$2: no secret gets out"
	is "$(find "$dkmstree" -name '.job*')" "" "$2: nothing is left"
}

modules()
{
	attack 'ln -sf SECRETS/m.ko m.ko'
	builds 7 "a module that is a link to a file of root's" "did not build m.ko, .*/m.ko is behind a link or is one"
	attack 'mv m.ko n.ko; ln -s n.ko m.ko'
	builds 7 "a module that is a link to another file" "did not build m.ko, .*/m.ko is behind a link or is one"
	attack 'rm m.ko; mkfifo m.ko'
	builds 7 "a module that is a FIFO" "did not build m.ko, .*/m.ko is not a regular file"
	attack 'rm m.ko; mkdir m.ko'
	builds 7 "a module that is a directory" "did not build m.ko, .*/m.ko is not a regular file"
	attack 'rm m.ko; truncate -s 8T m.ko'
	builds 7 "a module of 8 TiB" "did not build m.ko, .*/m.ko has 8796093022208 bytes, and at most 1073741824"
	attack 'rm m.ko'
	builds 7 "a missing module" "make succeeded and did not build m.ko, which .*dkms.conf names$"
}

directories()
{
	attack 'mkdir real; mv m.ko real; ln -s real out' 'BUILT_MODULE_LOCATION="out"'
	builds 0 "a directory of modules that is a link within the build directory"
	attack 'mkdir -p a/b real; mv m.ko real; ln -s ../../real a/b/out' 'BUILT_MODULE_LOCATION="a/b/out"'
	builds 0 "a link up to another directory"
	attack 'mkdir sub; mv m.ko sub' 'BUILT_MODULE_LOCATION="/sub/"'
	builds 0 "a directory with a slash before it"
	attack 'ln -s SECRETS out' 'BUILT_MODULE_LOCATION="out"'
	builds 7 "a directory of modules that is a link to one of root's" "did not build out/m.ko, .* leads out of"
	attack 'mkdir sub; ln -s ../../../../../../../../../../../../../../../../proc/self/root/SECRETS sub/out' \
		'BUILT_MODULE_LOCATION="sub/out"'
	builds 7 "a link through /proc" "did not build sub/out/m.ko, .* leads out of"
}

symvers()
{
	attack 'rm Module.symvers; truncate -s 8T Module.symvers'
	builds 1 "a Module.symvers of 8 TiB" "/Module.symvers has 8796093022208 bytes, and at most 134217728"
	attack 'rm Module.symvers; mkfifo Module.symvers'
	builds 0 "a Module.symvers that is a FIFO"
	attack 'ln -sf SECRETS/secret Module.symvers'
	builds 0 "a Module.symvers that is a link"
}

# Modules with which libkmod, which reads them, ends the process: the number of the section of names is
# larger than that of sections.
elf()
{
	local break='printf "\377\0" | dd of=m.ko bs=1 seek=62 conv=notrunc 2> /dev/null'

	attack "$break" 'STRIP=no'
	builds 1 "a module that ends the program that reads it" \
		"m.ko is not a module that can be read: the program that looks at it was killed by signal 6"
	is "$(state m 1.0 $K)" added "it is not built"
	module good 1.0
	dkms add good/1.0 > /dev/null
	dkms_exits 11 "the same with another module" autoinstall -k $K
	is "$(state good 1.0 $K) $(state m 1.0 $K)" "installed added" "the other module is installed"
	attack 'echo text > m.ko' 'STRIP=no'
	builds 0 "a module that is a text" "warning: .*m.ko is not a kernel module"
	attack 'truncate -s 100 m.ko' 'STRIP=no'
	builds 0 "a module that is cut off" "warning: .*m.ko is not a kernel module"
}

# The module that is in the kernel's tree, and is compared with the new one, is such a file.
elf_installed()
{
	machine
	kernel $K
	kernel_module $K kernel/fs/m.ko 0.9
	printf '\377\0' | dd of="$installtree/$K/kernel/fs/m.ko" bs=1 seek=62 conv=notrunc 2> /dev/null
	module m 1.0
	dkms_exits 6 "a module of the kernel that ends the program that reads it" install m/1.0 -k $K
	like "$err" "m.ko is not installed: .*/m.ko or .*/kernel/fs/m.ko is not a module .* signal 6" \
		"the error names both modules"
	is "$(state m 1.0 $K)" built "the new module is built"
}

# Makes the source of a package whose patches are a link to TARGET, and a patch of the administrator.
linked_patches() # TARGET
{
	machine
	kernel $K
	module m 1.0 'PATCH=fix.patch'
	mkdir -p "$machine/cron.d" "$sourcetree/m-1.0/debian/patches" "$etc/m/patches/sub/empty"
	chmod 0777 "$machine/cron.d"
	ln -s "$1" "$sourcetree/m-1.0/patches"
	printf '%s\n' '--- /dev/null' '+++ b/fixed' '@@ -0,0 +1 @@' '+fixed' > "$etc/m/patches/fix.patch"
	ln -sf fix.patch "$etc/m/patches/link.patch"
	echo other > "$etc/m/patches/sub/other"
}

# dkms writes patches of the administrator over those of the package, as root.
patches()
{
	local link

	private_etc || {
		skip "no mount namespace" "patches of the administrator"
		return
	}
	linked_patches debian/patches
	dkms_exits 0 "patches that are a link within the source" build m/1.0 -k $K
	linked_patches ./debian/../debian/patches
	dkms_exits 0 "a link with .." build m/1.0 -k $K
	ln -s /nowhere "$sourcetree/m-1.0/debian/patches/fix.patch"
	dkms_exits 0 "a patch that is a link is replaced" build m/1.0 -k $K --force
	ok "its target is not made" test ! -e /nowhere
	for link in "$work/machine$((machines + 1))/cron.d" ../../../../../cron.d \
		"../../../../../../../../../../../../..$work/machine$((machines + 1))/cron.d"; do
		linked_patches "$link"
		rm -r "$sourcetree/m-1.0/debian"
		dkms_exits 1 "patches that are a link to $link" build m/1.0 -k $K
		like "$err" "/patches leads out of |/patches is a link to a missing file" "the error names the link"
		is "$(ls -A "$machine/cron.d")" "" "nothing is written there"
		# Such a link below a directory of patches.
		rm "$sourcetree/m-1.0/patches"
		mkdir "$sourcetree/m-1.0/patches"
		ln -s "$machine/cron.d" "$sourcetree/m-1.0/patches/sub"
		dkms_exits 1 "a link below the patches" build m/1.0 -k $K
		like "$err" "/patches/sub leads out of " "the error names the link"
		is "$(ls -A "$machine/cron.d")" "" "nothing is written there"
	done
	like "$err" "replace the link by a directory, or remove $etc/m/patches" "the remedy"
	rm -r "$etc/m"
}

# Large files that are not large on the disk.
sources()
{
	attack true
	truncate -s 8T "$sourcetree/m-1.0/data"
	builds 1 "a source with a file of 8 TiB" "cannot copy .* No space left on device"
	rm "$sourcetree/m-1.0/data"
	mkfifo "$sourcetree/m-1.0/data"
	builds 0 "a source with a FIFO"
}

modules
directories
symvers
elf
elf_installed
patches
sources
finish
