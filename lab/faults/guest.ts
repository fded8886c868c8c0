/** Faults inside the guest, made by its own shell: lab/guest/commands.sh runs them. */
import { isAlive, until } from "../processes.ts";
import { nothingMore, type Fault } from "./fault.ts";
import { askGuest, askMonitor, oneLine, qemuAt, tellGuest, type Qemu } from "./qemu.ts";

/** Begins after the answer has left the guest: none of these lets it speak again. */
const afterTheAnswer = (script: string) => `setsid ${oneLine(script)} </dev/null >/dev/null 2>&1 &`;

const inGuest =
  (what: string, make: (qemu: Qemu) => Promise<unknown>): Fault =>
  async ({ lab, order }) => {
    const qemu = await qemuAt(lab, order.host);
    return {
      host: qemu.host,
      detail: `${qemu.guest} on ${qemu.host} ${what}`,
      undo: [],
      make: async () => {
        await make(qemu);
        return nothingMore();
      },
    };
  };

/** QEMU runs with -no-reboot, so that a panicked guest's reboot is its end. */
const panicMs = 30_000;

export const guestPanic = inGuest("panics", async (qemu) => {
  await tellGuest(qemu, afterTheAnswer("usleep 100000; echo c >/proc/sysrq-trigger"));
  await until("QEMU's end after the panic", () => !isAlive(qemu), panicMs);
});

/**
 * The local APIC's task priority at its highest holds every interrupt back, the timer's, too: the
 * loop is never left. Where the APIC is not in memory (x2APIC under KVM) the guest panics without
 * a reboot instead, which spins in the kernel as well.
 */
const spin = `
priority=$(devmem 0xFEE00080 32 2>/dev/null || echo 0xFFFFFFFF)
if [ $((priority)) -le 255 ]; then
  usleep 100000; devmem 0xFEE00080 32 0xFF; while :; do :; done
else
  echo 0 >/proc/sys/kernel/panic; usleep 100000; echo c >/proc/sysrq-trigger
fi`;

export const guestSpin = inGuest("spins with its interrupts held off", (qemu) =>
  tellGuest(qemu, afterTheAnswer(spin)),
);

export const guestBlackhole: Fault = async ({ lab, order }) => {
  const qemu = await qemuAt(lab, order.host);
  return {
    host: qemu.host,
    detail: `${qemu.guest} on ${qemu.host} forwards nothing (ip_forward=0)`,
    undo: [{ kind: "guest", script: "echo 1 >/proc/sys/net/ipv4/ip_forward" }],
    make: async () => {
      await askGuest(qemu, "echo 0 >/proc/sys/net/ipv4/ip_forward");
      return nothingMore();
    },
  };
};

/** The second of the guest's NICs is the one towards the sink; its address and the others stay. */
export const guestNicDown: Fault = async ({ lab, order }) => {
  const qemu = await qemuAt(lab, order.host);
  return {
    host: qemu.host,
    detail: `${qemu.guest} on ${qemu.host} has its NIC on segment b down (eth1)`,
    undo: [{ kind: "guest", script: "ip link set eth1 up" }],
    make: async () => {
      await askGuest(qemu, "ip link set eth1 down");
      return nothingMore();
    },
  };
};

/** A file as the switch: a process of its own goes on after the answer, and ends when the file is gone. */
const lossy = `
while [ -e /tmp/lossy ]; do
  echo 0 >/proc/sys/net/ipv4/ip_forward; usleep 100000
  echo 1 >/proc/sys/net/ipv4/ip_forward; usleep 400000
done`;

export const guestLossy: Fault = async ({ lab, order }) => {
  const qemu = await qemuAt(lab, order.host);
  return {
    host: qemu.host,
    detail: `${qemu.guest} on ${qemu.host} forwards nothing for 100 ms of every 500 ms (ip_forward)`,
    undo: [
      {
        kind: "guest",
        script: "rm -f /tmp/lossy; usleep 600000; echo 1 >/proc/sys/net/ipv4/ip_forward",
      },
    ],
    make: async () => {
      await askGuest(qemu, `: >/tmp/lossy && { ${afterTheAnswer(lossy)} }`);
      return nothingMore();
    },
  };
};

const resetMs = 20_000;
const afterResetMs = 2_000;

/** QEMU is told for this one time that a reset is no end: the same process boots the same kernel again. */
export const guestReboot = inGuest("resets and boots again", async (qemu) => {
  const action = (reboot: "reset" | "shutdown") => ({
    execute: "set-action",
    arguments: { reboot },
  });
  await askMonitor(qemu, [action("reset")], { timeoutMs: 5_000 });
  const reset = askMonitor(qemu, [{ event: "RESET" }], { timeoutMs: resetMs });
  await Promise.all([
    reset,
    tellGuest(qemu, afterTheAnswer("usleep 500000; echo b >/proc/sysrq-trigger")),
  ]);
  // The dying kernel asks for its reset in several ways; a second one must be no end either (6.1, QEMU 7.2).
  await new Promise((wake) => setTimeout(wake, afterResetMs));
  await askMonitor(qemu, [action("shutdown")], { timeoutMs: 5_000 });
});

const chunkMib = 8;
const defaultMib = 96;

export const guestDirty: Fault = async ({ lab, order }) => {
  const qemu = await qemuAt(lab, order.host);
  const mib = order.mib ?? defaultMib;
  const chunks = Math.max(1, Math.round(mib / chunkMib));
  // Random content once: pages of zeros would cost a migration nothing. Memory is what a file here is.
  const write = `
cd /tmp/dirty
while [ -e run ]; do
  chunk=0
  while [ $chunk -lt ${chunks} ]; do
    dd if=source of=target bs=1M seek=$((chunk * ${chunkMib})) conv=notrunc
    chunk=$((chunk + 1))
  done
done
cd / && umount /tmp/dirty && rmdir /tmp/dirty`;
  return {
    host: qemu.host,
    detail: `${qemu.guest} on ${qemu.host} writes ${chunks * chunkMib} MiB of its memory again and again`,
    undo: [
      {
        kind: "guest",
        script: "rm -f /tmp/dirty/run; while [ -e /tmp/dirty ]; do usleep 50000; done",
      },
    ],
    make: async () => {
      await askGuest(
        qemu,
        `mkdir -p /tmp/dirty && mount -t tmpfs -o size=100% dirty /tmp/dirty && : >/tmp/dirty/run && dd if=/dev/urandom of=/tmp/dirty/source bs=1M count=${chunkMib} 2>/dev/null && ${afterTheAnswer(write)}`,
        60_000,
      );
      return nothingMore();
    },
  };
};
