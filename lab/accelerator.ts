/** Whether KVM works here is found out by booting the guest: an existing /dev/kvm proves nothing. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { guestCpu, guestKernelBasics } from "../hypervisors/kvm-command-line.ts";
import { writeAtomically, type HostRecord } from "./records.ts";

export interface ProvenAccelerator {
  readonly accelerator: "kvm" | "tcg";
  readonly proof: string;
}

/** A working KVM boots this guest in about a second. A broken one was seen to hang in the boot loader for good. */
const deadlinesMs = { kvm: 15_000, tcg: 120_000 } as const;

interface Proving {
  readonly image: { readonly kernel: string; readonly initramfs: string };
  /** `prove`: KVM, then TCG; otherwise this one alone. */
  readonly wanted: "prove" | "kvm" | "tcg";
  readonly log: (line: string) => void;
}

/**
 * Boots the image with each accelerator in turn, with a deadline, in a host of the lab: its power
 * button ends the guest also when Longhaul dies meanwhile. The answer is remembered for this boot
 * of the machine. @throws {Error} when the guest boots with none
 */
export const proveAccelerator = async (
  cache: string,
  host: HostRecord,
  { image, wanted, log }: Proving,
): Promise<ProvenAccelerator> => {
  const { stdout: qemu } = await execa("qemu-system-x86_64", ["--version"]);
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
  const machine = [bootId, release(), cpus()[0]?.model, qemu, image.initramfs, wanted].join("\n");
  const key = createHash("sha256").update(machine).digest("hex").slice(0, 16);
  const memory = join(cache, "accelerator", `${key}.json`);
  if (existsSync(memory)) return JSON.parse(readFileSync(memory, "utf8")) as ProvenAccelerator;

  log("proving the accelerator by booting the guest");
  const tried: string[] = [];
  const candidates = wanted === "prove" ? (["kvm", "tcg"] as const) : [wanted];
  for (const accelerator of candidates) {
    if (accelerator === "kvm" && !existsSync("/dev/kvm")) {
      tried.push("kvm: no /dev/kvm");
      continue;
    }
    const { booted, said } = await boot(host, accelerator, image);
    tried.push(`${accelerator}: ${said}`);
    if (!booted) continue;
    const proven = { accelerator, proof: tried.join("; ") };
    mkdirSync(join(cache, "accelerator"), { recursive: true });
    writeAtomically(memory, `${JSON.stringify(proven)}\n`);
    log(`accelerator: ${proven.proof}`);
    return proven;
  }
  throw new Error(`the guest does not boot: ${tried.join("; ")}`);
};

const boot = async (
  host: HostRecord,
  accelerator: "kvm" | "tcg",
  image: { readonly kernel: string; readonly initramfs: string },
): Promise<{ booted: boolean; said: string }> => {
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const guest = execa(
    "nsenter",
    [
      ...["-t", String(host.pid), "--mount", "--uts", "--net", "--pid", "--"],
      // Killing nsenter alone would leave QEMU behind.
      ...["setpriv", "--pdeathsig", "KILL", "--"],
      ...["qemu-system-x86_64", "-accel", accelerator, "-cpu", guestCpu(accelerator), "-m", "256"],
      ...["-smp", "1", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"],
      ...["-kernel", image.kernel, "-initrd", image.initramfs, "-append", guestKernelBasics],
    ],
    {
      stdin: "ignore",
      buffer: false,
      reject: false,
      timeout: deadlinesMs[accelerator],
      killSignal: "SIGKILL",
    },
  );
  let console = "";
  let errors = "";
  let booted = false;
  guest.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  guest.stdout.setEncoding("utf8").on("data", (text: string) => {
    console += text;
    if (!/^hb \d/m.test(console)) return;
    booted = true;
    guest.kill("SIGKILL");
  });
  const end = await guest;
  if (booted) return { booted, said: `the guest booted in ${seconds()}` };
  if (end.timedOut) return { booted, said: `the guest did not boot within ${seconds()}` };
  return {
    booted,
    said: `QEMU ended after ${seconds()} (${end.signal ?? `exit ${end.exitCode}`}): ${lastWords(errors, console)}`,
  };
};

/** QEMU's own last line; without one, the guest's: it may have panicked and, told not to reboot, ended. */
export const lastWords = (errors: string, console: string): string => {
  const last = (text: string) => text.trim().split("\n").at(-1)?.trim() ?? "";
  if (last(errors) !== "") return last(errors);
  return last(console) === "" ? "it said nothing" : `the guest's last line: ${last(console)}`;
};
