/** How SSH reaches namespace hosts that have no control network: sshd on the standard streams of nsenter(1). */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import type { HostName, Reach } from "../model/testbed.ts";
import { shellWord } from "../remote/shell-word.ts";
import type { LabState, Place } from "./records.ts";
import { python } from "./python.ts";
import type { Sshd } from "./sshd.ts";

const keyFolder = (state: LabState) => join(state.lab, "keys");
const clientKey = (state: LabState) => join(keyFolder(state), "client");
const hostKey = (state: LabState) => join(keyFolder(state), "host");
const knownHosts = (state: LabState) => join(keyFolder(state), "known_hosts");
const reachScript = (state: LabState) => join(state.lab, "reach");

/** Only keys open the door, and only forwarding of sockets, which the agent is spoken to over, is allowed. */
const sshdConfig = `HostKey /run/sshd/host_key
AuthorizedKeysFile /run/sshd/authorized_keys
AuthenticationMethods publickey
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PermitUserRC no
PermitUserEnvironment no
PrintMotd no
PrintLastLog no
X11Forwarding no
AllowAgentForwarding no
AllowTcpForwarding local
AllowStreamLocalForwarding yes
UseDNS no
LogLevel ERROR
PidFile none
MaxSessions 100
SetEnv PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
Subsystem sftp internal-sftp
`;

/** Between this machine and the SSH server of a machine of its own. */
export const relay = join(import.meta.dirname, "hosts", "relay.py");

/** In a host's folder: while it is there, the init of this number answers no new connection. */
export const silentMark = (pid: number): string => `silent-${pid}`;

/** OpenSSH calls this a ProxyCommand. It looks up the init of now: connections survive no power cycle, but new ones find the new host. */
const reachSource = (state: LabState, sshd: Sshd) => `#!/bin/sh
# reach HOST: an SSH server of that host of this lab, spoken to over standard input and output.
host=$1
if ! read -r pid start <${shellWord(join(state.lab, "hosts"))}/"$host"/init; then
  echo "$host: powered off, or no host of this lab" >&2
  exit 1
fi
read -r stat <"/proc/$pid/stat" || stat=') Z'
# Fields of proc(5) from the third on; the start time is the 22nd.
set -- \${stat##*) }
if [ "\${20}" != "$start" ]; then
  echo "$host: its init $pid is gone; the host has no power" >&2
  exit 1
fi
# A fault: the connection is there, and nobody ever speaks.
[ ! -e ${shellWord(join(state.lab, "hosts"))}/"$host/silent-$pid" ] || exec sleep infinity
# A machine of its own: SSH is the machine's, at the other end of its control link.
if [ -e ${shellWord(join(state.lab, "hosts"))}/"$host/control" ]; then
  read -r address port <${shellWord(join(state.lab, "hosts"))}/"$host/control"
  exec nsenter -t "$pid" --net -- ${shellWord(python())} -I -S ${shellWord(relay)} "$address" "$port"
fi
exec nsenter -t "$pid" --mount --uts --net --pid \\
  env -i LD_LIBRARY_PATH=${shellWord(sshd.libraries)} ${shellWord(sshd.binary)} -i -f /run/sshd/sshd_config
`;

/** Makes keys and reach script. The host key is one for all hosts of the lab. */
export const makeAccess = async (state: LabState, sshd: Sshd): Promise<void> => {
  mkdirSync(keyFolder(state), { recursive: true, mode: 0o700 });
  await Promise.all(
    [clientKey(state), hostKey(state)].map((file) =>
      execa("ssh-keygen", [
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-C",
        `longhaul-${state.id}`,
        "-f",
        file,
      ]),
    ),
  );
  writeFileSync(knownHosts(state), `lab ${readFileSync(`${hostKey(state)}.pub`, "utf8")}`);
  writeFileSync(reachScript(state), reachSource(state, sshd), { mode: 0o700 });
};

/** What each host's sshd must find, by file name in the host's folder. */
export const accessOf = (state: LabState): Readonly<Record<string, string>> => ({
  sshd_config: sshdConfig,
  host_key: readFileSync(hostKey(state), "utf8"),
  "client.pub": readFileSync(`${clientKey(state)}.pub`, "utf8"),
});

/** As `ssh-keygen -lf` prints it. */
export const hostKeyFingerprint = async (state: LabState): Promise<string> => {
  const { stdout } = await execa("ssh-keygen", ["-lf", `${hostKey(state)}.pub`]);
  const fingerprint = /SHA256:\S+/.exec(stdout)?.[0];
  if (!fingerprint) throw new Error(`ssh-keygen -lf printed no SHA-256 fingerprint: ${stdout}`);
  return fingerprint;
};

export const reachOf = (state: LabState, host: Place, hostKeySha256: string): Reach => ({
  kind: "proxy",
  command: [reachScript(state), host],
  user: "root",
  identityFile: clientKey(state),
  hostKeySha256,
});

/** A command on a host by OpenSSH's client, for people: a terminal here is one there. */
export const openSshCommand = (
  state: LabState,
  host: HostName,
  argv: readonly string[],
): readonly string[] => [
  ...["ssh", "-q", "-F", "none", "-i", clientKey(state), "-o", "IdentitiesOnly=yes"],
  ...["-o", `ProxyCommand=${shellWord(reachScript(state))} ${host}`],
  ...["-o", `UserKnownHostsFile=${knownHosts(state)}`, "-o", "StrictHostKeyChecking=yes"],
  ...["-o", "HostKeyAlias=lab", process.stdin.isTTY ? "-t" : "-T"],
  ...["root@lab", "--", argv.map(shellWord).join(" ")],
];
