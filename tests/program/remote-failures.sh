#!/bin/bash
# What may go wrong with a remote cache, and what happens then: the exit status, what is installed, how often it
# is counted and said, and what of the run goes on. The rows stand in the order of a table:
#
#	server down, name unknown     off after a second, for the rest of the run; one warning
#	slow                          after two seconds, or the time of a build, the module is built
#	cut short, wrong digest, ...  a miss that counts as bad and is told with its address
#	an answer without its pack    a miss; what is built then replaces both
#	401, 403                      that direction is off for the run; one warning
#	507, 500 to PUT               uploads stop; the exit status is that of the run
#	--remote-only                 a miss is an error
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"
# shellcheck source=tests/lib/servers.sh
. "$top_srcdir/tests/lib/servers.sh"

[ -n "$private" ] || skip_all "needs a mount namespace"
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
for tool in python3 jq zstd; do
	command -v $tool > /dev/null || skip_all "no $tool"
done

# Makes a machine that has built nothing; WRITES is "writes" if it has the key of the signer.
fresh() # WRITES
{
	rm -rf "$machine/fresh"
	dkmstree=$machine/fresh/dkms
	trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree" --cache-dir "$machine/fresh/cache")
	mkdir -p "$dkmstree"
	: > /etc/dkms/framework.conf
	[ "$1" != writes ] || echo "remote_sign_key=$work/build1.sec" > /etc/dkms/framework.conf
	dkms add m/1.0 > /dev/null
	dkms add n/1.0 > /dev/null
	: > log
}

# Installs both modules on a fresh machine. They are what a clean build makes, and the exit status is 0.
installs() # DESCRIPTION READS|WRITES URL COUNTS WARNINGS: COUNTS are hits, misses, and how many of the misses are bad
{
	local began

	fresh "$2"
	began=$(date +%s%N)
	dkms_exits 0 "$1" autoinstall -k $K --remote "$3" --json
	took=$((($(date +%s%N) - began) / 1000000))
	is "$(jq -c '[.remote.hits, .remote.misses, .remote.bad]' <<< "$out")" "$4" "$1: hits, misses, bad"
	like "$(grep -c warning <<< "$err" || true)" "^($5)$" "$1: $5 warnings"
	ok "$1: the modules are those of a clean build" \
		diff -r <(cd "$dkmstree" && cksum ./*/*/$K/"$arch"/module/*) "$work/clean"
}

# Prints how many requests of a kind there were.
asked() { grep -c "^$1 " log || true; }

cached_machine
module m 1.0
module n 1.0
mkdir -p /etc/dkms/remote.d
cd "$work"
fault_server
dkms_exits 0 "a key is made" remote keygen build1
cp build1.pub /etc/dkms/remote.d/
fresh reads
dkms_exits 0 "a clean build" autoinstall -k $K --no-cache
(cd "$dkmstree" && cksum ./*/*/$K/"$arch"/module/*) > clean
fresh writes
dkms_exits 0 "a builder" autoinstall -k $K --remote "$server/ok"
is "$(asked PUT)" 4 "has written two results, and two for dkms remote why"
cp -r ac ac.good

# Makes everything as the builder has left it, and changes the answer for m.
forge() # HOW
{
	local file

	rm -rf ac
	cp -r ac.good ac
	# Another answer has the title, too, but no record of what was built: that for dkms remote why.
	file=$(grep -la 'title m/1.0' ac/* | xargs grep -laP '\x06record')
	echo "remote_sign_key=$work/build1.sec" > /etc/dkms/framework.conf
	python3 "$top_srcdir/tests/lib/forge-result.py" "$file" "$DKMS remote sign" "$1"
}

deaf_server
for url in "$deaf" http://127.0.0.1:1 http://no.such.name.invalid; do
	installs "server down: $url" reads "$url" "[0,2,0]" 1
	note "after $took ms"
done

for how in delay=60000 stall=0 stall=100 drip=300; do
	installs "slow: $how" reads "$server/$how" "[0,2,0]" "0|1"
	note "after $took ms"
done

installs "cut short" reads "$server/cut=100" "[0,2,0]" 0
for how in flip=300 flip=1500; do
	installs "a bit of each answer has changed: $how" reads "$server/$how" "[0,2,2]" 1
	like "$err" "2 answers were not used: $server/$how/ac/[0-9a-f]{64}: " "$how: an address is told"
done
for how in unsigned other bomb terabyte; do
	forge $how
	installs "$how" reads "$server/ok" "[1,1,1]" 1
	like "$err" "not used: $server/ok/ac/[0-9a-f]{64}: " "$how: its address is told"
done

# Prints the memory that a run needs at most, in MB.
peak() # ARGUMENT...
{
	fresh reads
	python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$DKMS" "$@" "${trees[@]}"
}

forge bomb
with=$(peak autoinstall -k $K --remote "$server/ok")
without=$(peak autoinstall -k $K)
ok "a bomb of 1 GB needs less than 50 MB ($with MB, $without MB without)" test "$with" -lt $((without + 50))
rm -rf ac
cp -r ac.good ac

# A pack that does not fit into the answer.
module l 1.0
echo "MODULE_INFO(data, \"$(head -c 90000 /dev/urandom | base64 -w 0)\");" >> "$sourcetree/l-1.0/l.c"
fresh writes
dkms add l/1.0 > /dev/null
dkms_exits 0 "a large module" build l/1.0 -k $K --remote "$server/ok"
blob=$(sed -n 's,^PUT /ok/cas/,cas/,p' log)
rm "$blob"
fresh writes
dkms add l/1.0 > /dev/null
dkms_exits 0 "an answer without its pack" build l/1.0 -k $K --remote "$server/ok" --json
is "$(jq -c '[.remote.hits, .remote.misses, .remote.bad, .remote.pushed]' <<< "$out") $err" "[0,1,0,1] " "is a miss, and no warning"
is "$(sed -n 's,^PUT /ok/\([a-z]*\)/.*,\1,p' log | paste -sd' ') $(asked GET)" "cas ac ac 3" "what is built then replaces both"
fresh reads
dkms add l/1.0 > /dev/null
dkms_exits 0 "another machine" build l/1.0 -k $K --remote "$server/ok" --json
is "$(jq -c '[.remote.hits, .remote.misses, .remote.bad]' <<< "$out")" "[1,0,0]" "gets that"

# One direction.
for code in 401 403; do
	rm -rf ac
	installs "$code to GET" writes "$server/get-status=$code" "[0,2,0]" 1
	is "$(asked PUT)" 0 "$code to GET: what cannot be looked up is not replaced"
	installs "$code to PUT" writes "$server/put-status=$code" "[0,2,0]" 1
	is "$(asked GET)" 4 "$code to PUT: GETs go on"
	cp -r ac.good ac
	installs "$code to PUT, nothing to upload" writes "$server/put-status=$code" "[2,0,0]" 0
done
for code in 500 507; do
	rm -rf ac
	installs "$code to PUT" writes "$server/put-status=$code" "[0,2,0]" 1
	ok "$code to PUT: uploads stop" test "$(asked PUT)" -le 2
done

fresh reads
dkms_exits 22 "--remote-only, and nobody has built it" install m/1.0 -k $K --remote "$server/ok" --remote-only
is "$(find "$dkmstree" -name '*.ko*' -o -name make.log)" "" "nothing is compiled"
forge other
fresh reads
run_dkms autoinstall -k $K --remote "$server/ok" --remote-only --json
is "$status $(jq -c '[.jobs[] | select(.kind == "install" and .module == ("m", "n")) | .module, .status]' <<< "$out")" \
	'11 ["m",22,"n",0]' "--remote-only, and one answer is wrong"
is "$(find "$dkmstree" -path '*/module/*.ko' -printf '%f\n' | sort -u)" n.ko "only what is right is installed"
finish
