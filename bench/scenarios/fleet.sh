# shellcheck shell=bash disable=SC2154
# Measures dkms itself with a remote cache, nginx on the loopback interface: many modules on a machine that has
# built nothing, against the same from its own cache, with and without latency; 50 clients at once, against
# bench/fleet-simulation; a server that has nothing, and one that does not answer. The modules are one real .ko
# under many names, which their makefiles copy, because it does not matter here what a build costs.

dir=$work/trees/fleet
PATH=$PATH:/usr/sbin:/sbin
many=$(pick 1000 300 6)
some=$(pick 100 30 4)
few=$(pick 10 10 2)
clients=$(pick 50 50 5)
turns=$(pick 5 3 1)
make_installed "$work/trees/played" 1 1 # makes $work/ko
discard "$work/trees/played"

# A module that costs nothing to build.
add_copied() # NAME
{
	add_played "$dir" "$1" "cp acpi_call $1.ko"
	cp "$work/ko/acpi_call.ko" "$dir/src/$1-1.0/acpi_call"
}

# Removes what was built, from a dkms tree and the tree of the kernel, and adds N modules.
wipe() # DKMS-TREE N
{
	local i

	discard "$1" "$dir/lib/modules/$kernel/updates"
	mkdir -p "$1"
	for ((i = 0; i < $2; i++)); do
		mkdir -p "$1/copied$i/1.0"
		ln -s "$dir/src/copied$i-1.0" "$1/copied$i/1.0/source"
	done
}

# Prints the options for a dkms tree and a cache.
at() { echo "--dkmstree $1 --sourcetree $dir/src --installtree $dir/lib/modules --cache-dir $2 -k $kernel"; }

# Checks what the last run says of the remote cache: hits and misses.
expect_remote() # HITS MISSES
{
	[ "$(jq -r '"\(.remote.hits) \(.remote.misses) \(.remote.bad)"' "$work/stdout")" = "$1 $2 0" ] ||
		die "$scenario: not $1 hits and $2 misses: $(jq -c .remote "$work/stdout")"
}

# Prints the CPU time of nginx until now, in seconds.
server_cpu() { awk -v hz="$(getconf CLK_TCK)" '{ n += $14 + $15 } END { print n / hz }' /proc/{"$nginx_pid","$worker_pid"}/stat; }

new_trees "$dir" "$kernel"
for ((i = 0; i < many; i++)); do
	add_copied "copied$i"
done

# A port for nginx, and one that accepts no connection, because its queue is full.
exec {ports}< <(exec python3 "$top/tests/lib/deaf-server.py" 1)
pids=($!)
trap 'kill "${pids[@]}" 2> /dev/null' EXIT
read -r plain deaf <&"$ports"
mkdir -p "$dir/www"
"$top/tests/lib/nginx-conf" "$dir" '$request_time $bytes_sent' > "$dir/nginx.conf" \
	<<< "server { listen 127.0.0.1:$plain backlog=1024; }"
nginx -p "$dir" -e "$dir/error.log" -c "$dir/nginx.conf" > "$dir/out" 2>&1 < /dev/null &
nginx_pid=$!
pids+=("$nginx_pid")
for ((i = 0; i < 100; i++)); do
	! (: < "/dev/tcp/127.0.0.1/$plain") 2> /dev/null || break
	sleep 0.05
done
worker_pid=$(pgrep -P "$nginx_pid" | head -n 1)

# One machine builds and writes everything.
(cd "$dir" && "${program[ours]}" remote keygen bench > /dev/null)
mkdir -p /etc/dkms/remote.d
cp "$dir/bench.pub" /etc/dkms/remote.d/
cp /etc/dkms/framework.conf "$dir/framework.conf"
url=http://127.0.0.1:$plain
echo "remote_sign_key=$dir/bench.sec" >> /etc/dkms/framework.conf
wipe "$dir/dkms" "$many"
# shellcheck disable=SC2046
"${program[ours]}" autoinstall $(at "$dir/dkms" "$dir/cache") > "$work/stdout" 2>&1 ||
	{ tail "$work/stdout" >&2; die "$scenario: the modules cannot be built"; }
# shellcheck disable=SC2046
"${program[ours]}" remote push --cache-dir "$dir/cache" --remote "$url" > "$work/stdout" 2>&1 ||
	{ tail "$work/stdout" >&2; die "$scenario: the modules cannot be written"; }
cp "$dir/framework.conf" /etc/dkms/framework.conf

# What a cache has that knows the headers of the kernel, but no module.
cp -a "$dir/cache" "$dir/cold"
find "$dir/cold/v1"/{entries,objects} -type f -delete

# "ours" has a cold store, "new" has no cache at all, and "local" has everything.
run_installs() # PROGRAM
{
	local cache=$dir/fresh options=(--remote "$from")

	wipe "$dir/dkms" "$n"
	discard "$dir/fresh"
	[ "$1" != ours ] || cp -a "$dir/cold" "$dir/fresh"
	if [ "$1" = local ]; then
		cache=$dir/cache
		options=()
	fi
	# shellcheck disable=SC2046
	take "$1" "${program[ours]}" autoinstall $(at "$dir/dkms" "$cache") ${options[@]+"${options[@]}"} --json
	[ "$1" = local ] || expect_remote "$n" 0
	[ "$(jq '[.jobs[] | select(.kind == "install" and .cache == "hit")] | length' "$work/stdout")" -eq "$n" ] ||
		die "$scenario: not all modules are from a cache"
}

n=$many
from=$url
row fleet-many "$n modules from a remote cache"
compare run_installs "ours=$turns local=$turns new=$turns"
end_row
n=$some
for ms in 0 20 50; do
	from=$url
	if [ "$ms" -gt 0 ]; then
		exec {proxy}< <(exec python3 "$top/tests/lib/delay-proxy.py" "$plain" "$ms")
		pids+=($!)
		read -r port <&"$proxy"
		from=http://127.0.0.1:$port
	fi
	row "fleet-latency-$ms" "$n modules from a remote cache, $ms ms away"
	compare run_installs "ours=$turns local=$turns"
	end_row
done

# All clients at once, each with a cache and trees of its own, which are at the same place for each of them.
cat > "$dir/clients" <<END
#!/bin/bash
set -eu
pids=()
for ((i = 0; i < \$1; i++)); do
	unshare --mount --propagation private sh -euc 'mount --bind "\$0" "\$1"; shift; exec "\$@"' \
		"$dir/client\$i.modules" "$dir/lib/modules" "${program[ours]}" autoinstall \
		$(at "$dir/client\$i" "$dir/client\$i.cache") --remote "$url" --remote-only --json > "$dir/client\$i.json" &
	pids+=(\$!)
done
for pid in "\${pids[@]}"; do
	wait "\$pid"
done
END
chmod +x "$dir/clients"

# Makes fresh clients, and runs them; sets $requests to how many requests there were.
run_clients() # NUMBER
{
	local i

	for ((i = 0; i < $1; i++)); do
		discard "$dir/client$i".{cache,json,modules}
		cp -a "$dir/lib/modules" "$dir/client$i.modules"
		wipe "$dir/client$i" "$few"
	done
	: > "$dir/access.log"
	server_before=$(server_cpu)
	take ours "$dir/clients" "$1"
	server_s=$(awk -v a="$(server_cpu)" -v b="$server_before" 'BEGIN { print a - b }')
	[ "$(jq -s 'map(.remote.hits) | add' "$dir"/client*.json)" -eq $(($1 * few)) ] ||
		die "$scenario: not all clients have got all modules"
	requests=$(wc -l < "$dir/access.log")
	[ "$requests" -eq $(($1 * few)) ] || die "$scenario: $requests requests for $1 clients with $few modules"
}

run_all_clients() { run_clients "$clients"; }

row fleet-clients "$clients clients with $few modules each at once"
unrecorded run_clients 1
unrecorded run_clients 1
alone=$(jq --argjson server "$server_s" '.cpu_s + $server' "$work/figures")
rm -f "$dir"/client*.json
compare run_all_clients "ours=$turns"
jq -s --argjson clients "$clients" --argjson modules "$few" --argjson requests "$requests" --argjson cores "$cores" \
	--argjson alone "$alone" '{$clients, $modules, $requests, $cores, alone_cpu_s: $alone,
		wall_s: ([.[] | select(.program).wall_s] | sort | .[length / 2 | floor])}' "$work/row" > "$dir/real.json"
"$top/bench/fleet-simulation" --check "$dir/real.json" > "$dir/simulated.json" ||
	say "    the simulation is off: $(cat "$dir/simulated.json")"
jq -c '{simulated: .}' "$dir/simulated.json" >> "$work/row"
end_row
cp "$dir/access.log" "$out/fleet-trace"

# A real module that nobody has built: what asking costs.
module=$(module acpi-call)
mkdir -p "$dir/dkms"
cp -R "$root/usr/src/${module/\//-}" "$dir/src/"
run_misses() # PROGRAM
{
	local options=()

	[ "$1" != ours ] || options=(--remote "$url/none")
	discard "$dir/fresh"
	wipe "$dir/dkms" 0
	# shellcheck disable=SC2046
	"${program[ours]}" add "$module" $(on "$dir") > "$work/stdout" 2>&1
	# shellcheck disable=SC2046
	take "$1" "${program[ours]}" build "$module" $(at "$dir/dkms" "$dir/fresh") ${options[@]+"${options[@]}"} --json
	[ "$1" != ours ] || expect_remote 0 1
}

row fleet-miss "${module%/*} that nobody has built"
compare run_misses "ours=$turns alone=$turns"
end_row

run_dead() # PROGRAM
{
	local options=()

	[ "$1" != ours ] || options=(--remote "http://127.0.0.1:$deaf")
	discard "$dir/fresh"
	wipe "$dir/dkms" "$few"
	# shellcheck disable=SC2046
	take "$1" "${program[ours]}" autoinstall $(at "$dir/dkms" "$dir/fresh") ${options[@]+"${options[@]}"} --json
	[ "$1" != ours ] || expect_remote 0 "$few"
}

row fleet-dead "$few modules, with a server that does not answer"
compare run_dead "ours=$turns alone=$turns"
end_row
