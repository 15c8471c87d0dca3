# shellcheck shell=bash
# Servers of objects on free ports of the loopback interface, which end with the test, and requests to
# them. For tests that have sourced tap.sh and set $transfer_tool to tests/lib/transport-tool.
# shellcheck disable=SC2034,SC2154

transfer_program=$(realpath "${top_builddir:?}")/transfer/dkms-remote-transfer
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

	: > "$work/server.out"
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
	start_server python3 "$top_srcdir/tests/lib/deaf-server.py"
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

# Makes ca.crt, server.crt, server.key, client.crt and client.key in $work. The server is localhost.
certificates()
{
	local name

	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=authority" -keyout "$work/ca.key" -out "$work/ca.crt"
	for name in server client; do
		openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$work/$name.key" -out "$work/$name.csr"
		openssl x509 -req -days 2 -in "$work/$name.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial \
			-extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") -out "$work/$name.crt"
	done
}

# Sets $ports to numbers of ports on which nobody listens.
free_ports() # NUMBER
{
	ports=$(python3 -c '
import socket, sys
sockets = [socket.socket() for i in range(int(sys.argv[1]))]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])' "$1")
}

# Starts a server, and waits until it listens on the port.
run_server() # PORT COMMAND...
{
	local port=$1 i

	shift
	"$@" > "$work/server.out" 2>&1 < /dev/null &
	server_pids+=($!)
	for ((i = 0; i < 200; i++)); do
		if (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then return 0; fi
		sleep 0.05
	done
	tail -n 20 "$work/server.out" | sed 's/^/# /'
	echo "Bail out! ${*:1:1} does not start."
	exit 1
}
