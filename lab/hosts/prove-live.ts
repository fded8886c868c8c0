/** A live image is proven by booting it in both profiles, before anybody may use it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { bootProfiles, type BootProfile } from "../../model/testbed-file.ts";
import { lastWords } from "../accelerator.ts";
import type { LiveImage } from "./live-image.ts";
import { bootFiles, machineCommandLine, putBootFiles, readConsole } from "./machine-boot.ts";

const deadlineMs = 300_000;
const pollMs = 250;

/** `access`: what an SSH server needs. Returns in words how long each boot took. @throws {Error} with the console's end */
export const proveLive = async (
  image: LiveImage,
  access: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Promise<void> => {
  const took = await Promise.all(
    bootProfiles.map(async (profile) => `${profile} in ${await boot(image, profile, access)} s`),
  );
  log(`the live image boots: ${took.join(", ")}`);
};

const boot = async (
  image: LiveImage,
  profile: BootProfile,
  access: Readonly<Record<string, string>>,
): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), "longhaul-live-"));
  const started = performance.now();
  try {
    const settings = { ...access, name: "proof\n", nics: "", network: "link set lo up\n" };
    putBootFiles(folder, image, settings);
    writeFileSync(join(folder, bootFiles.console), "");
    const [program = "", ...args] = machineCommandLine(image, profile, ["-nic", "none"]);
    // Ends also when this process is killed.
    const machine = execa("setpriv", ["--pdeathsig", "KILL", "--", program, ...args], {
      cwd: folder,
      stdin: "ignore",
      reject: false,
      timeout: deadlineMs,
      killSignal: "SIGKILL",
    });
    const ended = machine.then(({ stderr }) => lastWords(String(stderr), ""));
    const console = () => readConsole(readFileSync(join(folder, bootFiles.console), "latin1"));
    for (;;) {
      const { end, tail } = console();
      if (end === "ready") break;
      const gone = await Promise.race([
        ended,
        new Promise<null>((go) => setTimeout(go, pollMs, null)),
      ]);
      if (end === null && gone === null) continue;
      machine.kill("SIGKILL");
      throw new Error(
        `the machines' live image does not boot (${profile}, ${end ?? gone}); its console ends with:\n${tail}`,
      );
    }
    machine.kill("SIGKILL");
    await ended;
    return ((performance.now() - started) / 1000).toFixed(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
