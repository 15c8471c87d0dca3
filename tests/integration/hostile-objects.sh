#!/bin/bash
# A hostile package with the name and version of another one plants an object in the cache: while it
# is built, a command of its own changes b.o. It is removed, and the other package is built. Its b.c
# is the same, but it must not be linked with that object. Each attack lets the hostile package run
# the command in another way; all of its other files are those of the other package.
# Run by make check; alone: DKMS=./dkms top_srcdir=. tests/integration/hostile-objects.sh
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/lib/two-kernels.sh
. "$top_srcdir/tests/lib/two-kernels.sh"

files=$sourcetree/m-1.0
# Changes the object, if it is there, and makes it look as if the compiler had left it so.
plant='cd /var/lib/dkms/m/1.0/build; test ! -e b.o || { objcopy --add-section .planted=local.h b.o /tmp/b.o && cat /tmp/b.o > b.o; touch -r .b.o.cmd b.o; }'

# Sets the make command, with a command between the two that make runs.
set_make() # COMMAND
{
	# shellcheck disable=SC2016 # the variables are those of dkms.conf
	printf 'MAKE="%s && %s%s"\n' 'make -C $kernel_source_dir M=$dkms_tree/m/1.0/build b.o' "$1" \
		'make -C $kernel_source_dir M=$dkms_tree/m/1.0/build' >> "$files/dkms.conf"
}

# Makes the other package. It calls make twice, so that what runs at the start of the second make finds
# the object that the first one has left.
package() # [LINE OF MAKEFILE...]
{
	new_module "$@"
	set_make ''
	dkms cache clear > /dev/null
}

is_planted()
{
	readelf -SW "$dkmstree/m/1.0/$A/$arch/module/m.ko" | grep -q '\.planted'
}

# Builds the package as it is after a function has changed it.
build_changed() # FUNCTION DESCRIPTION
{
	rm -rf "$work/other"
	cp -a "$files" "$work/other"
	"$1"
	run_dkms build m/1.0 -k $A --directive STRIP=no
	is "$status" 0 "$2: the changed package is built"
	[ "$status" -eq 0 ] || note "$out$err$(tail -n 30 "$dkmstree"/m/1.0/build/*/make.log)"
}

# Replaces the changed package by the one that it was made from.
replace()
{
	dkms remove m/1.0 --all > /dev/null
	rm -rf "$files"
	mv "$work/other" "$files"
	dkms add m/1.0 > /dev/null
}

attack() # FUNCTION DESCRIPTION
{
	build_changed "$1" "$2"
	ok "$2: its module is made of the planted object" is_planted
	replace
	builds $A "0 3" "$2: everything is compiled again"
}

package
no_attack() { echo '/* changed */ int more = 1;' >> "$files/sub/a.c"; }
build_changed no_attack "another source file"
replace
builds $A "2 1" "another source file is no attack"

# With files of which a look at their names shows that make may run them.
package
attack_makefile() { printf 'planted := $(shell %s)\n' "$plant" >> "$files/Makefile"; }
attack attack_makefile "a makefile"
package
attack_recipe()
{
	printf '%s\n' '$(obj)/m.o: $(obj)/planted' '$(obj)/planted: $(obj)/b.o' "	$plant" >> "$files/Makefile"
}
attack attack_recipe "a recipe"
package
attack_make() { set_make "($plant) && "; }
attack attack_make "the make command"
package 'said := $(shell sh $(src)/helper.sh)'
: > "$files/helper.sh"
attack_script() { echo "$plant" > "$files/helper.sh"; }
attack attack_script "a script"
package 'said := $(shell $(src)/helper)'
cp /bin/true "$files/helper"
attack_program() { printf '#!/bin/sh\n%s\n' "$plant" > "$files/helper"; }
attack attack_program "a program"
package 'AFLAGS_c.o := @$(src)/options'
: > "$files/options"
write_script "$files/wrapper.c" 'exec "$@"'
attack_options()
{
	echo '-wrapper /var/lib/dkms/m/1.0/build/wrapper.c' > "$files/options"
	write_script "$files/wrapper.c" "($plant)" 'exec "$@"'
}
build_changed attack_options "options of the compiler"
ok "options of the compiler: its module is made of the planted object" is_planted
replace
builds $A "0 2" "options of the compiler: everything is compiled again"

# With files whose names are those of sources.
package 'said := $(shell sh $(src)/helper.c)'
: > "$files/helper.c"
attack_script() { echo "$plant" > "$files/helper.c"; }
attack attack_script "a script with the name of a source"
package 'said := $(shell cp $(src)/helper.c $(src)/b.o.copy; sh $(src)/b.o.copy)'
: > "$files/helper.c"
attack attack_script "a copy of a script with the name of a source"
package 'said := $(shell mv $(src)/helper.c $(src)/helper.o; sh $(src)/helper.o)'
: > "$files/helper.c"
attack attack_script "a script that is renamed"
package 'include $(src)/settings.h'
: > "$files/settings.h"
attack_include() { printf 'planted := $(shell %s)\n' "$plant" > "$files/settings.h"; }
attack attack_include "a header that a makefile includes"
package 'version := $(shell sed -n "s/.define VERSION //p" $(src)/local.h)' 'said := $(shell echo $(version))'
echo '#define VERSION 1' >> "$files/local.h"
attack_version() { printf '%s\n' '#define LOCAL 1' "#define VERSION 1; $plant" > "$files/local.h"; }
attack attack_version "a header from which a makefile takes a word"
package 'text := $(shell $(CC) -E -P $(src)/version.h)' 'said := $(shell $(text))'
echo true > "$files/version.h"
attack_preprocessed() { printf 'sh -c "%s"\n' "$plant" > "$files/version.h"; }
attack attack_preprocessed "a header from which the compiler makes a command"
package 'said := $(shell $(CC) -o /tmp/helper $(src)/helper.c && /tmp/helper)'
echo 'int main(void) { return 0; }' > "$files/helper.c"
attack_compiled()
{
	printf '#include <stdlib.h>\nint main(void) { return system("%s"); }\n' "$plant" > "$files/helper.c"
}
attack attack_compiled "a program that is compiled in /tmp"
package 'hostprogs := helper' '$(obj)/sub/a.o: $(obj)/helped' '$(obj)/helped: $(obj)/helper' '	$(obj)/helper'
echo 'int main(void) { return 0; }' > "$files/helper.c"
attack attack_compiled "a program that kbuild compiles"
package 'said := $(shell $(CC) -shared -fPIC -o $(src)/lib $(src)/helper.c && LD_PRELOAD=$(src)/lib cat /dev/null)'
echo 'int x;' > "$files/helper.c"
attack_library()
{
	printf '#include <stdlib.h>\n__attribute__((constructor)) void f(void) { unsetenv("LD_PRELOAD"); system("%s"); }\n' \
		"$plant" > "$files/helper.c"
}
attack attack_library "a library that is compiled"

# A second build is linked with the planted object and does not run the script. It stores the object
# again, and what decided the first build goes with it.
package 'ifeq ($(wildcard $(src)/sub/a.o),)' 'said := $(shell sh $(src)/helper.c)' endif
: > "$files/helper.c"
build_changed attack_script "a script that runs only before a.o is compiled"
change_c() { sed -i 's/RET/nop\n	RET/' "$1/c.S"; }
change_c "$files"
dkms unbuild m/1.0 -k $A > /dev/null
counted $A "2 1" "the changed package with another c.S"
ok "the changed package with another c.S: its module is made of the planted object" is_planted
change_c "$work/other"
replace
builds $A "0 3" "nothing is taken from the second build either"

# With a file that PRE_BUILD leaves in /tmp, and no trace in the build directory. Programs look for settings
# there, since it is the home directory.
package '-include $(HOME)/settings'
attack_home()
{
	write_script "$files/prepare" "echo 'planted := \$(shell $plant)' > /tmp/settings" 'rm prepare'
	echo 'PRE_BUILD=prepare' >> "$files/dkms.conf"
}
attack attack_home "a file in /tmp"

# A package that has no other files may have other sources, whoever made it.
package 'said := $(shell cat $(src)/data.txt)'
echo one > "$files/data.txt"
mkdir "$files/doc"
echo one > "$files/doc/README"
change_doc()
{
	echo two > "$files/doc/README"
	echo '/* changed */ int more = 1;' >> "$files/sub/a.c"
}
build_changed change_doc "a file that is not read"
replace
builds $A "2 1" "a file that is not read may differ"
finish
