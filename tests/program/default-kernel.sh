#!/bin/bash
# Which kernel does a command act on? Without -k, where the running kernel is not installed, as in a
# chroot; and with -k, where that is a link to the directory of another kernel.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
K10=4.19.0-10-amd64
running=$(uname -r)
says="the running kernel $running is not installed here; without -k"

add() # NAME VERSION [LINE...]
{
	module "$@"
	dkms add "$1/$2" > /dev/null 2>&1
}

without_k()
{
	machine
	kernel $K7
	kernel $K10
	kernel $K
	dkms_exits 0 "add" add "$(module one 1.0; echo one/1.0)"
	is "$err" "" "add says nothing of kernels"
	dkms_exits 0 "build without -k" build one/1.0
	is "$(state one 1.0 $K10)" built "builds for the newest kernel, by its version"
	is "$err" "dkms: warning: $says, build acts on the newest kernel that is: $K10" "says so once"
	is "$(grep -c "$running" <<<"$out")" 0 "and not on standard output"
	dkms_exits 0 "install without -k, --json" install one/1.0 --json
	is "$(jq -r '.jobs[] | select(.kind == "install") | .kernel' "$work/out")" $K10 "standard output is JSON"
	like "$err" "$says, install acts" "standard error says so"
	dkms_exits 0 "autoinstall --quiet" autoinstall --quiet
	is "$out$err" "" "says nothing"
	dkms_exits 0 "-k" build one/1.0 -k $K
	is "$err" "" "-k says nothing"
	dkms_exits 0 "status" status
	is "$err" "" "status says nothing"
	dkms_exits 0 "provenance" provenance one/1.0
	like "$err" "$says, provenance acts" "provenance acts on the newest, too"
	dkms_exits 0 "mktarball" mktarball one/1.0 --archive "$work/one.tar"
	like "$(tar -tf "$work/one.tar")" "$K10/.*one.ko" "mktarball packs for the newest"
	dkms_exits 0 "mkdeb of the source" mktarball one/1.0 --source-only --archive "$work/source.tar"
	is "$err" "" "what packs the source says nothing"
	dkms_exits 0 "autoinstall" autoinstall
	is "$(state one 1.0 $K10)" installed "installs there"
	rm -r "$installtree/$K10/kernel"
	dkms_exits 0 "build" build one/1.0 --force
	like "$err" "newest kernel that is: $K7" "a kernel that is installed goes before headers alone"
	rm -r "$installtree/$K7/kernel" "$installtree/$K/kernel"
	dkms_exits 0 "build" build one/1.0 --force
	like "$err" "newest kernel that is: $K10" "headers alone are better than nothing"
	ln -s $K7 "$installtree/9.9"
	dkms_exits 0 "build" build one/1.0 --force
	like "$err" "newest kernel that is: $K10" "a link is no kernel"
}

# Cases in which the running kernel is meant all the same.
running_kernel()
{
	machine
	kernel "$running"
	kernel 99.0
	add one 1.0
	dkms_exits 0 "install on the running kernel" install one/1.0
	is "$(state one 1.0 "$running") $err" "installed " "nothing is said"
	rm -r "${installtree:?}/$running"
	dkms_exits 0 "unbuild after the running kernel was removed" unbuild one/1.0
	is "$(state one 1.0 "$running")" added "what is built for it is removed"
	is "$err" "" "nothing is said"
	dkms_exits 0 "--kernelsourcedir" build one/1.0 --kernelsourcedir "$machine/usr/src/linux-headers-99.0"
	is "$(state one 1.0 "$running")" built "names the headers of the running kernel"
	machine
	add one 1.0
	dkms_exits 21 "no kernel at all" build one/1.0
	like "$err" "headers for $running" "the running one is missing"
}

# What removes never chooses another kernel than the running one.
removal()
{
	machine
	kernel $K
	kernel $K7
	add one 1.0
	dkms install one/1.0 -k $K > /dev/null
	dkms build one/1.0 -k $K7 > /dev/null
	for command in uninstall unbuild remove; do
		dkms_exits 0 "$command without -k" $command one/1.0
		is "$(state one 1.0 $K),$(state one 1.0 $K7)" installed,built "$command leaves other kernels alone"
	done
	is "$err" "dkms: warning: one/1.0 is not built for the running kernel $running; for others: dkms remove one/1.0 -k $K -k $K7" \
		"names those for which it is built"
	dkms_exits 0 "uninstall --json" uninstall one/1.0 --json
	is "$err" "dkms: warning: one/1.0 is not installed for the running kernel $running; for others: dkms uninstall one/1.0 -k $K" \
		"names those on which it is installed"
	dkms_exits 0 "--quiet" unbuild one/1.0 --quiet
	is "$out$err" "" "says nothing"
	kernel "$running"
	dkms build one/1.0 > /dev/null
	dkms_exits 0 "uninstall of what is only built" uninstall one/1.0
	like "$err" "not installed for the running kernel .* -k $K$" "names the others as well"
	dkms_exits 0 "unbuild" unbuild one/1.0
	is "$err" "" "says nothing where there is something to remove"
	dkms_exits 0 "-k" unbuild one/1.0 -k 1.0
	is "$err" "" "says nothing with -k"
	dkms_exits 0 "--all" remove one/1.0 --all
	is "$err$(ls "$dkmstree")" "" "removes all"
	add one 1.0
	dkms_exits 0 "remove of what was never built" remove one/1.0
	is "$err$(ls "$dkmstree")" "" "forgets it"
}

links()
{
	machine
	kernel $K
	kernel $K7
	ln -s $K "$installtree/current"
	ln -s "$installtree/$K" "$installtree/absolute"
	ln -s current "$installtree/twice"
	add one 1.0
	dkms_exits 0 "-k LINK" install one/1.0 -k current
	is "$(state one 1.0 $K)" installed "is the kernel that it leads to"
	ok "and no other one" test ! -e "$dkmstree/one/1.0/current"
	dkms_exits 0 "-k LINK, KERNEL and other links" build one/1.0 -k absolute -k $K -k twice/ -k $K7
	is "$(find "$dkmstree/one/1.0" -name module | wc -l)" 2 "are two kernels"
	dkms_exits 0 "status -k LINK" status -k current
	is "$out" "one/1.0, $K, $arch: installed" "shows that kernel"
	dkms_exits 2 "match from a kernel to itself" match --templatekernel current -k $K
	dkms_exits 0 "match from a LINK" match --templatekernel absolute -k $K7
	is "$(state one 1.0 $K7)" installed "copies from that kernel"
	dkms_exits 0 "kernel_prerm -k LINK" kernel_prerm -k twice
	is "$(state one 1.0 $K)" added "unbuilds for that kernel"
	ln -s nowhere "$installtree/broken"
	ln -s "$work" "$installtree/outside"
	for name in broken outside; do
		dkms_exits 21 "a link that leads to no kernel: $name" build one/1.0 -k $name
		like "$err" "headers for $name" "is itself"
	done
}

without_k
running_kernel
removal
links
finish
