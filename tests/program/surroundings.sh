#!/bin/bash
# dkms where it is called as cron, su, a chroot or a script does: with a short PATH, with
# POSIXLY_CORRECT, without /proc, without a directory for temporary files, with unusual names of
# kernels and packages.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
real=$DKMS

# Makes a program that runs dkms after COMMAND.
wrapped() # COMMAND...
{
	write_script "$work/wrapper" "exec $* '$real' \"\$@\""
	DKMS=$work/wrapper
}

short_path()
{
	local path

	for path in PATH=/usr/bin:/bin PATH=/bin:/usr/bin:/usr/local/bin PATH= -uPATH; do
		machine
		kernel $K
		module hello 1.0 'POST_INSTALL=post'
		write_script "$sourcetree/hello-1.0/post" "echo \"\$PATH\" > '$work/path'"
		wrapped env "$path"
		dkms_exits 0 "install with $path" install hello/1.0 -k $K
		is "$(state hello 1.0 $K)" installed "it is installed"
		like "$(cat "$installtree/$K/modules.dep")" "^$dest/hello\.ko:" "depmod has run"
		like ":$(cat "$work/path"):" ":/usr/sbin:" "the scripts of a package find programs of the system, too"
		dkms_exits 0 "remove with $path" remove hello/1.0 --all
		ok "depmod has run again" eval '! grep -q hello "$installtree/$K/modules.dep"'
	done
	# Directories that are there already are not added again, and keep their place.
	wrapped env "PATH=/usr/sbin:/sbin:/usr/bin:/bin"
	dkms install hello/1.0 -k $K > /dev/null
	is "$(cat "$work/path")" "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin" "PATH is only completed"
	DKMS=$real
}

posixly_correct()
{
	machine
	kernel $K
	module hello 1.0
	wrapped env POSIXLY_CORRECT=1
	dkms_exits 0 "build hello/1.0 -k with POSIXLY_CORRECT" build hello/1.0 -k $K
	is "$(state hello 1.0 $K)" built "the options after the command are taken"
	dkms_exits 0 "options on both sides" -k $K install hello/1.0 --force
	is "$(state hello 1.0 $K)" installed "they are taken"
	DKMS=$real
}

option_errors()
{
	dkms_exits 2 "an unknown letter before known ones" build -zq
	is "$err" "dkms: unknown option -z" "the error names the option, not the command"
	dkms_exits 2 "an unknown letter after known ones" build -qz hello/1.0
	is "$err" "dkms: unknown option -z" "the error names the option"
	dkms_exits 2 "an unknown long option" build --frob hello/1.0
	is "$err" "dkms: unknown option --frob" "the error names it"
	dkms_exits 2 "an unknown long option with a value" build --frob=x hello/1.0
	is "$err" "dkms: unknown option --frob=x" "the error names it"
	dkms_exits 2 "a value for an option that takes none" build --force=x hello/1.0
	is "$err" "dkms: --force takes no argument" "the error says so"
	exits 2 "a letter without its value" "$DKMS" build hello/1.0 -qk
	like "$(cat "$work/tap.out")" "^dkms: -k needs an argument$" "the error names the letter"
	exits 2 "a long option without its value" "$DKMS" build hello/1.0 --kernelver
	like "$(cat "$work/tap.out")" "^dkms: --kernelver needs an argument$" "the error names the option"
}

without_proc()
{
	if [ -z "$private" ] || ! ${CC:-cc} -shared -fPIC -o "$work/hide-proc.so" "$top_srcdir/tests/lib/hide-proc.c" 2> /dev/null
	then
		skip "needs a mount namespace and a compiler" "no /proc"
		return
	fi
	write_script "$work/no-proc" 'exec unshare --mount --propagation private env \
		ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0 \
		LD_PRELOAD='"$work/hide-proc.so"' "$@"'
	ok "(/proc can be hidden)" "$work/no-proc" sh -c 'test ! -e /proc/self'
	wrapped "$work/no-proc"
	machine
	kernel $K
	module hello 1.0
	module stuck 1.0
	echo '#error "no such thing"' >> "$sourcetree/stuck-1.0/stuck.c"
	dkms_exits 0 "--version without /proc" --version
	is "$out" "dkms-4.0.0" "it prints the version"
	dkms_exits 0 "add without /proc" add hello/1.0
	dkms_exits 0 "build without /proc" build hello/1.0 -k $K
	is "$(state hello 1.0 $K)" built "it is built"
	like "$err" "no sandbox: /proc is not mounted" "a warning says what is missing"
	dkms_exits 0 "install without /proc" install hello/1.0 -k $K
	is "$(state hello 1.0 $K)" installed "it is installed"
	dkms_exits 0 "status without /proc" status
	is "$out" "hello/1.0, $K, $arch: installed" "it prints the status"
	dkms_exits 0 "mktarball without /proc" mktarball hello/1.0 -k $K --archive "$work/hello.tar.gz"
	dkms_exits 0 "mkdeb without /proc" mkdeb hello/1.0 -k $K --archive "$work/hello.deb"
	ok "the package is there" dpkg-deb --info "$work/hello.deb"
	dkms_exits 10 "a build that fails" build stuck/1.0 -k $K
	dkms_exits 11 "autoinstall" autoinstall -k $K
	dkms_exits 1 "--sandbox=require" build stuck/1.0 -k $K --sandbox=require
	like "$err" "/proc is not mounted" "the error names the cause"
	dkms_exits 0 "remove without /proc" remove hello/1.0 --all
	is "$(state hello 1.0 $K)" absent "it is removed"
	dkms_exits 0 "ldtarball without /proc" ldtarball "$work/hello.tar.gz" --force
	is "$(state hello 1.0 $K)" built "it is loaded"
	check_no_temporaries
	DKMS=$real
}

# The pipes of job slots are gone.
check_no_temporaries()
{
	is "$(find "$TMPDIR" -maxdepth 1 -name 'dkms*' ! -path "$work" | wc -l)" 0 "no temporary file is left"
}

temporary_dir()
{
	local bad action args

	machine
	kernel $K
	module hello 1.0
	: > "$work/a-file"
	for bad in /nonexistent "$work/a-file"; do
		for action in add build install autoinstall; do
			args=("$action" -k "$K")
			[ $action = autoinstall ] || args+=(hello/1.0)
			TMPDIR=$bad dkms_exits 1 "$action with TMPDIR=$bad" "${args[@]}"
			like "$err" "^dkms: $bad is no directory for temporary files" "the error names the directory"
		done
		is "$(state hello 1.0 $K)" absent "nothing was changed before that was noticed"
	done
	TMPDIR=/nonexistent dkms_exits 0 "status needs no temporary files" status
}

missing_modules()
{
	machine
	kernel $K
	module hello 1.0
	dkms build hello/1.0 -k $K > /dev/null
	rm "$dkmstree/hello/1.0/$K/$arch/module"/*
	dkms_exits 0 "status of an empty module directory" status
	is "$out" "hello/1.0, $K, $arch: built (Built modules are missing in the kernel modules folder)" "the modules are missing"
	dkms_exits 6 "install of an empty module directory" install hello/1.0 -k $K
	like "$err" "^ *dkms build hello/1\.0 -k $K --force$" "the error says how they are built again"
	dkms_exits 0 "that" build hello/1.0 -k $K --force
	dkms_exits 0 "install then" install hello/1.0 -k $K
	rm "$dkmstree/hello/1.0/$K/$arch/module"/*
	dkms_exits 0 "build of an empty module directory" build hello/1.0 -k $K
	is "$(ls "$dkmstree/hello/1.0/$K/$arch/module")" "Module.symvers
hello.ko" "builds the modules again"
	is "$(state hello 1.0 $K)" installed "what is installed stays"
}

# autoinstall builds again what is missing in the dkms tree.
mended_modules()
{
	machine
	kernel $K
	add one 1.0
	add two 1.0 'BUILT_MODULE_NAME[0]=two' 'BUILT_MODULE_NAME[1]=other' 'DEST_MODULE_LOCATION[1]=/extra'
	write_sources "$sourcetree/two-1.0" 1.0 two other
	add none 1.0
	sed -i '/MODULE/d' "$sourcetree/none-1.0/dkms.conf"
	echo 'BUILT_MODULE_NAME=()' >> "$sourcetree/none-1.0/dkms.conf"
	dkms install none/1.0 -k $K > /dev/null 2>&1
	dkms build one/1.0 -k $K > /dev/null
	dkms install two/1.0 -k $K > /dev/null
	# An older build, of which nothing is known.
	rm "$dkmstree/one/1.0/$K/$arch/module"/* "$dkmstree/one/1.0/$K/$arch/log/inputs"
	rm "$dkmstree/two/1.0/$K/$arch/module/other.ko" "$installtree/$K/$dest/other.ko"
	dkms_exits 0 "status --verbose with modules missing" status --verbose
	is "$(grep -c "(stale: a built module is missing in the dkms tree)$" <<<"$out")" 2 "says that autoinstall mends it"
	dkms_exits 0 "autoinstall" autoinstall -k $K
	is "$(grep -c "is stale: a built module is missing in the dkms tree$" <<<"$out")" 2 "says why it builds"
	is "$(cd "$installtree/$K/$dest" && ls -x)" "one.ko	other.ko  two.ko" "all modules are installed"
	dkms_exits 0 "autoinstall" autoinstall -k $K
	is "$out$err" "" "once"
	mv "$sourcetree/one-1.0" "$sourcetree/two-1.0" "$work"
	rm "$dkmstree/two/1.0/$K/$arch/module/other.ko"
	dkms_exits 0 "without the source" autoinstall -k $K
	is "$(state two 1.0 $K)" broken "nothing is built"
}

names_of_kernels()
{
	local name

	machine
	kernel $K
	kernel $K7
	ln -s $K "$installtree/current"
	ln -s "$installtree/$K7" "$installtree/newest"
	ln -s current "$installtree/same"
	module hello 1.0
	dkms_exits 0 "build --all with links to kernels" build hello/1.0 --all
	is "$(dkms status | cut -d' ' -f2 | paste -sd' ')" "$K, $K7," "a link to another kernel is not one more"
	for name in $K/ $K// $K/$arch $K/$arch/; do
		dkms_exits 0 "build -k $name" build hello/1.0 -k $name
		like "$out" "hello/1\.0 for $K: already built" "it is the same kernel"
	done
	dkms_exits 0 "the same kernel twice" build hello/1.0 -k $K -k $K/ --force
	is "$(grep -c 'built in' <<< "$out")" 1 "it is built once"
	dkms_exits 0 "status -k $K/" status -k $K/
	is "$out" "hello/1.0, $K, $arch: built" "it shows this kernel"
	dkms_exits 16 "only a slash" build hello/1.0 -k /
}

# The order is that of the lines of other versions of dkms.
order()
{
	local name

	machine
	for name in alx alx-wol alx.b alxa alx+ zlib; do
		module $name 1.0
		dkms add $name/1.0 > /dev/null
	done
	is "$(dkms status | paste -sd' ')" "$(dkms status | sort | paste -sd' ')" "status sorts the names as their lines"
	like "$(dkms status | paste -sd' ')" "^alx\+/1.0: added alx-wol/1.0: added alx.b/1.0: added alx/1.0: added alxa/" "alx-wol comes before alx"
}

# --no-cache writes nothing to the directory of the cache, not even what builds have taken.
no_cache()
{
	[ -n "$private" ] || {
		skip "needs a mount namespace" "the cache's directory"
		return
	}
	machine
	kernel $K
	module hello 1.0
	dkms_exits 0 "install --no-cache" install hello/1.0 -k $K
	is "$(find /var/cache -mindepth 1)" "" "there is no directory of a cache"
	trees=("${trees[@]/--no-cache/}")
	trees=("${trees[@]:0:6}")
	dkms_exits 0 "(a build with the cache)" build hello/1.0 -k $K --force
	ok "(it has a history)" test -s /var/cache/dkms/v1/history
	cksum /var/cache/dkms/v1/history > "$work/before"
	dkms_exits 0 "build --no-cache" build hello/1.0 -k $K --force --no-cache
	dkms_exits 0 "autoinstall --no-cache" autoinstall -k $K --no-cache
	is "$(cksum /var/cache/dkms/v1/history)" "$(cat "$work/before")" "the history is as before"
}

short_path
posixly_correct
option_errors
without_proc
temporary_dir
missing_modules
mended_modules
names_of_kernels
order
no_cache
finish
