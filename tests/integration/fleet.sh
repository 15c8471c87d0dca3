#!/bin/bash
# A fleet of machines whose root directories mmdebstrap has made separately, and a web server. They share
# what they build, both ways, although all differs that does not matter to a build. A machine that has no
# compiler installs real modules with --remote-only, and they load in a virtual machine.
#
#	tests/integration/fleet.sh [NAME...]
#
# NAME is the package NAME-dkms; dm-writeboost is always there. Without any it takes five, because make check has
# no time for more. The following also build, and load in that machine: dpdk-kmods, rtpengine-kernel, xtrx, apfs.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/lib/read-conf.sh
. "${top_srcdir:?}/tests/lib/read-conf.sh"
# shellcheck source=tests/lib/virtual-machine.sh
. "$top_srcdir/tests/lib/virtual-machine.sh"
# shellcheck source=tests/lib/servers.sh
. "$top_srcdir/tests/lib/servers.sh"
[ $# -gt 0 ] || set -- acpi-call nat-rtsp vpoll rapiddisk langford

[ -n "$private" ] || skip_all "needs a mount namespace"
[ "$real_user" -eq 0 ] || skip_all "it needs root to trace builds"
for tool in mmdebstrap nginx jq python3; do
	command -v $tool > /dev/null || skip_all "no $tool"
done
fetch cloud-amd64:1 "$(IFS=, && echo "$*"),dm-writeboost"
back=$(printf '%s\n' "${modules[@]}" | grep ^dm-writeboost/)
mapfile -t modules < <(printf '%s\n' "${modules[@]}" | grep -v ^dm-writeboost/)
# Prints the packages with the libraries that dkms and its program for transfers load.
libraries()
{
	local file soname

	{
		ldd "$dkms" "$transfer_program" | sed -n 's|.*=> \(/[^ ]*\) .*|\1|p'
		find "$top_srcdir"/{base,builder,cache,cli} -name '*.c' -exec \
			sed -n 's/.*LIBRARY."\(lib[a-z]*\.so\.[0-9]*\)".*/\1/p' {} + | while read -r soname; do
			/sbin/ldconfig -p | sed -n "s|^\t$soname (.*x86-64.*) => ||p" | head -n 1
		done
	} | sort -u | while read -r file; do
		file=$(realpath "$file")
		dpkg -S "$file" "${file#/usr}" 2> /dev/null || true
	done | cut -d: -f1 | sort -u
}

# Mounts a layer over a root that mmdebstrap has made, in $work/NAME, and unpacks the packages of the kernel
# and of modules there. No script of theirs is run, and what they depend on is not asked for.
new_machine() # NAME ROOT
{
	local layers=$work/layers/$1 deb

	mkdir -p "$work/$1" "$layers/upper" "$layers/work"
	mount -t overlay -o "lowerdir=$machines/$2,upperdir=$layers/upper,workdir=$layers/work" dkms-test "$work/$1"
	sed -n 's/^deb //p' "$work/input" | while read -r deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -C "$work/$1" --keep-directory-symlink -xf -
	done
	depmod -b "$work/$1" "$kernel"
	mkdir -p "$work/$1/etc/dkms/remote.d"
	echo "remote=$url" > "$work/$1/etc/dkms/framework.conf"
}

# Runs a command on a machine, which has the root directory $work/NAME, a host name and processes of its own. What
# dkms needs of its build is where it is outside. The machine "other" has one processor.
on() # NAME COMMAND...
{
	local name=$1 processors=()

	shift
	[ "$name" != other ] || processors=(taskset -c 0)
	# shellcheck disable=SC2016 # that shell expands it
	NAME=$name TREE=$work/$name BUILD=$build unshare --mount --uts --pid --fork --kill-child --propagation private \
		${processors[@]+"${processors[@]}"} "$BASH" -euc '
			cd "$TREE"
			mkdir -p ".$BUILD" .outside
			mount --rbind /dev dev
			mount -t proc proc proc
			mount --rbind "$BUILD" ".$BUILD"
			[ ! -e cpuinfo ] || mount --bind cpuinfo proc/cpuinfo
			hostname "$NAME.example.org"
			pivot_root . .outside
			cd /
			umount -l .outside
			rmdir .outside
			exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DKMS_HEARTBEAT=0 "$@"
		' - "$@" < /dev/null
}

# Runs dkms on a machine, and checks its exit status.
dkms_on() # STATUS DESCRIPTION NAME ARGUMENT...
{
	local status=0

	on "$3" "$dkms" "${@:4}" > "$work/out" 2> "$work/err" || status=$?
	is "$status" "$1" "$2"
	[ "$status" = "$1" ] || note "$(tail -n 30 "$work/out" "$work/err")"
}

# Adds a module whose sources were unpacked.
add_on() # NAME MODULE...
{
	local module

	for module in "${@:2}"; do
		on "$1" "$dkms" add "$module" > "$work/added" 2>&1 || note "$(cat "$work/added")"
	done
}

# Prints a digest of each file that a machine has built or got. Each machine signs modules with a key of its own,
# so what is in front of the signature counts; it ends with its size, 8 other bytes before that, and a text.
sums() # NAME
{
	python3 - "$work/$1/var/lib/dkms" "$kernel" <<-'END'
		import glob, hashlib, sys
		end = b"~Module signature appended~\n"
		for path in sorted(glob.glob(f"{sys.argv[1]}/*/*/{sys.argv[2]}/*/module/*")):
		    data = open(path, "rb").read()
		    signed = data.endswith(end)
		    if signed:
		        size = int.from_bytes(data[-len(end) - 4:-len(end)], "big")
		        data = data[:-len(end) - 12 - size]
		    print(hashlib.sha256(data).hexdigest()[:16], path.rsplit("/", 1)[1], "signed" if signed else "")
	END
}

start_nginx()
{
	free_ports 1
	mkdir -p "$work/nginx/www"
	"$top_srcdir/tests/lib/nginx-conf" "$work/nginx" '$request_method $uri $status' > "$work/nginx/nginx.conf" \
		<<< "server { listen 127.0.0.1:$ports; }"
	run_server "$ports" nginx -p "$work/nginx" -e "$work/nginx/error.log" -c "$work/nginx/nginx.conf"
	url=http://127.0.0.1:$ports/dkms
}

# What has come from the fleet is what was built, and what dkms says agrees. Says which part of the key differs
# where it does not.
all_hit() # DESCRIPTION NAME SIGNER MODULE...
{
	local name=$2 signer=$3 module

	is "$(jq -c '[.remote.hits, .remote.misses, .remote.bad]' "$work/out")" "[$(($# - 3)),0,0]" "$1: all are hits"
	is "$(jq -r '[.jobs[] | select(.kind == "install") | .signers] | unique | join(" ")' "$work/out")" "$signer" \
		"$1: all were signed by $signer"
	for module in "${@:4}"; do
		[ "$(jq -r --arg name "${module%/*}" '.jobs[] | select(.module == $name and .kind == "install") | .cache' \
			"$work/out")" = hit ] || note "$(on "$name" "$dkms" cache why "$module" -k "$kernel" 2>&1 || true)"
	done
}

# The directories of the machines are not there any more when $work is removed.
fleet_end()
{
	for name in builder other reader; do
		umount -l "$work/$name" 2> /dev/null || true
	done
	servers_end
}
trap fleet_end EXIT

build=$(realpath "${top_builddir:?}")
dkms=$(realpath "${DKMS:?}")
machines=${root%/root}/fleet
mapfile -t packages < <(libraries)
start=$SECONDS
"$top_srcdir/tests/lib/fleet-roots" "$machines" "${packages[@]}" 2> "$work/roots.log" ||
	skip_all "there are no roots: $(tail -n 1 "$work/roots.log")"
note "the roots are there after $((SECONDS - start)) s"
chmod 711 "$work"
start_nginx
for name in builder other reader; do
	new_machine $name $name
done

# What differs.
: > "$work/other/.dockerenv"
sed 's/^model name.*/model name : Another CPU/' /proc/cpuinfo > "$work/other/cpuinfo"
head -c 100 /dev/zero > "$work/other/usr/local/lib/libunrelated.so.1"
is "$(on builder hostname) $(on other hostname)" "builder.example.org other.example.org" "other host names"
[ "$(nproc)" -eq 1 ] || ok "other numbers of processors" test "$(on builder nproc)" -ne "$(on other nproc)"
for path in usr/bin/make usr/include/stdio.h "usr/src/linux-headers-$kernel/Makefile" "usr/src/${modules[0]/\//-}/dkms.conf"; do
	ok "/$path is the same file" cmp "$work/builder/$path" "$work/other/$path"
	ok "with another ctime" test "$(stat -c %Z.%i "$work/builder/$path")" != "$(stat -c %Z.%i "$work/other/$path")"
done
like "$(diff <(on builder dpkg-query -f '${Package}\n' -W) <(on other dpkg-query -f '${Package}\n' -W) || true)" \
	"^> hello$" "the other machine has more packages"
for tool in gcc cc cc1 as ld make gcc-12; do
	is "$(on reader sh -c "command -v $tool; ls /usr/bin/*-linux-gnu-$tool /usr/lib/gcc/*/*/$tool" 2> /dev/null)" "" \
		"the reader has no $tool"
done

# Who writes, and who is believed.
for name in builder other; do
	dkms_on 0 "$name makes a key" $name remote keygen "$name"
	mv "$work/$name/$name".{pub,sec} "$work/$name/etc/dkms/"
	echo "remote_sign_key=/etc/dkms/$name.sec" >> "$work/$name/etc/dkms/framework.conf"
done
for name in builder other reader; do
	cp "$work"/{builder,other}/etc/dkms/*.pub "$work/$name/etc/dkms/remote.d/"
done

# One builds, and the others install what it has built.
add_on builder "${modules[@]}"
start=$SECONDS
dkms_on 0 "the builder builds ${#modules[@]} modules" builder autoinstall -k "$kernel" --json
note "in $((SECONDS - start)) s"
is "$(jq -c '[.remote.hits, .remote.misses, .remote.bad, .remote.pushed]' "$work/out")" "[0,${#modules[@]},0,${#modules[@]}]" \
	"it has pushed them"
add_on other "${modules[@]}"
dkms_on 0 "the other machine installs them" other autoinstall -k "$kernel" --remote-only --json
all_hit "the other machine" other builder "${modules[@]}"
is "$(sums other)" "$(sums builder)" "they are the same, byte for byte"
is "$(sums other | sed -n 's/.*\.ko //p' | sort -u)" signed "and signed, by each machine itself"

# And the other way.
add_on other "$back"
dkms_on 0 "the other machine builds another module" other install "$back" -k "$kernel" --json
add_on builder "$back"
dkms_on 0 "the builder installs that" builder install "$back" -k "$kernel" --remote-only --json
all_hit "the builder" builder other "$back"
is "$(sums other)" "$(sums builder)" "all are the same, byte for byte"
ours=$(sums other)
dkms_on 0 "the other machine builds one of the first modules by itself" other build "${modules[0]}" -k "$kernel" --force --no-cache
is "$(sums other)" "$ours" "it is what has come from the fleet"

# A machine without a compiler.
add_on reader "${modules[@]}" "$back"
start=$SECONDS
dkms_on 0 "a machine without a compiler installs $((${#modules[@]} + 1)) modules" reader autoinstall -k "$kernel" \
	--remote-only --json
note "in $((SECONDS - start)) s"
is "$(jq -c '[.remote.hits, .remote.misses, .remote.bad]' "$work/out")" "[$((${#modules[@]} + 1)),0,0]" "all come from the fleet"
is "$(sums reader)" "$(sums builder)" "they are what the builders have built"
ln -s reader "$work/root"
names=()
for module in "${modules[@]}" "$back"; do
	mapfile -t -O ${#names[@]} names < <(with_conf "$root/usr/src/${module/\//-}/dkms.conf" "$kernel" \
		"$root/lib/modules/$kernel/build" module_names)
done
loads_all "the reader"
finish
