import type { Campaign } from "../model/campaign.ts";
import type { GuestSpec } from "../model/guest.ts";
import type { Testbed } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";

/** The router that a platform plays: one for each platform and testbed, named after the platform. */
export function guestOf(testbed: Testbed, guest: Campaign["guest"], platform: string): GuestSpec {
  return {
    name: `router-${platform}`,
    image: guest.image,
    memoryMib: guest.memoryMib,
    vcpus: guest.vcpus,
    routing: guest.routing,
    nics: testbed.router.nics.map(({ segment, mac, address }) => ({
      segment,
      mac,
      address,
      bridge: bridgeOf(testbed, segment),
    })),
  };
}

/** R1 and R2 carry a segment on bridges of one name: a guest that moves finds it again. */
function bridgeOf(testbed: Testbed, segment: string): string {
  const bridge = testbed.hosts.R1.nics.find((nic) => nic.link === segment)?.bridge;
  if (bridge == null)
    throw new UsageError(`testbed ${testbed.name}: host R1 has no bridge on segment ${segment}`);
  return bridge;
}
