#!/bin/bash
# Fifty machines at once on one server: each gets all of its modules by one request each, and what a builder
# makes while they wait for it.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"
# shellcheck source=tests/lib/servers.sh
. "$top_srcdir/tests/lib/servers.sh"

[ -n "$private" ] || skip_all "needs a mount namespace"
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
command -v python3 > /dev/null || skip_all "python3 is not installed"
command -v jq > /dev/null || skip_all "jq is not installed"
private_modules || skip_all "there is no /lib/modules"

clients=50
modules=(a b c d)

# Makes the trees of a machine, which has the same kernels and sources as all others.
new_client() # NAME MODULE...
{
	local name

	dkmstree=$machine/$1/dkms
	trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$machine/$1/modules"
		--cache-dir "$machine/$1/cache" --remote "$url")
	mkdir -p "$dkmstree" "$machine/$1/modules"
	cp -a "$installtree/$K" "$machine/$1/modules/"
	for name in "${@:2}"; do
		dkms add "$name/1.0" > /dev/null
	done
}

# Runs autoinstall on all clients at once, and a function while they run; sets $failed to how many have failed,
# and $took to the milliseconds.
all_at_once() # FUNCTION ARGUMENT...
{
	local i pids=() began

	began=$(date +%s%N)
	for ((i = 0; i < clients; i++)); do
		"$DKMS" autoinstall -k $K --json "${@:2}" --dkmstree "$machine/$i/dkms" --sourcetree "$sourcetree" \
			--installtree "$machine/$i/modules" --cache-dir "$machine/$i/cache" --remote "$server/ok" \
			< /dev/null > "$machine/$i/json" 2> "$machine/$i/err" &
		pids+=($!)
	done
	"$1"
	failed=0
	for i in "${pids[@]}"; do
		wait "$i" || failed=$((failed + 1))
	done
	took=$((($(date +%s%N) - began) / 1000000))
}

# Prints what all clients say of the remote cache: hits, misses, bad.
said() { jq -s -c '[(map(.remote.hits) | add), (map(.remote.misses) | add), (map(.remote.bad) | add)]' "$machine"/[0-9]*/json; }

# Prints the clients that have other modules than the builder, or that said anything.
other_clients()
{
	local i

	for ((i = 0; i < clients; i++)); do
		diff -r "$machine/builder/built" "$machine/$i/modules/$K/$dest" > /dev/null || echo "$i has other modules"
		[ ! -s "$machine/$i/err" ] || sed "s/^/$i: /" "$machine/$i/err"
	done
}

cached_machine
for name in "${modules[@]}" late; do
	module $name 1.0
done
mkdir -p /etc/dkms/remote.d
cd "$work"
fault_server
url=$server/ok
dkms_exits 0 "a key is made" remote keygen build1
mv build1.pub /etc/dkms/remote.d/
echo "remote_sign_key=$work/build1.sec" > /etc/dkms/framework.conf

new_client builder "${modules[@]}"
dkms_exits 0 "one machine builds" autoinstall -k $K
cp -r "$machine/builder/modules/$K/$dest" "$machine/builder/built"
: > /etc/dkms/framework.conf
url=$server/delay=3000
for option in --json --remote-only; do
	new_client patient a
	dkms_exits 0 "a server that says nothing for three seconds, $option" install a/1.0 -k $K $option
	rm -rf "$machine/patient"
	case $option in
	--json) is "$(jq -c .remote.hits <<< "$out")" 0 "is not waited for, because the module can be built" ;;
	*) like "$out" "from the fleet" "is waited for, because it cannot" ;;
	esac
done
url=$server/ok
for ((i = 0; i < clients; i++)); do
	new_client $i "${modules[@]}"
done
: > log
all_at_once true --remote-only
note "$clients machines took $took ms"
is "$failed" 0 "$clients machines at once install"
is "$(said)" "[$((clients * ${#modules[@]})),0,0]" "all modules come from the fleet"
is "$(other_clients)" "" "all have what was built, and say nothing else"
is "$(sort log | cut -d/ -f1-3 | uniq -c | sed 's/^ *//')" "$((clients * ${#modules[@]})) GET /ok/ac" "by one request for each module"
is "$(sort -u log | wc -l)" ${#modules[@]} "all machines ask for the same keys"

# Builds what all others wait for.
build_late()
{
	ok "all machines ask" until_lines $clients
	new_client builder
	echo "remote_sign_key=$work/build1.sec" > /etc/dkms/framework.conf
	dkms add late/1.0 > /dev/null
	dkms_exits 0 "one machine builds what they wait for" autoinstall -k $K
	cp -r "$machine/builder/modules/$K/$dest/." "$machine/builder/built/"
}

until_lines() # N
{
	local i

	for ((i = 0; i < 600; i++)); do
		[ "$(grep -c GET log)" -lt "$1" ] || return 0
		sleep 0.1
	done
	return 1
}

for ((i = 0; i < clients; i++)); do
	new_client $i late
done
: > log
echo "remote_wait=120" > /etc/dkms/framework.conf
all_at_once build_late
note "$clients machines took $took ms, with $(grep -c GET log) requests"
is "$failed" 0 "$clients machines at once install what is built meanwhile"
is "$(said)" "[$clients,0,0]" "none of them builds"
is "$(grep -c PUT log)" 2 "it was built once, and written with what dkms remote why needs"
ok "they do not ask all the time" test "$(grep -c GET log)" -le $((clients * (2 + took / 1000)))
finish
