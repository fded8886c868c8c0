import { expect, test } from "vitest";
import { othersOnLab } from "../../cli/demo.ts";
import type { Store } from "../../store/store.ts";

test("the demo leaves the lab to every campaign that measures on it or waits for it in turn", async () => {
  const campaigns = [
    ["demo-1", "lab", "completed"],
    ["own", "lab", "completed"],
    ["queued", "lab", "queued"],
    ["other-name", "small", "waiting"],
    ["never-begun", "lab", "planned"],
    ["elsewhere", "rack", "running"],
  ].map(([campaign, testbed, state]) => ({ campaign, testbed, state }));
  const testbeds = [
    { name: "lab", kind: "lab" },
    { name: "small", kind: "lab" },
    { name: "rack", kind: "physical" },
  ];
  const store = { allStatus: async () => campaigns, testbeds: async () => testbeds };
  const others = await othersOnLab(
    store as unknown as Pick<Store, "allStatus" | "testbeds">,
    "own",
  );
  expect(others).toEqual(["queued", "other-name"]);
});
