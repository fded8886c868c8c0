import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { drivers } from "../../hypervisors/drivers.ts";
import { platforms } from "../../model/platforms.ts";
import { parseTestbed } from "../../model/testbed-schema.ts";

const file = new URL("../../testbeds/physical-example.yaml", import.meta.url);
const testbed = parseTestbed(readFileSync(file, "utf8"), "physical-example.yaml");
if (testbed.kind !== "physical") throw new Error("the example is a physical testbed");
const unreachable = {
  agent: (host: string) => Promise.reject(new Error(`${host}: asked for while planning`)),
  close: () => Promise.resolve(),
};
const known = drivers({ ...testbed, platforms: Object.keys(platforms) }, unreachable);

describe("the platforms that plans know", () => {
  test.each(Object.entries(platforms))("%s is as its driver declares it", (name, facts) => {
    const driver = known[name];
    expect(driver?.name).toBe(name);
    expect(driver?.bootProfile).toBe(facts.bootProfile);
    expect(driver?.capabilities.liveMigration).toBe(facts.liveMigration);
  });
});
