#!/bin/sh
# The outside of a machine, run by unshare(1) as process 1 of its own PID, mount, UTS and network namespaces.
# It makes the machine's plugs, says "ready PID" (PID as the machine that the lab runs on sees it) and becomes
# QEMU: killing it is the power button.
#   machine-init.sh NAME FOLDER QEMU …    FOLDER: plugs (ip -batch); QEMU's working folder
set -eu
name=$1 folder=$2
shift 2
# Read before /proc is mounted anew.
read -r pid _ </proc/self/stat

hostname "$name"
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for scope in all default; do
  file=/proc/sys/net/ipv6/conf/$scope/disable_ipv6
  [ ! -e $file ] || echo 1 >$file
done
for file in /proc/sys/net/bridge/bridge-nf-call-*; do
  [ ! -e "$file" ] || echo 0 >"$file"
done
cd "$folder"
ip -batch plugs

echo "ready $pid"
exec "$@" >/dev/null
