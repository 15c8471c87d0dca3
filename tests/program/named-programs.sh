#!/bin/bash
# Programs that the administrator names in the make command of the command line are shown to the
# build, wherever they are. What a dkms.conf names is not.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"
[ -n "$private" ] || skip_all "needs a mount namespace"
bwrap --ro-bind / / --unshare-all true 2>/dev/null || skip_all "needs bubblewrap"

tmp=/tmp/$(basename "$work")-programs
# shellcheck disable=SC2016
script='echo "MODULE_INFO(wrapper, \"one$*\");" >> m.c; exec make -C $kernel_source_dir M=$PWD'

# Builds with a make command, and checks what the wrapper has written.
builds_with() # COMMAND VALUE DESCRIPTION
{
	dkms_exits 0 "$3" build m/1.0 -k $K --force --no-cache --directive "MAKE=$1"
	is "$(module_field wrapper "$dkmstree/m/1.0/$K/$arch/module/m.ko")" "$2" "$3: it ran"
}

wrappers()
{
	builds_with $tmp/wrapper one "a program in /tmp"
	builds_with "'$tmp/wrapper'" one "in quotes, as Falco has it"
	builds_with "'$tmp/wrapper' -x y" "one-x y" "with arguments"
	builds_with "env X=1 $tmp/wrapper" one "run by another program"
	builds_with "sh /home/joe/bin/plain" one "a script that is not executable"
	builds_with /home/joe/bin/wrapper one "a program in a home"
	builds_with $tmp/link one "a link in /tmp"
	builds_with /home/joe/link one "a link in a home to /tmp"
	builds_with $tmp/chain one "a link to a link"
	builds_with $tmp/dir/wrapper one "a link in its path"
	builds_with $tmp/interpreted one "a script whose interpreter is in a home"
	builds_with /srv/closed one "a script that only root may run"
	builds_with ./own one "a relative path is one in the build directory"
	printf '%s\n' 'PRE_BUILD=pre.sh' 'POST_BUILD=post.sh' >> "$sourcetree/m-1.0/dkms.conf"
	write_script "$sourcetree/m-1.0/pre.sh" 'echo x > /tmp/left'
	write_script "$sourcetree/m-1.0/post.sh" 'test -e /tmp/left' "test -x $tmp/wrapper || test -x $tmp/link"
	builds_with $tmp/wrapper one "scripts before and after it"
	builds_with $tmp/link one "scripts before and after a link"
	sed -i /_BUILD/d "$sourcetree/m-1.0/dkms.conf"
}

# What stays hidden.
not_shown()
{
	local command

	write_script "$sourcetree/m-1.0/look" 'ls -A /tmp /home /home/joe /srv 2> /dev/null > listing' \
		"echo x 2> /dev/null >> $tmp/wrapper" "exec $tmp/wrapper"
	dkms_exits 0 "a build looks around" build m/1.0 -k $K --force --no-cache --directive "MAKE=./look $tmp/wrapper"
	is "$(cat $tmp/wrapper)" "$(printf '#!/bin/sh\n%s' "$script")" "it cannot change the program"
	dkms_exits 10 "a program that the dkms.conf names" build named/1.0 -k $K --no-cache
	for command in "MAKE=$tmp/other" "PRE_BUILD=$tmp/wrapper" "CLEAN=$tmp/wrapper"; do
		dkms_exits 10 "$command does not show it" build named/1.0 -k $K --no-cache --directive "$command" \
			--directive "MAKE=\$(echo $tmp)/wrapper"
	done
	[ "$real_user" -eq 0 ] || return 0
	# A key that only root may read is no program.
	echo secret > /srv/key
	chmod 0600 /srv/key
	dkms_exits 10 "a secret is named" build m/1.0 -k $K --force --no-cache --directive "MAKE=cat /srv/key; false"
	is "$(grep -c secret "$dkmstree"/m/1.0/build/*/make.log)" 0 "it is not shown"
}

# The program is an input of the build.
cached()
{
	local with=(--directive "MAKE=$1")

	sed -i 's/"one/"cached/' "$(realpath "$1")"
	builds_cached "$miss" "$1: the first build" "${with[@]}"
	builds_cached "$hit" "$1: the second one" "${with[@]}"
	sed -i 's/"cached/"two/' "$(realpath "$1")"
	matters "$1: the program" "${with[@]}"
	is "$(module_field wrapper "$dkmstree/m/1.0/$K/$arch/module/m.ko")" two "$1: the new one ran"
	sed -i 's/"two/"one/' "$(realpath "$1")"
	echo x > $tmp/unrelated
	builds_cached "$miss" "$1: the program as it was before" "${with[@]}"
	does_not_matter "$1: another file beside it" "${with[@]}"
}

cached_machine
mount -t tmpfs -o mode=0755 home /home
mkdir -p /srv
mount -t tmpfs -o mode=0755 srv /srv
mkdir -p /home/joe/bin /home/joe/dir
write_script $tmp/wrapper "$script"
write_script /home/joe/bin/wrapper "$script"
write_script /home/joe/dir/wrapper "$script"
echo "$script" > /home/joe/bin/plain
cp "$(command -v bash)" /home/joe/bin/shell
printf '#!/home/joe/bin/shell\n%s\n' "$script" > $tmp/interpreted
write_script /srv/closed "$script"
chmod 0755 $tmp/interpreted
chmod 0700 /srv/closed
ln -s /home/joe/bin/wrapper $tmp/link
ln -s $tmp/wrapper /home/joe/link
ln -s link $tmp/chain
ln -s /home/joe/dir $tmp/dir
module m 1.0
module named 1.0 "MAKE=$tmp/wrapper"
write_script "$sourcetree/m-1.0/own" "$script"
dkms add m/1.0 > /dev/null
dkms add named/1.0 > /dev/null
wrappers
not_shown
cached $tmp/wrapper
cached $tmp/link
rm -r $tmp
finish
