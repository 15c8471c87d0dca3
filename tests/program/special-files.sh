#!/bin/bash
# FIFOs, directories and devices in the place of files that dkms reads: no command waits for them.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Runs dkms for at most a minute, much less than what waits for a FIFO. Sets $status, $out and $err.
in_time() # DESCRIPTION ARGUMENT...
{
	local description=$1

	shift
	status=0
	timeout -s KILL 60 "${DKMS:?}" "$@" "${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" || status=$?
	out=$(cat "$work/out")
	err=$(cat "$work/err")
	ok "$description: dkms $1 ends" test "$status" -ne 137
}

# Puts a file of that kind at PATH.
special() # KIND PATH
{
	rm -rf "$2"
	case $1 in
	fifo) mkfifo "$2" ;;
	directory) mkdir "$2" ;;
	link) mkfifo "$work/fifo" 2> /dev/null || true; ln -s "$work/fifo" "$2" ;;
	socket) perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or exit 1' "$2" ;;
	device) ln -s /dev/full "$2" ;;
	tty) ln -s /dev/ptmx "$2" ;;
	esac
}

# Replaces the dkms.conf of an installed module, as the owner of its directory may do at any time.
of_a_package()
{
	local kind

	for kind in fifo directory link socket device tty; do
		machine
		kernel $K
		module mod 1.0
		module other 1.0
		dkms install mod/1.0 -k $K > /dev/null
		dkms add other/1.0 > /dev/null
		special "$kind" "$sourcetree/mod-1.0/dkms.conf"
		in_time "$kind" status
		like "$out" "mod/1.0, $K, $arch: installed" "$kind: the module is listed"
		in_time "$kind" install other/1.0 -k $K
		is "$(state other 1.0 $K)" installed "$kind: another module is installed"
		in_time "$kind" autoinstall -k $K
		in_time "$kind" --complete "${trees[@]}" add ''
		in_time "$kind" --complete "${trees[@]}" status ''
		in_time "$kind" mktarball mod/1.0 --binaries-only -k $K --archive "$work/x.tar"
		in_time "$kind" mktarball mod/1.0 --source-only --archive "$work/x.tar"
		in_time "$kind" build mod/1.0 -k $K --force
		is "$status" 4 "$kind: its module is not built"
		like "$err" "there is no .*dkms.conf" "$kind: the error says why"
		in_time "$kind" add mod/1.0
		in_time "$kind" remove mod/1.0 --all
		is "$status" 0 "$kind: it is removed"
		in_time "$kind" add mod/1.0
		is "$status" 4 "$kind: it is not added"
	done
}

of_the_administrator()
{
	local kind

	private_etc || { skip "needs namespaces" "files in /etc/dkms"; return; }
	for kind in fifo socket device; do
		machine
		kernel $K
		module mod 1.0
		special "$kind" "$etc/mod.conf"
		in_time "$kind as an override" install mod/1.0 -k $K
		is "$status" 8 "$kind as an override: an error"
		like "$err" "$etc/mod.conf: .*not a regular file" "$kind as an override: the error says why"
		rm "$etc/mod.conf"
		special "$kind" "$etc/framework.conf"
		in_time "$kind as framework.conf" status
		is "$status" 8 "$kind as framework.conf: an error"
		like "$err" "$etc/framework.conf: .*not a regular file" "$kind as framework.conf: the error says why"
		rm "$etc/framework.conf"
		mkdir -p "$etc/framework.conf.d"
		special "$kind" "$etc/framework.conf.d/x.conf"
		in_time "$kind in framework.conf.d" status
		is "$status" 8 "$kind in framework.conf.d: an error"
		rm -r "$etc/framework.conf.d"
	done
	ln -s /dev/null "$etc/mod.conf"
	in_time "/dev/null as an override" install mod/1.0 -k $K
	is "$status" 0 "/dev/null as an override says nothing"
	rm "$etc/mod.conf"
}

# What a build leaves beside its modules, and what dkms keeps beside them.
in_the_trees()
{
	local path

	private_etc || { skip "needs namespaces" "files in the trees"; return; }
	machine
	kernel $K
	module mod 1.0 'BUILD_DEPENDS=dep' 'BUILD_DEPENDS_REBUILD=yes'
	module dep 1.0
	dkms install dep/1.0 -k $K > /dev/null
	dkms install mod/1.0 -k $K > /dev/null
	for path in "$K/$arch/.dep_dep" "$K/$arch/log/provenance.json" "$K/$arch/log/make.log" "$K/$arch/module/Module.symvers"; do
		special fifo "$dkmstree/mod/1.0/$path"
		in_time "$path" autoinstall -k $K
		in_time "$path" provenance mod/1.0 -k $K
		in_time "$path" mktarball mod/1.0 -k $K --archive "$work/x.tar"
		in_time "$path" build mod/1.0 -k $K --force
		in_time "$path" install dep/1.0 -k $K --force
	done
}

of_a_package
of_the_administrator
in_the_trees
finish
