# shellcheck shell=bash disable=SC2154
# Measures how fast objects come from a web server, nginx on the loopback interface: by the program that
# dkms uses, and by curl --parallel, which writes them to files. And how long a dead server holds up a run.

dir=$work/trees/remote
tool=$build/tests/lib/transport-tool
transfer=$build/transfer/dkms-remote-transfer
PATH=$PATH:/usr/sbin:/sbin
n=$(pick 1000 300 20)
mkdir -p "$dir/www/cas" "$dir/to"
gets=()
paths=()
for ((i = 0; i < n; i++)); do
	path=cas/$(printf '%064d' "$i")
	head -c 40000 /dev/urandom > "$dir/www/$path" # as large as a usual module that was compressed
	paths+=("$path")
	gets+=(get "$path")
done

# Two free ports, and one that accepts no connection, because its queue is full.
exec {ports}< <(exec python3 "$top/tests/lib/deaf-server.py" 2)
deaf_pid=$!
read -r plain secure deaf <&"$ports"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout "$dir/key" -out "$dir/certificate" 2> /dev/null
"$top/tests/lib/nginx-conf" "$dir" '$status' > "$dir/nginx.conf" <<CONF
	ssl_certificate $dir/certificate;
	ssl_certificate_key $dir/key;
	server { listen 127.0.0.1:$plain; }
	server { listen 127.0.0.1:$secure ssl http2; }
CONF
nginx -p "$dir" -e "$dir/error.log" -c "$dir/nginx.conf" > "$dir/out" 2>&1 < /dev/null &
nginx_pid=$!
trap 'kill $nginx_pid $deaf_pid' EXIT
for ((i = 0; i < 100; i++)); do
	! (: < "/dev/tcp/127.0.0.1/$secure") 2> /dev/null || break
	sleep 0.05
done

run_remote() # PROGRAM
{
	case $1 in
	ours)
		take ours "$tool" "$transfer" "url=$url" "ca=$dir/certificate" "${gets[@]}"
		expect_lines "$n" "^found 40000 " ours
		;;
	curl)
		discard "$dir/to" && mkdir "$dir/to"
		for path in "${paths[@]}"; do
			printf 'url="%s/%s"\noutput="%s/%s"\n' "$url" "$path" "$dir/to" "${path#*/}"
		done > "$dir/config"
		take curl curl -s -S --cacert "$dir/certificate" --parallel --parallel-max 50 --config "$dir/config"
		[ "$(find "$dir/to" -size 40000c | wc -l)" -eq "$n" ] || die "curl has not got all objects"
		;;
	esac
}

run_dead() # PROGRAM
{
	take "$1" "$tool" "$transfer" "url=http://127.0.0.1:$deaf" times="$n" "${gets[@]:0:2}"
	expect_lines 1 "^0 of $n found" "$1"
}

url=http://localhost:$plain
row remote-http "$n objects of 40 kB from a server, HTTP"
compare run_remote "$(pick "ours=7 curl=7" "ours=3 curl=3" "ours=1 curl=1")"
end_row
url=https://localhost:$secure
row remote-https "$n objects of 40 kB from a server, HTTPS with HTTP/2"
compare run_remote "$(pick "ours=7 curl=7" "ours=3 curl=3" "ours=1 curl=1")"
end_row
row remote-dead "$n objects from a server that does not answer"
compare run_dead "ours=$(pick 3 2 1)"
end_row
