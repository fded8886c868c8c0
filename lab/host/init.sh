#!/bin/sh
# The init of a namespace host, run by unshare(1) as process 1 of its own PID, mount, UTS and network
# namespaces. It arranges the host's own view of the system, says "ready PID" (PID as the machine
# sees it) and then only holds the namespaces until it is killed, which is the power button.
#   init.sh NAME FOLDER RUN    FOLDER: boot_id, the etc files and the journal of this host; RUN: its run folder
set -eu
name=$1 folder=$2 run=$3
# Read before /proc is mounted anew: the machine's number of this process.
read -r pid _ </proc/self/stat

hostname "$name"
mount -t proc proc /proc
# Without a new sysfs, /sys/class/net would show the machine's interfaces.
mount -t sysfs sysfs /sys
for file in passwd shadow group; do
  mount --bind "$folder/$file" "/etc/$file"
done
mount --bind "$folder/boot_id" /proc/sys/kernel/random/boot_id
# A namespace host shares the kernel: its sysrq would reboot the user's computer.
[ ! -e /proc/sysrq-trigger ] || mount --bind /dev/null /proc/sysrq-trigger
# The folder's files are reached before /run is hidden, for a state folder below it.
config=$(cat "$folder/sshd_config") host_key=$(cat "$folder/host_key") client=$(cat "$folder/client.pub")
# The host's disk is one file: what it did outlives its power. Bound before /run is hidden, too.
mkdir -p "$folder/run" && : >>"$folder/journal.jsonl"
mount -t tmpfs -o mode=755,size=1g tmpfs "$folder/run"
mkdir -m 711 "$folder$run"
: >"$folder$run/journal.jsonl"
mount --bind "$folder/journal.jsonl" "$folder$run/journal.jsonl"
mount -n --move "$folder/run" /run
mkdir -m 755 /run/sshd /run/lock
umask 077
printf '%s\n' "$config" >/run/sshd/sshd_config
printf '%s\n' "$host_key" >/run/sshd/host_key
printf '%s\n' "$client" >/run/sshd/authorized_keys
umask 022

set_network() { [ ! -e "/proc/sys/net/$1" ] || echo "$2" >"/proc/sys/net/$1"; }
for scope in all default; do
  set_network ipv6/conf/$scope/disable_ipv6 1
  set_network ipv4/conf/$scope/rp_filter 0
  set_network ipv4/conf/$scope/send_redirects 0
done
set_network ipv4/ip_forward 0
set_network bridge/bridge-nf-call-iptables 0
set_network bridge/bridge-nf-call-ip6tables 0
set_network bridge/bridge-nf-call-arptables 0
ip link set lo up

echo "ready $pid"
# An ignored SIGCHLD makes the kernel reap every orphan that falls to this init.
exec env --ignore-signal=CHLD sleep infinity >/dev/null
