#!/bin/bash
# A remote cache: one machine builds, signs and writes; others install what it has built. Servers that
# fail or lie cost a build, and nothing else.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"
# shellcheck source=tests/lib/servers.sh
. "$top_srcdir/tests/lib/servers.sh"

[ -n "$private" ] || skip_all "needs a mount namespace"
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
command -v python3 > /dev/null || skip_all "python3 is not installed"

# Makes the machine with that name the one that dkms acts on: all have the same kernels and sources,
# at other places.
on() # NAME
{
	dkmstree=$machine/$1/dkms
	cache=$machine/$1/cache
	trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree"
		--cache-dir "$cache")
	mkdir -p "$dkmstree"
	settings "${2-}"
}

# Sets what framework.conf says in addition.
settings() # LINE
{
	printf '%s\n' "$1" > /etc/dkms/framework.conf
}

# Removes everything that a machine has built.
fresh() # NAME
{
	rm -rf "${machine:?}/$1"
	on "$1" "${2-}"
	dkms add m/1.0 > /dev/null
	dkms add n/1.0 > /dev/null
}

# What a build without any cache makes is in $work/clean.
is_clean() # DESCRIPTION
{
	ok "$1: the module is that of a clean build" \
		diff -r "$dkmstree/m/1.0/$K/$arch/module" "$work/clean"
}

builder="remote_sign_key=$work/build1.sec"
cached_machine
module m 1.0
module n 1.0
mkdir -p /etc/dkms/remote.d
cd "$work"
fault_server
remote=(--remote "$server/ok")

keys()
{
	dkms_exits 0 "a key is made" remote keygen build1
	is "$(stat -c %a build1.sec build1.pub | paste -sd' ')" "600 644" "the modes of its files"
	like "$out" "remote_sign_key=$work/build1.sec" "it is said what to do with it"
	dkms_exits 1 "no key is overwritten" remote keygen build1
	dkms_exits 1 "a name is needed" remote keygen
	dkms_exits 2 "an unknown part" remote nonsense
	echo text > text
	settings ""
	dkms_exits 1 "nothing is signed without a key" remote sign text
	settings "$builder"
	dkms_exits 0 "a file is signed" remote sign text
	dkms_exits 1 "no key is believed yet" remote verify text
	cp build1.pub /etc/dkms/remote.d/
	dkms_exits 0 "a signature is verified" remote verify text
	like "$out" "signed by build1" "it is said by whom"
	if command -v signify-openbsd > /dev/null; then
		ok "signify verifies it, too" signify-openbsd -q -V -p build1.pub -m text
	else
		skip "signify-openbsd is not installed" "signify verifies it, too"
	fi
	echo more >> text
	dkms_exits 1 "not of another text" remote verify text
	like "$err" "signed by no key in" "it is said why"
	dkms_exits 0 "the status" remote status "${remote[@]}"
	like "$(paste -sd' ' <<< "$out")" "believes build1.*writes as build1.*$server/ok answers" "says who is believed"
	dkms_exits 1 "the status without a server" remote status
	dkms_exits 1 "the status of one that does not answer" remote status --remote http://127.0.0.1:1
}

# Takes the signed text out of an answer, as dkms-remote(7) says.
signed_text() # FILE
{
	LC_ALL=C sed -n '/untrusted comment:/,/^end$/{
s/^.*untrusted comment:/untrusted comment:/;p}' "$1" > text.sig
	like "$(sed -n 3p text.sig)" "^dkms remote 1$" "an answer has the signed text as it is"
	command -v signify-openbsd > /dev/null || { skip "signify-openbsd is not installed" "its signature"; return; }
	signify-openbsd -V -e -p build1.pub -x text.sig -m - > text.out || true
	like "$(paste -sd' ' text.out)" "title m/1.0 $K .* end$" "signify verifies and prints it"
}

push_and_get()
{
	fresh one "$builder"
	dkms_exits 0 "a build without a cache" build m/1.0 -k $K --no-cache
	cp -r "$dkmstree/m/1.0/$K/$arch/module" "$work/clean"
	fresh one "$builder"
	: > log
	dkms_exits 0 "a machine builds" install m/1.0 -k $K "${remote[@]}" --json
	is "$(jq -c '[.remote.hits, .remote.misses, .remote.bad, .remote.pushed]' <<< "$out")" "[0,1,0,1]" \
		"it has asked for the module and has pushed it"
	like "$(cut -d/ -f1-3 log | paste -sd' ')" "^GET /ok/ac GET /ok/ac PUT /ok/ac PUT /ok/ac$" "first it asks, and then it writes"
	: > log
	fresh two
	dkms_exits 0 "another machine installs" install m/1.0 -k $K "${remote[@]}"
	like "$out" "m/1.0 for $K: installed from the fleet \(signed by build1\)" "what was built there"
	is "$(grep -c . log) $(grep -c PUT log)" "1 0" "by one request, and it writes nothing"
	signed_text "$(sed -n 's,^GET /ok/,,p' log)"
	is_clean "from the fleet"
	is "$(dkms status --json | jq -r '.modules[] | "\(.name) \(.signers)"' | paste -sd' ')" "m build1 n null" \
		"the status names the signer"
	is "$(dkms provenance m/1.0 -k $K | jq -c '.predicate | [.dkms_signers, .buildDefinition.externalParameters.module]')" \
		'[["build1"],"m"]' "so does the provenance"
	like "$(dkms why m/1.0 -k $K)" "from the fleet, signed by build1" "and dkms why"
	dkms unbuild m/1.0 -k $K > /dev/null
	: > log
	dkms_exits 0 "it installs once more" install m/1.0 -k $K "${remote[@]}"
	like "$out" "installed from the cache" "from its own cache"
	is "$(cat log)" "" "without a request"
	is "$(dkms status --json | jq -r '.modules[0].signers')" build1 "which knows the signer"
	dkms mktarball m/1.0 -k $K --archive "$work/m.tar" > /dev/null
	fresh three
	dkms remove m/1.0 --all > /dev/null
	dkms_exits 0 "an archive of it" ldtarball "$work/m.tar" --force
	is "$(dkms status m --json | jq -r '.modules[0] | "\(.state) \(.signers)"')" "built null" "says nothing that is believed"
	rm -rf "$dkmstree"
	on two "$builder"
	dkms_exits 0 "what others have signed" remote push "${remote[@]}"
	like "$out" "^0 of 0 results written" "is not signed once more"
	fresh two
	dkms_exits 0 "the document of a run" install m/1.0 -k $K "${remote[@]}" --json
	is "$(jq -c '[.remote.hits, .remote.misses, .remote.bad, .jobs[0].signers]' <<< "$out")" \
		'[1,0,0,"build1"]' "says what came of it"
	fresh two
	dkms_exits 0 "a run with --verbose" install m/1.0 -k $K "${remote[@]}" --verbose --events "$work/events" --trace "$work/trace"
	like "$out" "^remote cache: 1 hit, 0 misses, 0 bad; [0-9.]+ KiB received, 0 B written, waited [0-9.]+ m?s$" "says it"
	is "$(tail -n 1 "$work/events" | jq -c '[.event, .remote.hits, .remote.misses, .remote.bytes_in > 1000]')" \
		'["end",1,0,true]' "so does the last event"
	is "$(jq -r 'select(.event == "job-ended" and .module == "m") | .remote' "$work/events")" hit "and that of a job"
	is "$(jq -c '.[] | select(.name == "remote cache") | [.ph, .args.hits, .args.bad, .args.bytes_out]' "$work/trace")" \
		'["i",1,0,0]' "and the trace"
	rm "$work/events"
	fresh two
	dkms_exits 0 "--no-remote" install m/1.0 -k $K "${remote[@]}" --no-remote
	like "$out" "installed, built in" "asks nobody"
	fresh one "$builder"
	dkms_exits 0 "a machine that does not write at once" build m/1.0 -k $K --no-remote
	rm -rf ac
	dkms_exits 0 "what its cache has is written later" remote push m/1.0 "${remote[@]}"
	like "$out" "^1 of 1 results written" "that is said"
	dkms_exits 0 "nothing of another module" remote push n/1.0 "${remote[@]}"
	like "$out" "^0 of 0 results written" "is written"
	fresh two
	dkms_exits 1 "a machine without a key writes nothing" remote push "${remote[@]}"
}

remote_only()
{
	fresh two
	dkms_exits 22 "--remote-only, and nobody has built it" install n/1.0 -k $K "${remote[@]}" --remote-only
	like "$err" "not built because of --remote-only: the remote cache does not have it" "it is said why"
	ok "nothing was built" test ! -e "$dkmstree/n/1.0/$K"
	dkms_exits 0 "--remote-only, and it was built" install m/1.0 -k $K "${remote[@]}" --remote-only --force
	like "$out" "from the fleet" "it is from the fleet"
	fresh two
	dkms_exits 22 "--remote-only without a remote cache" install m/1.0 -k $K --remote-only
	like "$err" "there is no remote cache" "it is said why"
	dkms_exits 22 "--remote-only, and nobody is believed" install m/1.0 -k $K \
		--remote "$server/status=404" --remote-only
}

# What others have built, for a machine that has no network later.
pull()
{
	fresh two
	: > log
	dkms_exits 22 "pull" remote pull -k $K "${remote[@]}"
	like "$out" "^m/1.0 for $K: pulled, signed by build1$" "gets what was built"
	like "$out" "^n/1.0 for $K: the remote cache does not have it$" "says what was not"
	like "$out" "^1 pulled, 0 here already, 1 missing; [0-9.]+ KiB received$" "and counts"
	like "$err" "1 of 2 builds are in neither cache" "so does the error"
	is "$(cut -d/ -f1-3 log | sort | uniq -c | sed 's/^ *//')" "2 GET /ok/ac" "by a request for each"
	ok "nothing is built" test ! -e "$dkmstree/m/1.0/$K"
	dkms_exits 0 "pull once more" remote pull m/1.0 -k $K "${remote[@]}"
	like "$out" "m/1.0 for $K: in the local cache already" "gets nothing"
	dkms_exits 0 "an installation without a network" install m/1.0 -k $K --no-remote
	like "$out" "installed from the cache" "takes it"
	is_clean "pull"
	is "$(dkms status m --json | jq -r '.modules[0].signers')" build1 "the signer is known"
	fresh two
	dkms_exits 22 "pull --all" remote pull m --all "${remote[@]}"
	like "$(paste -sd' ' <<< "$out")" "^m/1.0 for $K: pulled.* m/1.0 for 4.19.0-7-amd64: the remote cache does not have it" \
		"all kernels"
	fresh two
	dkms_exits 22 "pull from a server that fails" remote pull m --remote "$server/get-status=500" -k $K
	like "$out" "no server answers" "says so"
	dkms_exits 22 "pull of what was changed" remote pull m --remote "$server/flip=1000" -k $K
	like "$out" "what the remote cache has is not used" "says so"
	like "$err" "$server/flip=1000/ac/[0-9a-f]{64}: " "and why"
	dkms_exits 1 "pull without a server" remote pull m -k $K
	like "$err" "no remote cache is set" "says so"
	dkms_exits 3 "pull of a module that is not there" remote pull none/1.0 -k $K "${remote[@]}"
	fresh two "remote_keys=$work/none"
	dkms_exits 1 "pull that believes nobody" remote pull m "${remote[@]}" -k $K
	like "$err" "there is no public key in $work/none" "says so"
}

# In what a machine differs from the one that has built.
why()
{
	local source=$sourcetree/m-1.0

	fresh two
	dkms_exits 0 "why of what was built" remote why m/1.0 -k $K "${remote[@]}"
	like "$out" "^m/1.0 for $K: in the remote cache, built on " "it is there"
	like "$out" "^  signed by build1$" "it is said by whom it is signed"
	cp -p "$source/m.c" m.c.was
	echo "/* more */" >> "$source/m.c"
	dkms_exits 0 "why of another source" remote why m -k $K "${remote[@]}"
	like "$out" "^m/1.0 for $K: not in the remote cache; the nearest entry, m/1.0 $K $arch of build1, differs:" "it is not there"
	like "$out" "^  source: m.c differs \([0-9a-f]{12} -> [0-9a-f]{12}" "the file is named"
	is "$(grep -c '^  ' <<< "$out")" 1 "and nothing else"
	cp -p m.c.was "$source/m.c"
	cp -p "$source/dkms.conf" conf.was
	echo 'STRIP[0]=no' >> "$source/dkms.conf"
	dkms_exits 0 "why of another dkms.conf" remote why m/1.0 -k $K "${remote[@]}"
	like "$out" "^  conf: STRIP differs$" "the directive is named"
	cp -p conf.was "$source/dkms.conf"
	KCFLAGS=-DSECRET=4711 dkms_exits 0 "why of another environment" remote why m/1.0 -k $K "${remote[@]}"
	like "$out" "^  environment differs$" "the values of the builder's variables are not known"
	dkms_exits 0 "why of what nobody has built" remote why n/1.0 -k $K "${remote[@]}"
	like "$out" "n/1.0 for $K: not in the remote cache, nor is any build of n for this kernel" "says so"
	dkms_exits 0 "why of all" remote why -k $K "${remote[@]}"
	is "$(grep -c '^[mn]/1.0' <<< "$out")" 2 "has a line for each"
	dkms_exits 0 "why of what was changed" remote why m/1.0 -k $K --remote "$server/flip=1000"
	like "$err" "not used: $server/flip=1000/ac/[0-9a-f]{64}: " "does not believe it"
	like "$out" "nor is any build of m" "and knows nothing"
	dkms_exits 1 "why without a server" remote why m/1.0 -k $K --remote http://127.0.0.1:1
	like "$err" "not all answers came: " "says so"
	ok "nothing is left in the local cache" test -z "$(find "$cache" -name 'why.*')"
}

# Nothing that a server does changes what is installed, or the exit status.
faults()
{
	local fault warnings

	for fault in get-status=401 get-status=403 get-status=404 get-status=429 get-status=500 \
		get-status=507 cut=100 reset flip=200 flip=1000 flip=3000 endless huge garbage swap stall=100; do
		fresh two
		dkms_exits 0 "$fault" install m/1.0 -k $K --remote "$server/$fault"
		like "$out" "installed, built in" "$fault: it is built"
		is_clean "$fault"
		warnings=$(grep -c "warning" <<< "$err" || true)
		ok "$fault: at most one warning" test "$warnings" -le 1
		[ "$warnings" -le 1 ] || note "$err"
		case $fault in flip=*) like "$err" "$server/$fault/ac/[0-9a-f]{64}: " "$fault: its address is told" ;; esac
	done
	fresh two
	dkms_exits 0 "no server" install m/1.0 -k $K --remote http://127.0.0.1:1
	like "$out" "installed, built in" "no server: it is built"
	is "$(grep -c warning <<< "$err")" 1 "no server: one warning"
	for fault in put-status=401 put-status=403 put-status=500 put-status=507; do
		fresh one "$builder"
		dkms_exits 0 "$fault" install n/1.0 -k $K --remote "$server/$fault"
		ok "$fault: at most one warning" test "$(grep -c "warning" <<< "$err" || true)" -le 1
	done
}

# An answer of another key, of another signer, and without a signature.
lies()
{
	local ac other

	fresh one "$builder"
	dkms build m/1.0 -k $K --force "${remote[@]}" > /dev/null
	ac=$(sed -n 's,^PUT /ok/,,p' log | tail -n 2 | head -n 1)
	: > log
	dkms build n/1.0 -k $K --force "${remote[@]}" > /dev/null
	other=$(sed -n 's,^PUT /ok/,,p' log | tail -n 2 | head -n 1)
	cp "$ac" good
	cp "$other" "$ac"
	fresh two
	dkms_exits 0 "an answer of another key" install m/1.0 -k $K "${remote[@]}"
	like "$err" "it is about another key" "is not believed"
	fresh two
	run_dkms install m/1.0 -k $K "${remote[@]}" --json
	is "$(jq -c '[.remote.bad, .jobs[0].remote, .jobs[0].signers]' <<< "$out")" '[1,"bad",null]' "and is counted"
	fresh two
	run_dkms install m/1.0 -k $K "${remote[@]}"
	is_clean "an answer of another key"
	cp good "$ac"
	dkms remote keygen build2 > /dev/null
	mv build2.pub /etc/dkms/remote.d/build1.pub
	fresh two
	dkms_exits 0 "another signer" install m/1.0 -k $K "${remote[@]}"
	like "$out" "installed, built in" "another signer has another address"
	ac=$(sed -n 's,^GET /ok/,,p' log | tail -n 1)
	cp good "$ac"
	fresh two
	dkms_exits 0 "an answer that another one has signed" install m/1.0 -k $K "${remote[@]}"
	like "$err" "its signature is wrong" "is not believed"
	echo > "$ac"
	fresh two
	dkms_exits 0 "an answer that is none" install m/1.0 -k $K "${remote[@]}"
	like "$err" "it is no ActionResult" "is not believed"
	rm -f "$ac"
	cp build1.pub /etc/dkms/remote.d/build1.pub
}

# Two signers have to agree.
signers()
{
	local n

	dkms remote keygen build3 > /dev/null
	cp build3.pub /etc/dkms/remote.d/
	fresh two "remote_require=2"
	dkms_exits 0 "one of two signers" install m/1.0 -k $K "${remote[@]}"
	like "$out" "installed, built in" "is not enough"
	fresh three "remote_sign_key=$work/build3.sec"
	dkms_exits 0 "the other one builds" build m/1.0 -k $K "${remote[@]}" --force
	fresh two "remote_require=2"
	dkms_exits 0 "two signers" install m/1.0 -k $K "${remote[@]}"
	like "$out" "from the fleet \(signed by build1, build3\)" "are enough"
	is_clean "two signers"
	is "$(dkms provenance m/1.0 -k $K | jq -c '.predicate | [.dkms_signers, .dkms_stated_by]')" \
		'[["build1","build3"],"build1"]' "the provenance names both, and whose words it has"
	# Of the same files, but with a record of what was read that differs each time.
	module e 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/e-1.0/pre.sh" \
		"find /usr/bin -type f | shuf -n 8 | xargs -d '\\n' head -qc 1 > /dev/null 2>&1 || true"
	for n in 1 3; do
		fresh one "remote_sign_key=$work/build$n.sec"
		dkms add e/1.0 > /dev/null
		dkms_exits 0 "build$n builds, and reads other files" build e/1.0 -k $K "${remote[@]}" --force
	done
	fresh two
	dkms add e/1.0 > /dev/null
	dkms_exits 0 "without the setting, one record is enough" build e/1.0 -k $K "${remote[@]}"
	like "$out" "from the fleet" "it is used"
	fresh two "remote_require=2"
	dkms add e/1.0 > /dev/null
	dkms_exits 0 "two signers with the same files and different records" build e/1.0 -k $K "${remote[@]}"
	like "$out" "built in" "do not agree"
	module d 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/d-1.0/pre.sh" "echo \"MODULE_INFO(time, \\\"\$(date +%N)\\\");\" >> d.c"
	for n in 1 3; do
		fresh one "remote_sign_key=$work/build$n.sec"
		dkms add d/1.0 > /dev/null
		dkms_exits 0 "build$n builds what differs each time" build d/1.0 -k $K "${remote[@]}" --force
	done
	fresh two
	dkms add d/1.0 > /dev/null
	dkms_exits 0 "one signer of what differs" build d/1.0 -k $K "${remote[@]}"
	like "$out" "from the fleet" "is enough without the setting"
	fresh two "remote_require=2"
	dkms add d/1.0 > /dev/null
	dkms_exits 0 "two signers who do not agree" build d/1.0 -k $K "${remote[@]}"
	like "$out" "built in" "are not enough"
	rm /etc/dkms/remote.d/build3.pub
}

# Values of the builder's variables stay there.
variables()
{
	fresh one "$builder"
	KCFLAGS=-DTHE_SECRET_TOKEN dkms_exits 0 "a build with a variable" build m/1.0 -k $K "${remote[@]}"
	is "$(dkms provenance m/1.0 -k $K | jq -r '.predicate.buildDefinition.internalParameters.environment.KCFLAGS')" \
		-DTHE_SECRET_TOKEN "the builder's own provenance has its value"
	fresh two
	KCFLAGS=-DTHE_SECRET_TOKEN dkms_exits 0 "another machine" build m/1.0 -k $K "${remote[@]}"
	like "$out" "from the fleet" "gets it"
	is "$(grep -rl THE_SECRET "$dkmstree" || true)" "" "nothing that it gets has the value"
	is "$(dkms provenance m/1.0 -k $K | jq -c '.predicate.buildDefinition.internalParameters |
		[.environment.KCFLAGS, .environment.module, (.otherVariables | index("KCFLAGS") != null)]')" \
		'[null,"m",true]' "its provenance has the name"
}

# What a machine builds with other tools is in another slot.
slots()
{
	local tool=$tools/helper

	write_script "$tool" 'echo 1'
	module s 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/s-1.0/pre.sh" "$tool"
	fresh one "$builder"
	dkms add s/1.0 > /dev/null
	dkms_exits 0 "a build that reads a tool" build s/1.0 -k $K "${remote[@]}"
	write_script "$tool" 'echo 2'
	dkms unbuild s/1.0 -k $K > /dev/null
	: > log
	dkms_exits 0 "the tool has changed" build s/1.0 -k $K "${remote[@]}"
	like "$out" "built in" "so it is built again"
	is "$(grep -c PUT log)" 2 "and is written"
	for n in 1 2; do
		write_script "$tool" "echo $n"
		fresh two
		dkms add s/1.0 > /dev/null
		dkms_exits 0 "a machine with tool $n" build s/1.0 -k $K "${remote[@]}"
		like "$out" "from the fleet" "gets what was built with it"
	done
	write_script "$tool" "echo 3"
	fresh two
	dkms add s/1.0 > /dev/null
	dkms_exits 22 "a machine with another tool" build s/1.0 -k $K "${remote[@]}" --remote-only
	dkms_exits 0 "why" remote why s/1.0 -k $K "${remote[@]}"
	like "$out" "^  file: $tool differs" "the tool is named"
	rm "$tool"
	dkms_exits 0 "one without it that builds nothing" build s/1.0 -k $K "${remote[@]}" --remote-only
	like "$out" "from the fleet" "gets what was built"
	fresh two
	dkms add s/1.0 > /dev/null
	dkms_exits 127 "one without it that builds" build s/1.0 -k $K "${remote[@]}"
}

# Packs that do not fit into the answer have requests of their own.
large()
{
	local blob

	module l 1.0
	echo "MODULE_INFO(data, \"$(head -c 90000 /dev/urandom | base64 -w 0)\");" >> "$sourcetree/l-1.0/l.c"
	fresh one "$builder"
	dkms add l/1.0 > /dev/null
	: > log
	dkms_exits 0 "a large module" build l/1.0 -k $K "${remote[@]}"
	like "$(cut -d/ -f1-3 log | paste -sd' ')" "^GET /ok/ac GET /ok/ac PUT /ok/cas PUT /ok/ac PUT /ok/ac$" "its pack is written first"
	blob=$(sed -n 's,^PUT /ok/cas/,cas/,p' log)
	fresh two
	dkms add l/1.0 > /dev/null
	dkms_exits 0 "another machine" build l/1.0 -k $K "${remote[@]}"
	like "$out" "from the fleet" "gets it"
	fresh two
	dkms add l/1.0 > /dev/null
	dkms_exits 0 "a server that takes 1.5 s for each of two answers" build l/1.0 -k $K --remote "$server/delay=1500"
	like "$out" "built in" "takes longer than the build may"
	: > "$blob"
	fresh two
	dkms add l/1.0 > /dev/null
	: > log
	dkms_exits 0 "a pack without a byte" build l/1.0 -k $K "${remote[@]}"
	like "$out" "built in" "it is built"
	like "$err" "its pack is not what was signed" "it is said why"
	is "$(grep -c cas log)" 1 "the pack is asked for once"
	rm "$blob"
	fresh two
	dkms add l/1.0 > /dev/null
	dkms_exits 0 "a pack that is gone" build l/1.0 -k $K "${remote[@]}"
	like "$out" "built in" "is a miss"
	is "$err" "" "and no warning"
}

# A server is not waited for much longer than the build takes.
slow()
{
	fresh two
	dkms_exits 0 "a machine knows how long a build takes" build m/1.0 -k $K --no-cache
	dkms unbuild m/1.0 -k $K > /dev/null
	dkms_exits 0 "a server that sends ten bytes in a second" build m/1.0 -k $K --remote "$server/drip=100"
	like "$out" "built in" "is not waited for"
}

# A signal while a job waits for an answer ends dkms, and the next run goes on.
interrupt()
{
	local dkms code=0

	fresh two
	"$DKMS" install m/1.0 -k $K "${trees[@]}" --remote "$server/delay=60000" --events "$work/events" \
		< /dev/null > "$work/interrupted" 2>&1 &
	dkms=$!
	ok "a job asks" until_line '"phase":"ask"' "$work/events"
	kill -INT $dkms
	wait $dkms || code=$?
	is "$code" 130 "an interrupted run ends by the signal"
	is "$(find "$dkmstree" -name '*.ko*')" "" "nothing is built"
	dkms_exits 0 "the next run" install m/1.0 -k $K "${remote[@]}"
	like "$out" "from the fleet" "gets the module"
	fresh two
	code=0
	: > log
	"$DKMS" remote pull m/1.0 -k $K "${trees[@]}" --remote "$server/delay=60000" < /dev/null > "$work/interrupted" 2>&1 &
	dkms=$!
	ok "pull asks" until_line GET log
	kill -INT $dkms
	wait $dkms || code=$?
	is "$code" 130 "an interrupted pull"
	dkms_exits 0 "the next one" remote pull m/1.0 -k $K "${remote[@]}"
}

# Another machine builds what this one waits for.
waits()
{
	module w 1.0
	fresh two "remote_wait=60"
	dkms add w/1.0 > /dev/null
	: > log
	"$DKMS" install w/1.0 -k $K "${trees[@]}" "${remote[@]}" < /dev/null > "$work/waited" 2>&1 &
	until_line 'GET' log
	fresh one "$builder"
	dkms add w/1.0 > /dev/null
	dkms_exits 0 "a machine builds what another one waits for" build w/1.0 -k $K "${remote[@]}"
	ok "that one succeeds" wait $!
	like "$(cat waited)" "from the fleet" "with what was built"
	module v 1.0
	fresh two "remote_wait=1"
	dkms add v/1.0 > /dev/null
	dkms_exits 0 "what nobody builds" build v/1.0 -k $K "${remote[@]}"
	like "$out" "built in" "is built after the wait"
}

keys
push_and_get
pull
why
remote_only
faults
lies
signers
variables
slots
large
slow
interrupt
waits
finish
