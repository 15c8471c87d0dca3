#!/bin/bash
# The directives and keys that the code knows have entries in the manual pages, and the reverse.
set -u
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"

man=$top_srcdir/cli/man
builder=$top_srcdir/builder

names() # FILE ARRAY: the strings of capitals or small letters in a C array
{
	sed -n "/ $2\[\] = {/,/};/p" "$1" | grep -o '"[A-Za-z_]*"' | tr -d '"' | LC_ALL=C sort
}

entries() # PAGE MACRO: the names in its ".It MACRO" lines
{
	sed -n "s/^\.It $2 //p" "$1" | sed "s/ Ns Bq Va i//g; s/, $2 / /g; s/,/ /g" |
		tr ' ' '\n' | grep . | LC_ALL=C sort
}

is "$(entries "$man/dkms.conf.5" Ic)" "$(names "$builder/conf/conf.c" directives)" "dkms.conf(5)"
is "$(entries "$man/dkms-framework.conf.5" Va)" "$(names "$builder/conf/framework.c" framework_keys)" \
	"dkms-framework.conf(5)"
like "$(names "$builder/conf/conf.c" directives)" '^PACKAGE_VERSION$' "the code is understood"
like "$(names "$builder/conf/framework.c" framework_keys)" '^verbose$' "here as well"

if command -v mandoc >/dev/null; then
	for page in dkms.conf.5 dkms-framework.conf.5; do
		ok "$page: mandoc" mandoc -T lint -W warning "$man/$page"
	done
else
	skip "mandoc is not installed" "the pages"
fi
finish
