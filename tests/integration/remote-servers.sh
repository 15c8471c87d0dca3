#!/bin/bash
# Objects on real web servers, nginx and Apache, with TLS, HTTP/2, client certificates and passwords. They
# listen on free ports of the loopback interface, with a configuration in $work, and end with the test.
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"
transfer_tool=${top_builddir:?}/tests/lib/transport-tool
# shellcheck source=tests/lib/servers.sh
. "$top_srcdir/tests/lib/servers.sh"

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
chmod 711 "$work"
certificates > "$work/certificates.log" 2>&1
seq 20000 > "$work/object"
size=$(stat -c %s "$work/object")
printf user:secret > "$work/password"
printf user:wrong > "$work/wrong"
echo "user:$(openssl passwd -apr1 secret)" > "$work/htpasswd"
chmod 644 "$work/htpasswd"

objects=()
gets=()
puts=()
for i in {100..139}; do
	objects+=("cas/$(printf '%064d' "$i")")
	gets+=(get "cas/$(printf '%064d' "$i")")
	puts+=(put "cas/$(printf '%064d' "$i")" "$work/object")
done

# libcurl would ask before it sends more than 1 MB.
large=cas/$(printf '%064d' 7)
head -c 3000000 /dev/urandom > "$work/large"

# Puts and gets all objects, and compares the last one.
moves() # DESCRIPTION OPTION=VALUE...
{
	local name=$1

	shift
	rm -rf "$work/into" && mkdir "$work/into"
	transfer "$@" "${puts[@]}"
	is "$(echo "$result" | sort | uniq -c | sed 's/^ *//')" "40 found $size $url" "$name: 40 objects are put"
	transfer "$@" into="$work/into" "${gets[@]}" get "cas/$(printf '%064d' 9)"
	is "$(echo "$result" | sort | uniq -c | sed 's/^ *//')" "40 found $size $url
1 missing 0" "$name: and got, but for one that was never put"
	ok "$name: with the same bytes" cmp "$work/object" "$work/into/$(printf '%064d' 139)"
	transfer "$@" into="$work/into" put "$large" "$work/large" wait get "$large"
	is "$result" "found 3000000 $url
found 3000000 $url" "$name: an object of 3 MB is put and got"
	ok "$name: with the same bytes, too" cmp "$work/large" "$work/into/${large#*/}"
}

# All fails with one warning.
refused() # DESCRIPTION WHY OPTION=VALUE...
{
	local name=$1 why=$2

	shift 2
	transfer "$@" get "${objects[0]}" wait get "${objects[1]}"
	like "$result" "^failed 0 $url: $why
off 0
warning: $url: $why; it is not (used any more|read from) in this run$" "$name"
}

nginx()
{
	local plain secure private

	command -v nginx > /dev/null || { skip "it is not installed" "nginx"; return; }
	mkdir -p "$work/nginx/www"
	free_ports 3
	read -r plain secure private <<< "$ports"
	"$top_srcdir/tests/lib/nginx-conf" "$work/nginx" '$server_port $server_protocol $request_method $status $connection' \
		> "$work/nginx/nginx.conf" <<CONF
	ssl_certificate $work/server.crt;
	ssl_certificate_key $work/server.key;
	server { listen 127.0.0.1:$plain; }
	server {
		listen 127.0.0.1:$secure ssl http2;
		ssl_client_certificate $work/ca.crt;
		ssl_verify_client on;
	}
	server {
		listen 127.0.0.1:$private ssl http2;
		auth_basic private;
		auth_basic_user_file $work/htpasswd;
	}
CONF
	run_server "$private" command nginx -p "$work/nginx" -e "$work/nginx/error.log" -c "$work/nginx/nginx.conf"
	url=http://127.0.0.1:$plain
	moves "nginx" url=$url
	url=https://127.0.0.1:$secure
	moves "nginx with a client certificate" url=$url ca="$work/ca.crt" certificate="$work/client.crt" key="$work/client.key"
	is "$(awk -v port="$secure" '$1 == port { print $2 }' "$work/nginx/access.log" | sort -u)" "HTTP/2.0" "by HTTP/2"
	is "$(awk -v port="$secure" '$1 == port { print $5 }' "$work/nginx/access.log" | sort -u | wc -l)" 3 \
		"over one connection for each run"
	refused "without one" "it answers with HTTP status 400" url=$url ca="$work/ca.crt"
	refused "with a certificate that nobody trusts" ".*certificate.*" url=$url certificate="$work/client.crt" \
		key="$work/client.key"
	refused "with the certificate of another authority" ".*certificate.*" url=$url ca="$work/client.crt"
	url=https://localhost:$private
	moves "nginx with a password" url=$url ca="$work/ca.crt" password="$work/password"
	refused "with another password" "it refuses access .HTTP status 401." url=$url ca="$work/ca.crt" password="$work/wrong"
	refused "without one" "it refuses access .HTTP status 401." url=$url ca="$work/ca.crt"
}

apache()
{
	local binary modules="" dir port module

	binary=$(command -v apache2 || command -v httpd || true)
	[ -n "$binary" ] || { skip "it is not installed" "Apache"; return; }
	for dir in /usr/lib/apache2/modules /usr/lib64/apache2-mpm_event /usr/lib64/httpd/modules /usr/lib/httpd/modules; do
		[ ! -e "$dir/mod_dav_fs.so" ] || modules=$dir
	done
	[ -n "$modules" ] || { skip "it has no mod_dav_fs" "Apache"; return; }
	mkdir -p "$work/apache/www/ac" "$work/apache/www/cas"
	# Apache does not make directories for a PUT, and does not run as root.
	chmod -R a+rX "$work/apache"
	[ "$(id -u)" -ne 0 ] || chown -R 65534 "$work/apache"
	free_ports 1
	port=$ports
	{
		for module in mpm_event dav dav_fs ssl http2 auth_basic authn_file authn_core authz_core authz_user unixd \
			socache_shmcb log_config
		do
			[ ! -e "$modules/mod_$module.so" ] || echo "LoadModule ${module}_module $modules/mod_$module.so"
		done
		cat <<CONF
ServerName localhost
ServerRoot $work/apache
PidFile $work/apache/pid
DefaultRuntimeDir $work/apache
Mutex file:$work/apache default
ErrorLog $work/apache/error.log
LogFormat "%H %m %s" short
CustomLog $work/apache/access.log short
User #65534
Group #65534
Listen 127.0.0.1:$port
Protocols h2 http/1.1
SSLEngine on
SSLCertificateFile $work/server.crt
SSLCertificateKeyFile $work/server.key
DocumentRoot $work/apache/www
DavLockDB $work/apache/locks
<Directory $work/apache/www>
	Dav on
	AuthType Basic
	AuthName private
	AuthUserFile $work/htpasswd
	Require valid-user
</Directory>
CONF
	} > "$work/apache/apache.conf"
	run_server "$port" "$binary" -d "$work/apache" -f "$work/apache/apache.conf" -D FOREGROUND
	url=https://localhost:$port
	moves "Apache with a password" url=$url ca="$work/ca.crt" password="$work/password"
	is "$(awk '{ print $1 }' "$work/apache/access.log" | sort -u)" "HTTP/2.0" "by HTTP/2"
	refused "with another password" "it refuses access .HTTP status 401." url=$url ca="$work/ca.crt" password="$work/wrong"
}

# s3rver is a package of npm. It does not compute signatures: tests/program/transport.sh looks at these.
s3()
{
	local input=${DKMS_INPUT_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/dkms-input}/npm port program

	program=$input/node_modules/.bin/s3rver
	command -v node > /dev/null && command -v npm > /dev/null || { skip "npm is not installed" "S3"; return; }
	[ -x "$program" ] || npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$input" s3rver@3.7.1 \
		> "$work/npm.log" 2>&1 || { skip "s3rver cannot be had" "S3"; return; }
	free_ports 1
	port=$ports
	mkdir "$work/s3"
	run_server "$port" node "$program" --silent -d "$work/s3" -a 127.0.0.1 -p "$port" --configure-bucket dkms
	url=http://localhost:$port/dkms
	printf S3RVER:S3RVER > "$work/password"
	moves "S3" url=$url password="$work/password" sigv4=aws:amz:us-east-1:s3
	printf WRONG:S3RVER > "$work/wrong"
	transfer url=$url password="$work/wrong" sigv4=aws:amz:us-east-1:s3 put "${objects[0]}" "$work/object" \
		wait put "${objects[1]}" "$work/object"
	is "$result" "failed 0 $url: it refuses uploads (HTTP status 403)
off 0
warning: $url: it refuses uploads (HTTP status 403); nothing more is uploaded in this run" "S3 with a key that it does not know"
}

nginx
apache
s3
finish
