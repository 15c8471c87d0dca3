#!/bin/bash
# Checks that the directives and keys in the code are those of the manual pages.
set -u
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"

man=$top_srcdir/cli/man
builder=$top_srcdir/builder

array_strings() # FILE ARRAY: prints the strings in a C array
{
	sed -n "/ $2\[\] = {/,/};/p" "$1" | grep -o '"[A-Za-z_]*"' | tr -d '"' | LC_ALL=C sort
}

page_entries() # PAGE MACRO: prints the names in its ".It MACRO" lines
{
	sed -n "s/^\.It $2 //p" "$1" | sed "s/ Ns Bq Va i//g; s/, $2 / /g; s/,/ /g" |
		tr ' ' '\n' | grep . | LC_ALL=C sort
}

is "$(page_entries "$man/dkms.conf.5" Ic)" "$(array_strings "$builder/conf/conf.c" directives)" "dkms.conf(5)"
is "$(page_entries "$man/dkms-framework.conf.5" Va)" "$(array_strings "$builder/conf/framework.c" framework_keys)" \
	"dkms-framework.conf(5)"
sed -n '/^\.Ss How dkms treats/,/^\.Sh/p' "$man/dkms.conf.5" > "$work/policy"
is "$(page_entries "$work/policy" Va)" \
	"$(array_strings "$builder/conf/policy.c" names)" "the administrator's settings for a package in dkms.conf(5)"
like "$(array_strings "$builder/conf/conf.c" directives)" '^PACKAGE_VERSION$' "the directives are found in the code"
like "$(array_strings "$builder/conf/framework.c" framework_keys)" '^verbose$' "the keys are found in the code"

is "$(sed -n '/^\.Ql \*$/,/^The setting$/p' "$man/dkms.8" | sed -n 's/^\.Ev //p' | tr -d ',.' | tr ' ' '\n' | grep . | LC_ALL=C sort)" \
	"$(sed -n '/ permitted\[\] = {/,/};/p' "$builder/conf/environment.c" | grep -o '"[^"]*"' | tr -d '"' | LC_ALL=C sort)" \
	"the environment of builds in dkms(8)"

if command -v mandoc >/dev/null; then
	for page in dkms.conf.5 dkms-framework.conf.5; do
		ok "$page: mandoc" mandoc -T lint -W warning "$man/$page"
	done
else
	skip "mandoc is not installed" "mandoc finds nothing"
fi
finish
