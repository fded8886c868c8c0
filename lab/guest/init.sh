#!/bin/busybox sh
# The router guest: plain kernel forwarding. Its NICs come on the kernel's command line, in order:
#   longhaul.nic=MAC,ADDRESS/PREFIX longhaul.nic=… longhaul.routing=kernel
# Console (ttyS0; under Xen hvc0): ROUTER-READY once it forwards and takes commands, then "hb UPTIME" every second.
# Commands (hvc0; under Xen between the console's lines): see guest/commands.sh.
export PATH=/bin
/bin/busybox mkdir -p /bin /proc /sys /dev /run /tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

while read -r module; do insmod "/modules/$module.ko" 2>/dev/null || echo "no device for $module"; done </modules/order

for scope in all default; do
  echo 0 >/proc/sys/net/ipv4/conf/$scope/rp_filter
  echo 0 >/proc/sys/net/ipv4/conf/$scope/send_redirects
done
# Only its own addresses on a NIC answer there: four segments, one router.
echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
ip link set lo up

# The interface of a MAC, as soon as its driver has made it.
interface_of() {
  for try in $(seq 100); do
    for path in /sys/class/net/*; do
      [ "$(cat "$path/address")" = "$1" ] && echo "${path##*/}" && return
    done
    usleep 50000
  done
  return 1
}
number=0
for word in $(cat /proc/cmdline); do
  case $word in
  longhaul.nic=*)
    value=${word#longhaul.nic=}
    name=$(interface_of "${value%,*}") || { echo "ROUTER-FAULT no NIC ${value%,*}"; continue; }
    # In the order of the command line, whatever the bus did: away first, then to the final name.
    ip link set "$name" name "nic$number"
    eval "address$number=${value#*,}"
    number=$((number + 1))
    ;;
  esac
done
# Switches may know the router's MACs from where it was before, and nobody asks for them: it says where it is.
announce() {
  for try in $(seq 100); do
    [ "$(cat "/sys/class/net/$1/carrier")" = 1 ] && break
    usleep 50000
  done
  arping -q -U -c 1 -w 1 -I "$1" "$2"
}
index=0
while [ $index -lt $number ]; do
  eval "address=\$address$index"
  ip link set "nic$index" name "eth$index"
  ip address add "$address" dev "eth$index"
  ip link set "eth$index" up
  announce "eth$index" "${address%/*}" &
  index=$((index + 1))
done
echo 1 >/proc/sys/net/ipv4/ip_forward

# Open before it is ready: from then on no command is lost, not even the first.
if [ -e /sys/bus/virtio/drivers/virtio_console/virtio* ] || [ -e /sys/hypervisor/type ]; then
  for try in $(seq 100); do [ -c /dev/hvc0 ] && break; usleep 50000; done
  exec 3<>/dev/hvc0
  stty raw -echo <&3
  sh /commands.sh <&3 >&3 &
fi
[ "$number" -gt 0 ] && echo "ROUTER-READY $number" || echo ROUTER-ALONE
while :; do
  read -r uptime _ </proc/uptime
  echo "hb $uptime"
  sleep 1
done
