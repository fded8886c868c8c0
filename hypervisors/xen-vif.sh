#!/bin/sh
# Plugs a guest's interface into its bridge: what libxl runs for each of them, in place of vif-bridge, whose
# hundred processes take an emulated host longer than the 40 s that libxl waits (4.17, seen).
# Environment: vif, XENBUS_PATH (tools/libs/light/libxl_nic.c, libxl_linux.c).
set -e
[ "$1" = online ] || [ "$1" = add ] || exit 0
set -- $(xenstore-read "$XENBUS_PATH/bridge" "$XENBUS_PATH/vifname")
ip -batch - <<LINKS
link set $vif name $2
link set $2 master $1 up
LINKS
# netback waits for it.
xenstore-write "$XENBUS_PATH/hotplug-status" connected
