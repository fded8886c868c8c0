import type { LabStatus } from "../lab/lab.ts";

/** A lab's status for people: one line per host. */
export const labStatusText = (status: LabStatus): string => {
  const hosts = Object.entries(status.hosts).map(
    ([name, { power, pid, bootId }]) =>
      `${name.padEnd(3)} ${power.padEnd(4)}${pid === null ? "" : ` init ${pid}, boot ${bootId ?? "not yet"}`}`,
  );
  return [
    `lab ${status.name ?? "(none)"}: ${status.status}`,
    ...hosts,
    ...(status.accelerator
      ? [`accelerator ${status.accelerator} (${status.acceleratorProof})`]
      : []),
  ].join("\n");
};
