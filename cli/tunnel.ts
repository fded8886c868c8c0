import { hostname, userInfo } from "node:os";

/**
 * For who is logged in over SSH: the command, for their own machine, that opens a loopback address of
 * this one in their browser. Null in a local session.
 */
export function tunnelLine(url: string, env: NodeJS.ProcessEnv): string | null {
  // sshd(8): "client-ip client-port server-ip server-port"; the server's address is the one they reach.
  const [, , address, sshPort] = (env.SSH_CONNECTION ?? "").split(" ");
  if (!address) return null;
  const { port } = new URL(url);
  const portFlag = sshPort === undefined || sshPort === "22" ? "" : ` -p ${sshPort}`;
  const name = env.SUDO_USER ?? userInfo().username;
  return `from your own machine (${hostname()} is remote): ssh${portFlag} -L ${port}:127.0.0.1:${port} ${name}@${address}`;
}
