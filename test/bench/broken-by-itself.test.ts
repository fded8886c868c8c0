import { expect, test } from "vitest";
import { brokeByItself } from "../../bench/broken-by-itself.ts";

const saying = (...console: string[]) => [{ kind: "evidence", content: { console } }];

test.each([
  "[    9.1] list_del corruption. prev->next should be ffff, but was 0000",
  "[   31.0] virtio_net virtio0: output.0:id 9 is not a head!",
  "[   12.7] Oops: 0002 [#1] PREEMPT SMP",
  "[   12.7] BUG: unable to handle page fault for address: 00000000deadbeef",
])("a router whose console says %j broke by itself", (line) => {
  expect(brokeByItself("crashed", saying("hb 8.1", line))).toBe(true);
  expect(brokeByItself("locked-up", saying(line))).toBe(true);
});

test("a panic that was ordered, a silent console and another outcome are no breaking by itself", () => {
  expect(
    brokeByItself("crashed", saying("Kernel panic - not syncing: sysrq triggered crash")),
  ).toBe(false);
  expect(brokeByItself("locked-up", saying("hb 8.1", "hb 9.1"))).toBe(false);
  expect(
    brokeByItself("crashed", [{ kind: "evidence", content: { console: { failed: "no file" } } }]),
  ).toBe(false);
  const line = "list_del corruption";
  expect(brokeByItself("stalled", saying(line))).toBe(false);
  expect(brokeByItself("crashed", [{ kind: "rung", content: { console: [line] } }])).toBe(false);
});

test("the evidence of a recovery tells as much", () => {
  const rung = (step: string, console: string) => [
    {
      kind: "rung",
      content: {
        step,
        evidence: [
          { host: "A", console: null },
          { host: "R1", console },
        ],
      },
    },
  ];
  const broken = "hb 9.1\n[    9.3] list_del corruption. next->prev should be ffff";
  expect(brokeByItself("crashed", rung("evidence", broken))).toBe(true);
  expect(brokeByItself("crashed", rung("recreate", broken))).toBe(false);
  expect(brokeByItself("crashed", rung("evidence", "hb 9.1"))).toBe(false);
});
