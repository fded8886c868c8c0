#!/bin/bash
# The root folder of the live system: Debian packages unpacked, not installed; what their scripts would do and
# is needed is done here.
#   live-root.sh ROOT KERNEL-PACKAGE XEN-VERSION ARCHIVE …
set -euo pipefail
root=$1 kernel=$2 xen=$3
shift 3

mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{dev,proc,sys,run,tmp,root,etc}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
unneeded=(
  ./usr/share/{doc,man,locale,info,lintian,bash-completion,zoneinfo,i18n,bug,perl,perl5,pixmaps,mime,gdb}
  ./usr/{bin/perl\*,lib/udev,lib/systemd,include,games} ./usr/share/{initramfs-tools,python3,apport}
  ./usr/lib/x86_64-linux-gnu/{perl,perl5,perl-base,gconv,libperl\*,libsqlite3\*,libdb-\*}
  ./usr/lib/python3\*/{test,idlelib,lib2to3,distutils,ensurepip,pydoc_data,unittest,tkinter,turtledemo,sqlite3}
  ./{usr/,}lib/{udev,systemd} ./boot/xen-\*.efi ./boot/xen-\*.config ./etc/{cron.daily,perl,apt,rc?.d}
)
for archive; do
  dpkg --fsys-tarfile "$archive" |
    tar -x -C "$root" --keep-directory-symlink --no-same-owner "${unneeded[@]/#/--exclude=}"
done

ln -sf dash "$root/usr/bin/sh"
ln -sf mawk "$root/usr/bin/awk"
cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
echo 'sshd:x:100:65534::/run/sshd:/usr/sbin/nologin' >>"$root/etc/passwd"
# `*` can log in with a key and with no password; `!` would be a locked account to sshd.
printf '%s:*:19000:0:99999:7:::\n' root sshd >"$root/etc/shadow"
mkdir -p "$root"/var/{lib/xen,log/xen/console,tmp} "$root/etc/longhaul"
rm -rf "$root/var/run" "$root/var/lock"
ln -s /run "$root/var/run"
ln -s /run/lock "$root/var/lock"
cat >>"$root/etc/default/xen" <<DEFAULTS
XENSTORED=/usr/lib/xen-$xen/bin/xenstored
XENCONSOLED_ARGS="--log=guest --log-dir=/var/log/xen/console"
DEFAULTS

cp -r "$kernel/lib/modules" "$root/usr/lib/"
/sbin/depmod -b "$root" "$(ls "$root/usr/lib/modules")"
/sbin/ldconfig -r "$root"
# Emulated, Python would spend seconds on what it compiles here once. Times are not kept: pyc files are not compared.
chroot "$root" python3 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3 /usr/lib/python3.* >/dev/null
