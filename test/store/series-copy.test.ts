import { expect, test } from "vitest";
import { copyLine, copySeriesSql, seriesColumns } from "../../store/series-copy.ts";

const ref = { campaignId: "c", testbed: "lab", trialId: "c/b1/t", attempt: 2, token: 5 };

test("a series is one line with as many fields as columns, its text escaped", () => {
  const line = copyLine(ref, {
    head: {
      ...{ host: "R\t1", device: "a\\b", ifindex: 4 },
      accuracy: { intervalMs: 10, p50Ms: 11, p99Ms: 12, maxMs: 13, missedTicks: 1, readP99Us: 0.5 },
      clock: { host: "R1", offsetUs: -1.5, uncertaintyUs: 2 },
    },
    columns: seriesColumns.map((_, index) => new Float64Array([index, 2 ** 40])),
  });
  expect(line).toBe(
    "c/b1/t\t2\tlab\tR\\t1\ta\\\\b\t4\t10\t11\t12\t13\t1\t0.5\t-1.5\t2\t" +
      seriesColumns.map((_, index) => `{${index},1099511627776}`).join("\t") +
      "\n",
  );
  expect(line.split("\t").length).toBe(copySeriesSql.split(", ").length);
});
