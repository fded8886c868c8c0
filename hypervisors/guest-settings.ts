/** What the guest itself tells of its kernel and its NICs. */

/** One line `key value` each, by the shell alone: in an emulated guest every process costs milliseconds. */
export const guestQuestions =
  "read kernel </proc/sys/kernel/osrelease; echo kernel $kernel; " +
  "read forward </proc/sys/net/ipv4/ip_forward; echo ipForward $forward; " +
  "for path in /sys/class/net/eth*; do read mtu <$path/mtu; read mac <$path/address; " +
  "while IFS== read key value; do [ $key = DRIVER ] && driver=$value; done <$path/device/uevent; " +
  "echo ${path##*/} $mtu $mac $driver; done";

/** The answers by key; by interface name those of each NIC. */
export const insideOf = (text: string): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line): [string, unknown] => {
        const [key = "", ...values] = line.split(" ");
        const [mtu, mac, driver] = values;
        return values.length === 3
          ? [key, { mtuBytes: Number(mtu), mac, driver }]
          : [key, values.join(" ")];
      }),
  );
