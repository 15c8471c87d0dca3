#!/bin/bash
# How dkms and the servers of a remote cache know each other: the settings remote_password_file,
# remote_aws_signing, remote_ca, remote_cert and remote_key.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/lib/servers.sh
. "$top_srcdir/tests/lib/servers.sh"

[ -n "$private" ] || skip_all "needs a mount namespace"
command -v python3 > /dev/null || skip_all "python3 is not installed"

# Sets what framework.conf says.
settings() # LINE...
{
	printf '%s\n' "$@" > /etc/dkms/framework.conf
}

machine
private_etc
mkdir -p /etc/dkms
fault_server
certificates > "$work/certificates.log" 2>&1
umask 077
echo user:secret > "$work/password"
echo user:other > "$work/wrong"
echo nobody > "$work/bad"
echo KEY:SECRET > "$work/aws"

settings "remote_password_file=$work/password"
dkms_exits 0 "a server that wants a password" remote status --remote "$server/basic"
like "$out" "basic answers" "it answers"
settings "remote_password_file=$work/wrong"
dkms_exits 1 "another password" remote status --remote "$server/basic"
like "$err" "it refuses access .HTTP status 401" "it is refused"
settings
dkms_exits 1 "no password" remote status --remote "$server/basic"
settings "remote_password_file=$work/bad"
dkms_exits 8 "a file without a password" remote status --remote "$server/basic"
settings "remote_password_file=password"
dkms_exits 8 "a relative path" remote status --remote "$server/basic"
settings "remote_password_file=$work/none"
dkms_exits 1 "a file that is missing" remote status --remote "$server/basic"
settings "remote_password_file=$work/aws" remote_aws_signing=aws:amz:eu-central-1:s3
dkms_exits 0 "a server that wants signed requests" remote status --remote "$server/sigv4"

plain=$server
start_server python3 "$top_srcdir/tests/lib/fault-server.py" "$work" --tls "$work/server.crt" "$work/server.key" \
	"$work/ca.crt"
server=https://localhost:$line
settings "remote_ca=$work/ca.crt" "remote_cert=$work/client.crt" "remote_key=$work/client.key"
dkms_exits 0 "a server that wants a certificate" remote status --remote "$server/ok"
settings "remote_ca=$work/ca.crt" "remote_cert=$work/client.crt" "remote_key=$work/client.key" \
	"remote_password_file=$work/password"
dkms_exits 0 "a server that wants a password, too" remote status --remote "$server/basic"
for name in remote_ca remote_cert remote_key remote_password_file; do
	settings "$name=/missing"
	dkms_exits 1 "a missing file for $name" remote status --remote "$server/ok"
	like "$err" "/missing" "is named"
done
settings "remote_ca=$work/ca.crt"
dkms_exits 1 "no certificate" remote status --remote "$server/ok"
settings "remote_cert=$work/client.crt" "remote_key=$work/client.key"
dkms_exits 1 "a server with an authority that is not known" remote status --remote "$server/ok"
like "$err" "certificate" "says so"
dkms_exits 0 "one server after the other" remote status --remote "$plain/ok"

# A build that has no user of its own, in a namespace in which only root is a user, sees the directory
# that they are in.
cp "$work/client.key" "$work/password" "$etc/"
dkms remote keygen "$etc/fleet" > /dev/null
kernel $K
module m 1.0 PRE_BUILD=pre.sh
write_script "$sourcetree/m-1.0/pre.sh" "for f in client.key password fleet.sec fleet.pub; do" \
	"echo \"\$f has \$(cat $etc/\$f 2> /dev/null | wc -c) bytes\"" 'done'
settings "remote_key=$etc/client.key" "remote_password_file=$etc/password" "remote_sign_key=$etc/fleet.sec" "sandbox_paths=$etc"
if unshare --user --map-root-user true 2> /dev/null; then
	ok "a build in a namespace whose only user is root" unshare --user --map-root-user "$DKMS" build m/1.0 -k $K "${trees[@]}"
	is "$(grep '^[a-z.]* has [0-9]' "$dkmstree"/m/1.0/*/*/log/make.log | sed 's/ [1-9][0-9]* / some /' | paste -sd,)" \
		"client.key has 0 bytes,password has 0 bytes,fleet.sec has 0 bytes,fleet.pub has some bytes" "it cannot read the keys and the password"
fi
finish
