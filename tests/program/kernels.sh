#!/bin/bash
# dkms kernels: which kernels are there, and which modules has each of them?
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
private_etc || skip_all "needs a mount namespace"

K7=4.19.0-7-amd64
K10=4.19.0-10-amd64
running=$(uname -r)

# Prints the lines of all kernels but the running one.
others()
{
	grep -v "^$running," <<< "$out"
}

machine
run_dkms kernels
is "$status $out$err" "0 $running, $arch: running, no image, no headers" "without any kernel: the running one"
kernel $K10
kernel $K
mkdir -p "$installtree/$K7/kernel" "$installtree/4.19.0-1-leftover/updates"
ln -s $K7 "$installtree/current"
add good 1.0
add good 1.1
add wifi 5.8 'MAKE="exit 3"'
add kept 1.0
rm "$sourcetree/kept-1.0/dkms.conf"
add held 2.0
run_dkms install good/1.0 -k $K
run_dkms install wifi/5.8 -k $K
run_dkms skip held -k $K
run_dkms kernels
order=$(printf '%s\n' $K $K7 $K10 | sort -V | sed 's/,.*//')
is "$(others | sed 's/,.*//')" "$order" "kernels in version order, without leftovers and other names"
is "$(grep "^$K," <<< "$out" | sed 's/newest, //')" \
	"$K, $arch: image, headers, installed good/1.0, failed wifi/5.8, skipped held/2.0" \
	"what a kernel has, what failed, what is kept off"
like "$out" "^$K7, $arch: (newest, )?image, no headers, missing good/1.1, missing held/2.0, missing wifi/5.8$" \
	"the newest version of what is missing, and no module without dkms.conf"
is "$(sed -n 's/,.*newest.*//p' <<< "$out")" "$(tail -n 1 <<< "$order")" "the newest of the installed ones"
is "$(grep -c ': running' <<< "$out")" 1 "one is running"

run_dkms kernels --json
query() { jq -r --arg k "$K" "$1" <<< "$out"; }
is "$(query '.schema, .running')" "dkms-kernels-1
$running" "the document"
is "$(query '.kernels[] | select(.kernel == $k) | [.arch, .image, .running, .installed, .missing, .failed, .skipped] | tojson')" \
	"[\"$arch\",true,false,[\"good/1.0\"],[],[\"wifi/5.8\"],[\"held/2.0\"]]" "a kernel in the document"
is "$(query '.kernels[] | select(.kernel == $k) | .headers')" "$installtree/$K/build" "where its headers are"
is "$(query '[.kernels[] | select(.headers == null and .image)] | length')" 1 "null without headers"

printf '%q ' "${DKMS:?}" kernels "${trees[@]}" > "$work/command"
out=$(TERM=dumb script -qec ". '$work/command'" /dev/null < /dev/null | tr -d '\r')
like "$out" "^KERNEL +IMAGE +HEADERS +INSTALLED +MISSING +FAILED$" "a table on a terminal"
like "$out" "^$K +(newest +)?yes +yes +1 +0 +wifi/5.8$" "its row of a kernel"

# A kernel that runs and is installed is not listed twice.
mkdir -p "$installtree/$running/kernel"
run_dkms kernels
like "$out" "^$running, $arch: running, (newest, )?image" "the running kernel is installed"
is "$(grep -c "^$running," <<< "$out")" 1 "it has one line"

run_dkms kernels extra
is "$status $out" "2 " "it takes no module"
like "$err" "dkms status extra" "it names the command that does"
rm -r "${installtree:?}"
: > "$installtree"
run_dkms kernels
is "$status $out" "1 " "an install tree that cannot be read"
like "$err" "cannot read" "it says so"
finish
