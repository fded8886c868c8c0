import type { FaultName } from "../../model/fault.ts";
import type { Fault } from "./fault.ts";
import {
  guestBlackhole,
  guestDirty,
  guestLossy,
  guestNicDown,
  guestPanic,
  guestReboot,
  guestSpin,
} from "./guest.ts";
import { agentKill, powerOff, sshBlackhole } from "./host.ts";
import { linkCut, linkLoss, linkSlow } from "./link.ts";
import { guestPause, monitorSilent, qemuKill, qemuStop } from "./qemu-process.ts";
import { storeFull } from "./store-full.ts";

/** Every fault that model/fault.ts names, and how the lab makes it. */
export const faultTable: Readonly<Record<FaultName, Fault>> = {
  "link-cut": linkCut,
  "link-slow": linkSlow,
  "link-loss": linkLoss,
  "qemu-stop": qemuStop,
  "guest-pause": guestPause,
  "qemu-kill": qemuKill,
  "guest-dirty": guestDirty,
  "guest-panic": guestPanic,
  "guest-spin": guestSpin,
  "guest-blackhole": guestBlackhole,
  "guest-nic-down": guestNicDown,
  "guest-lossy": guestLossy,
  "guest-reboot": guestReboot,
  "monitor-silent": monitorSilent,
  "ssh-blackhole": sshBlackhole,
  "power-off": powerOff,
  "agent-kill": agentKill,
  "store-full": storeFull,
};
