#!/bin/bash
# Packages that leave directories behind which are hard to remove or to read: very deep ones, and
# ones that nobody may search. dkms removes them, or says what is wrong.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Makes 30,000 directories within each other, which no path can name: chains of 1000, each moved
# into the deepest directory of the next one. Works below ./ so that builds can run it, too.
# shellcheck disable=SC2016 # for another shell
deep='chain=$(printf "/d%.0s" {1..1000}); mkdir -p "deep$chain"
for ((i = 1; i < 30; i++)); do
	mkdir -p "next$chain"; mv deep/d "next$chain/"; rmdir deep; mv next deep
done'

# Prints how many directories are within each other in DIR/deep.
depth() # DIR
{
	find "$1/deep" -type d -printf . | wc -c
}

built_deep()
{
	machine
	kernel $K
	module deep 1.0 'PRE_BUILD="make-deep"'
	write_script "$sourcetree/deep-1.0/make-deep" "exec bash -c '$deep'"
	dkms_exits 0 "a build that makes 30,000 directories within each other" build deep/1.0 -k $K
	is "$(find "$dkmstree" -name deep -type d | grep -vc "^$dkmstree/deep$")" 0 \
		"they are gone when it has ended"
	is "$(find "$dkmstree/deep/1.0" -name '.job*')" "" "nothing else is left"
	dkms_exits 0 "it is removed" remove deep/1.0 --all
	is "$(state deep 1.0)" absent "nothing of it is left"
}

# A failed build that is kept.
kept_deep()
{
	machine
	kernel $K
	module deep 1.0 'PRE_BUILD="make-deep"'
	write_script "$sourcetree/deep-1.0/make-deep" "bash -c '$deep'" 'exit 9'
	dkms_exits 9 "a build that fails and is kept" build deep/1.0 -k $K --keep-build
	is "$(depth "$dkmstree/deep/1.0/build/$K-$arch")" 30001 "its directories are kept"
	dkms_exits 9 "the next one replaces it" build deep/1.0 -k $K
	ok "the directories are gone" test ! -e "$dkmstree/deep/1.0/build/$K-$arch/deep"
	dkms_exits 9 "a third one is kept" build deep/1.0 -k $K --keep-build
	dkms_exits 0 "remove removes what was kept" remove deep/1.0 --all
	is "$(ls "$dkmstree")" "" "nothing of it is left"
}

source_deep()
{
	machine
	kernel $K
	module deep 1.0
	( cd "$sourcetree/deep-1.0" && bash -c "$deep" )
	dkms_exits 0 "a source with 30,000 directories within each other is added" add deep/1.0
	dkms_exits 1 "it is not built" build deep/1.0 -k $K
	like "$err" "cannot copy $dkmstree/deep/1.0/source to .*: File name too long" "the error says why"
	is "$(find "$dkmstree/deep/1.0" -name '.job*')" "" "nothing of the copy is left"
	dkms_exits 0 "it is removed" remove deep/1.0 --all
	mkdir "$work/elsewhere"
	mv "$sourcetree/deep-1.0" "$work/elsewhere/deep"
	dkms_exits 1 "it is not added from another directory" add "$work/elsewhere/deep"
	like "$err" "cannot copy $work/elsewhere/deep to .*: File name too long" "the error says why"
	is "$(ls -A "$sourcetree")" "linux-headers-$K" "nothing of the copy is left"
	is "$(ls "$dkmstree")" "" "it is not in the dkms tree"
	rm -rf "$work/elsewhere"
}

# Directories that the builder may not read, search or change. This is no obstacle for root.
closed()
{
	local script='mkdir -p a/b/c a/d/e f/g; touch a/b/c/x a/d/y f/g/z
chmod 000 a/b/c a/b f/g; chmod 0400 a/d; chmod 0100 a/d/e; chmod 0500 f; chmod 000 a'

	machine
	kernel $K
	module closed 1.0 'PRE_BUILD="make-closed"'
	write_script "$sourcetree/closed-1.0/make-closed" "$script"
	chmod -R a+rX "$work"
	cat > "$work/as-user" <<-EOF2
		set -e
		dkms() { "\$DKMS" "\$@" ${trees[*]@Q}; }
		dkms build closed/1.0 -k $K
		dkms build closed/1.0 -k $K --force
		dkms remove closed/1.0 --all
	EOF2
	dkms_exits 0 "a build that makes directories with mode 000" build closed/1.0 -k $K
	dkms_exits 0 "it is built again" build closed/1.0 -k $K --force
	dkms_exits 0 "it is removed" remove closed/1.0 --all
	if [ "$real_user" -eq 0 ]; then
		chown -R 65534 "$machine"
		is "$(setpriv --reuid=65534 --clear-groups env HOME="$machine" bash "$work/as-user" 2>&1 > /dev/null)" \
			"" "the same as a user who is not root"
	else
		skip "needs root" "the same as a user who is not root"
	fi
	is "$(find "$dkmstree" -mindepth 1 ! -name .locks)" "" "nothing of it is left"
}

built_deep
kept_deep
source_deep
closed
finish
