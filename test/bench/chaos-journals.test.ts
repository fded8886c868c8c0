import { expect, test } from "vitest";
import { accountOf, parseJournal } from "../../bench/chaos/journals.ts";

const attempt = "chaos.b01.forwarding-kvm-virtio-64B-1000fps.a1";

test("a unit whose host lost its power ended before that host's next boot was seen", () => {
  const text = [
    `{"what":"started","unit":"${attempt}.load","token":1,"atUs":1000,"bootId":"one"}`,
    `{"what":"agent","version":"x","atUs":9000,"bootId":"two"}`,
    "",
  ].join("\n");
  const { spans, contradictions } = accountOf({ R1: parseJournal(text) }, "chaos");
  expect(contradictions).toEqual([]);
  expect(spans).toEqual([{ attempt, fromUs: 1000, toUs: 9000 }]);
});
