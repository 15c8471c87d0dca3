#!/bin/bash
# What a sandbox shows is mounted by its path. Another user who can exchange what is there must not
# show builds what he may not read, nor the sockets in /run; also if he does it between the look of dkms
# and the mount.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

joe=4242 bob=4343
if ! private_etc || ! setpriv --reuid=$joe --clear-groups true 2>/dev/null; then
	skip_all "needs namespaces and several users"
fi
real=$(command -v bwrap) || skip_all "needs bubblewrap"
mount -t tmpfs -o mode=0755 dkms-test /run
mount -t tmpfs -o mode=0755 dkms-test /home
mkdir /run/daemon
echo topsecret > /run/daemon/secret

# A bubblewrap that first runs $work/swap, once, if the command has the words of $work/swap.at.
cp "$real" "$work/bin/real-bwrap"
write_script "$work/wrapper" \
	"case \"\$*\" in *\"\$(cat $work/swap.at 2>/dev/null)\"*) ;; *) exec $work/bin/real-bwrap \"\$@\" ;; esac" \
	"[ ! -e $work/swap ] || { mv $work/swap $work/swapped; . $work/swapped; } >&2" \
	"exec $work/bin/real-bwrap \"\$@\""
mount --bind "$work/wrapper" "$real"

# Makes a machine, and the homes of joe, and of bob, which joe may not enter.
homes()
{
	machine
	kernel $K
	rm -rf /home/{joe,bob} "${work:?}"/swap* "${etc:?}"/*
	mkdir -m 0755 /home/joe
	mkdir -m 0700 /home/bob
	mkdir -m 0777 /home/bob/docs
	echo topsecret | tee /home/bob/docs/secret /home/bob/docs/dkms.conf > /home/bob/docs/Makefile
	chown -R $bob:$bob /home/bob
}

# Makes the source of a package a link to joe's directory.
joes() # NAME VERSION [LINE...]
{
	module "$@"
	mv "$sourcetree/$1-$2" "/home/joe/$1"
	ln -s "/home/joe/$1" "$sourcetree/$1-$2"
	chown -hR $joe:$joe /home/joe
}

# Lets joe put a link to TARGET in the place of his own at PATH; or, with a third argument, when
# bubblewrap is started for a command that has these words.
exchange() # PATH TARGET [WORDS]
{
	if [ $# -gt 2 ]; then
		printf '%s' "$3" > "$work/swap.at"
		echo "mv $1 $1.old; ln -s $2 $1; chown -h $joe $1" > "$work/swap"
	else
		mv "$1" "$1.old"
		ln -s "$2" "$1"
		chown -h $joe "$1"
	fi
}

# Checks that the build of b/1.0 has not seen the secret.
holds() # DESCRIPTION [ARGUMENT...]
{
	local description=$1

	shift
	run_dkms build b/1.0 -k $K --force "$@"
	is "$(grep -rl topsecret "$dkmstree" "$work/out" "$work/err" || true)" "" "$description"
	[ ! -e "$work/swap" ] || note "nothing was exchanged: $out $err"
	is "$(cat "$work/swap" 2>/dev/null || true)" "" "$description: bubblewrap was started"
}

reads='MAKE="cat $source_tree/b-1.0/secret $source_tree/a-1.0/secret $dkms_tree/a/1.0/source/secret /home/bob/docs/secret'
reads+=' /run/daemon/secret /home/joe/*/secret; make -C \$kernel_source_dir M=\$dkms_tree/b/1.0/build"'

# The source of a package in BUILD_DEPENDS.
for target in /home/bob/docs /run/daemon; do
	for when in before mounting; do
		homes
		joes a 1.0
		module b 1.0 'BUILD_DEPENDS="a"' "$reads"
		dkms install a/1.0 -k $K > "$work/out"
		dkms add b/1.0 > "$work/out"
		if [ $when = before ]; then
			exchange /home/joe/a $target
		else
			exchange /home/joe/a $target "make -C "
		fi
		holds "BUILD_DEPENDS, exchanged $when, to $target"
		like "$err" "cannot show .*/a/1.0/source.* his own" "exchanged $when: the error names the path"
		like "$err" "name the (file or )?directory itself" "exchanged $when: it has a remedy"
	done
done

# The package's own source, when dkms has copied it already, and for the evaluation.
homes
joes b 1.0 "$reads"
dkms add b/1.0 > "$work/out"
exchange /home/joe/b /home/bob/docs "make -C "
holds "the package's own source"
for line in 'cat secret' 'cat secret; echo x > written'; do
	homes
	joes b 1.0 "(cd \"\${BASH_SOURCE%/*}\" && $line) >&2" 'ls "${BASH_SOURCE%/*}" >/dev/null'
	exchange /home/joe/b /home/bob/docs "dkms.conf"
	run_dkms add b/1.0
	holds "the evaluation: $line"
done

# His own directories are shown, whatever links lead there.
homes
joes b 1.0 'MAKE="cat \$dkms_tree/b/1.0/source/own && make -C \$kernel_source_dir M=\$dkms_tree/b/1.0/build"'
setpriv --reuid=$joe --regid=$joe --clear-groups sh -c '
	mkdir /home/joe/src; mv /home/joe/b /home/joe/src/b; ln -s src/b /home/joe/b; echo own > /home/joe/src/b/own'
dkms add b/1.0 > "$work/out"
dkms_exits 0 "joe's own link to his own directory" build b/1.0 -k $K
like "$(cat "$dkmstree/b/1.0/$K/$arch/log/make.log")" "^own" "the build reads what is there"

# Paths that the administrator lists.
listed()
{
	homes
	module b 1.0 "$reads"
	dkms add b/1.0 > "$work/out"
	mkdir /home/joe/sdk
	echo own > /home/joe/sdk/own
	echo own > /home/joe/key
	chown -R $joe:$joe /home/joe
	chmod 0600 /home/joe/key
	echo 'sandbox_paths="/home/joe/sdk /home/joe/key"' > "$etc/framework.conf"
}
for words in "" "make -C "; do
	for target in /home/bob/docs /run/daemon; do
		listed
		exchange /home/joe/sdk $target ${words:+"$words"}
		holds "sandbox_paths, exchanged ${words:+while it is mounted}, to $target"
		listed
		exchange /home/joe/key $target/secret ${words:+"$words"}
		holds "a file in sandbox_paths, exchanged ${words:+while it is mounted}, to $target"
	done
done
listed
echo topsecret > /home/joe/root
chmod 0600 /home/joe/root
ln -s root /home/joe/link
mv /home/joe/link /home/joe/key
holds "a file of root's behind joe's link is not handed over"
listed
sed -i 's/MAKE=.*/MAKE="cat \/home\/joe\/sdk\/own \/home\/joe\/key; make -C \\$kernel_source_dir M=\\$dkms_tree\/b\/1.0\/build"/' \
	"$sourcetree/b-1.0/dkms.conf"
dkms_exits 0 "what nobody exchanges is shown" build b/1.0 -k $K
is "$(grep -c '^own' "$dkmstree/b/1.0/$K/$arch/log/make.log")" 2 "a directory and a private file of joe's"

# Where builds may write.
homes
module b 1.0 'MAKE="touch /home/joe/out/written; make -C \$kernel_source_dir M=\$dkms_tree/b/1.0/build"'
dkms add b/1.0 > "$work/out"
mkdir -m 0777 /home/joe/out
chown $joe /home/joe/out
echo 'sandbox_write=/home/joe/out' > "$etc/b.conf"
exchange /home/joe/out /home/bob/docs "make -C "
holds "sandbox_write"
ok "sandbox_write: nothing was written for joe" test ! -e /home/bob/docs/written

# Headers of joe's, whose Makefile and links name other directories.
for line in 'include /home/bob/docs/Makefile' 'ignored := /home/bob/docs/Makefile /home/joe/link'; do
	homes
	module b 1.0 "$reads"
	dkms add b/1.0 > "$work/out"
	cp -a "$machine/usr/src/linux-headers-$K" /home/joe/headers
	sed -i "1i $line" /home/joe/headers/Makefile
	ln -s /home/bob/docs /home/joe/headers/link
	mkdir /home/joe/lib
	chown -hR $joe:$joe /home/joe
	holds "headers: $line" --kernelsourcedir=/home/joe/headers
done

# A program of joe's that the administrator names, and its interpreter.
for when in before mounting; do
	homes
	module b 1.0
	dkms add b/1.0 > "$work/out"
	printf '#!/home/bob/docs/secret\n' > /home/joe/wrapper
	chmod 755 /home/joe/wrapper
	[ $when = before ] || write_script /home/joe/wrapper "cat /home/bob/docs/secret"
	chown -R $joe:$joe /home/joe
	[ $when = before ] || exchange /home/joe/wrapper /home/bob/docs/secret "make -C "
	holds "a named program, $when" --directive="MAKE=/home/joe/wrapper; cat /home/joe/wrapper /home/bob''/docs/secret; true make -C "
done

finish
