#!/bin/sh
# The init of a machine: a live system in memory without a disk, on Debian's kernel alone or as dom0 under Xen.
# What only this host has lies in /etc/longhaul:
#   name   sshd_config host_key client.pub   nics ("MAC DEVICE" a line)   network (ip -batch)
# Console: "LIVE-BOOT" with its boot id, then LIVE-READY once SSH answers, or LIVE-FAULT with what went wrong.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620 devpts /dev/pts
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/sshd
ln -s /proc/self/fd /dev/fd
number=0
# Xen's hotplug scripts look at /dev/stdin to see who holds their lock, for ever where there is none.
for stream in stdin stdout stderr; do
  ln -s "/proc/self/fd/$number" "/dev/$stream"
  number=$((number + 1))
done
exec </dev/console >/dev/console 2>&1
settings=/etc/longhaul
ready=LIVE-READY
fault() { ready="LIVE-FAULT $*"; }
read -r boot </proc/sys/kernel/random/boot_id
echo "LIVE-BOOT $boot"

hostname "$(cat $settings/name)"
modprobe -a virtio_pci virtio_net bridge tun || fault "a module is missing"
for scope in all default; do
  echo 1 >/proc/sys/net/ipv6/conf/$scope/disable_ipv6
  echo 0 >/proc/sys/net/ipv4/conf/$scope/rp_filter
  echo 0 >/proc/sys/net/ipv4/conf/$scope/send_redirects
done
interface_of() {
  for path in /sys/class/net/*; do
    read -r address <"$path/address"
    [ "$address" = "$1" ] && echo "${path##*/}" && return
  done
  return 1
}
while read -r mac device; do
  found=$(interface_of "$mac") || { fault "no NIC $mac for $device"; continue; }
  ip link set "$found" name "$device" || fault "$found does not become $device"
done <$settings/nics
ip -batch $settings/network || fault "its network cannot be set"

if [ "$(cat /sys/hypervisor/type 2>/dev/null)" = xen ]; then
  modprobe -a xen-gntalloc xen-privcmd xen-netback || fault "a module of Xen is missing"
  /etc/init.d/xen start || fault "Xen's daemons do not start"
fi

umask 077
cp $settings/host_key /run/sshd/host_key
cp $settings/client.pub /run/sshd/authorized_keys
umask 022
/usr/sbin/sshd -f $settings/sshd_config || fault "sshd does not start"
echo "$ready"
# An ignored SIGCHLD makes the kernel reap every orphan that falls to this init.
exec env --ignore-signal=CHLD sleep infinity
