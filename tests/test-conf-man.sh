# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Each directive and each key of framework.conf that the code knows has an entry in its
# manual page, and each entry is known to the code.

# shellcheck disable=SC2154
man=$top_srcdir/cli/man builder=$top_srcdir/builder count=0 failed=0

compare() {
	local entries names

	# shellcheck disable=SC2086
	names=$(printf '%s\n' $2 | LC_ALL=C sort)
	entries=$(sed -n "s/^\.It $3 //p" "$man/$1" | sed "s/ Ns Bq Va i//g; s/, Ic / /g; s/,/ /g" |
		tr ' ' '\n' | grep . | LC_ALL=C sort)
	count=$((count + 1))
	if [[ $names && $names == "$entries" ]]; then
		echo "ok $count - $1 has $(wc -l <<<"$names") entries"
		return
	fi
	echo "not ok $count - $1"
	diff <(echo "$names") <(echo "$entries") | sed 's/^/# /'
	failed=1
}

compare dkms.conf.5 "$(sed -n '/ directives\[\] = {/,/};/p' "$builder/conf.c" |
	grep -o '"[A-Z_]*"' | tr -d '"')" Ic
compare dkms-framework.conf.5 "$(sed -n '/framework_keys\[\] = {/,/};/p' "$builder/framework.c" |
	grep -o '"[A-Za-z_]*"' | tr -d '"')" Va

if command -v mandoc >/dev/null; then
	for page in dkms.conf.5 dkms-framework.conf.5; do
		count=$((count + 1))
		if mandoc -T lint -W warning "$man/$page"; then
			echo "ok $count - mandoc has no warning about $page"
		else
			echo "not ok $count - mandoc about $page"
			failed=1
		fi
	done
fi
echo "1..$count"
exit $failed
