#!/bin/bash
# dkms why: what is installed, from what it was built, and what modprobe takes.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
private_etc || skip_all "namespaces are not permitted here"

machine
kernel $K
kernel $K7
add evdi 1.0
dkms_exits 1 "why without a module" why
dkms_exits 3 "a module that is not known" why none
dkms_exits 0 "what is only added" why evdi
is "$out" "evdi/1.0: added, built for no kernel" "it says so"
dkms install evdi/1.0 -k $K > /dev/null
dkms build evdi/1.0 -k $K7 > /dev/null
dkms_exits 0 "why" why evdi
like "$out" "^evdi/1.0 for $K: installed, built on 20[0-9-]+ [0-9:]+$" "what is installed, and when it was built"
like "$out" "^  source         $sourcetree/evdi-1.0$" "from what"
like "$out" "^  evdi           modprobe takes this one$" "modprobe takes it"
like "$out" "^evdi/1.0 for $K7: built, built on" "what is built"
is "$(grep -c modprobe <<< "$out")" 1 "modprobe does not matter for that"
run_dkms why evdi -k $K --json
is "$(jq -c '.schema, (.builds[] | [.module, .kernel, .state, .running, .from_archive, .stale, .files[0].name, .files[0].modprobe, .files[0].modprobe_takes_it, .files[0].loaded])' <<< "$out" | paste -sd' ')" \
	"\"dkms-why-1\" [\"evdi\",\"$K\",\"installed\",false,false,null,\"evdi\",\"$installtree/$K/$dest/evdi.ko\",true,false]" "--json"
echo '/* new */' >> "$sourcetree/evdi-1.0/evdi.c"
run_dkms why evdi/1.0 -k $K
like "$out" "^  changed since  its source has changed: dkms install evdi/1.0 -k $K --force$" "what has changed since"
# Another file wins.
mkdir -p "$installtree/$K/extra"
kernel_module $K updates/evdi.ko 9.9
rm "$installtree/$K/$dest/evdi.ko"
depmod -b "$machine" $K 2> /dev/null || true
run_dkms why evdi -k $K
like "$out" "modprobe takes another file: $installtree/$K/updates/evdi.ko$" "another file that modprobe takes"
rm "$installtree/$K/updates/evdi.ko"
depmod -b "$machine" $K 2> /dev/null || true
run_dkms why evdi -k $K
like "$out" "modprobe does not find it: depmod has not seen it$" "a file that depmod does not know"
# Nothing is there.
dkms unbuild evdi/1.0 -k $K7 > /dev/null
echo '#error "no such thing"' >> "$sourcetree/evdi-1.0/evdi.c"
run_dkms build evdi/1.0 -k $K7
dkms skip evdi -k $K7 > /dev/null
rm "$installtree/$K7/build"
dkms_exits 0 "a kernel for which nothing is built" why evdi -k $K7
is "$out" "evdi/1.0 for $K7: not built
  skipped        dkms unskip evdi -k $K7
  build failed   dkms log evdi/1.0 -k $K7
  no headers     in $installtree/$K7/build" "all reasons are named"
# This kernel.
kernel "$(uname -r)"
loaded=$(find /sys/module -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -xE '[a-z][a-z0-9_]*' | head -1)
if [ -n "$loaded" ]; then
	add "$loaded" 1.0
	dkms install "$loaded/1.0" -k "$(uname -r)" > /dev/null
	run_dkms why "$loaded"
	like "$out" "^$loaded/1.0 for $(uname -r) \(running\): installed" "the running kernel"
	like "$out" "modprobe takes this one, loaded$" "a module of that name is loaded"
else
	skip "no module is in /sys/module"
fi
finish
