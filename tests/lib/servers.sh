# shellcheck shell=bash
# Servers of objects on free ports of the loopback interface, which end with the test, and requests to
# them. For tests that have sourced tap.sh.
# shellcheck disable=SC2034,SC2154

transfer_tool=$(realpath "${top_builddir:?}")/tests/lib/transport-tool
transfer_program=$(realpath "$top_builddir")/transfer/dkms-remote-transfer
server_pids=()
servers_end()
{
	[ ${#server_pids[@]} -eq 0 ] || kill "${server_pids[@]}" 2> /dev/null || true
	server_pids=()
	tap_end
}
trap servers_end EXIT
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY

# Starts a command that prints a line; sets $line to it.
start_server() # COMMAND...
{
	local i

	"$@" > "$work/server.out" 2> "$work/server.err" < /dev/null &
	server_pids+=($!)
	for ((i = 0; i < 200; i++)); do
		line=$(head -n 1 "$work/server.out")
		[ -z "$line" ] || return 0
		sleep 0.05
	done
	tail -n 20 "$work/server.err" | sed 's/^/# /'
	echo "Bail out! A server does not start."
	exit 1
}

# Sets $server to the address of a server of tests/lib/fault-server.py, which keeps its objects in $work.
fault_server()
{
	start_server python3 "$top_srcdir/tests/lib/fault-server.py" "$work"
	server=http://127.0.0.1:$line
}

# Sets $deaf to the address of a server that accepts no connection: its queue is full.
deaf_server()
{
	start_server python3 -c '
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(0)
fill = [socket.socket() for i in range(8)]
for f in fill:
    f.setblocking(False)
    f.connect_ex(s.getsockname())
print(s.getsockname()[1], flush=True)
time.sleep(3600)'
	deaf=http://127.0.0.1:$line
}

# Makes requests; sets $result to how they ended, without the address of the server, and $ms to the
# time that they took.
transfer() # [OPTION=VALUE]... REQUEST...
{
	local time

	"$transfer_tool" "$transfer_program" "$@" > "$work/transfer.out" 2> "$work/transfer.time" || true
	result=$(sed "s,${server:-no server}/,,g" "$work/transfer.out")
	time=$(tail -n 1 "$work/transfer.time")
	ms=$(awk -v s="$time" 'BEGIN { printf "%d", s * 1000 }')
}
