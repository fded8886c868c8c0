import { expect, test } from "vitest";
import {
  arrivalLines,
  copyArrivalsSql,
  copyLine,
  copySeriesSql,
  seriesColumns,
} from "../../store/series-copy.ts";

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

test("stamps of every frame are lines of 100,000 frames at most, each with the place of its first", () => {
  const column = (frames: number) => Float64Array.from({ length: frames }, (_, index) => index);
  const arrivals = { host: "B", arrivalUs: column(200_001), sequence: column(200_001) };
  const lines = [...arrivalLines(ref, arrivals)].map((line) => line.trimEnd().split("\t"));
  expect(lines.map(([, , , , first]) => first)).toEqual(["0", "100000", "200000"]);
  expect(lines.at(-1)).toEqual(["c/b1/t", "2", "lab", "B", "200000", "{200000}", "{200000}"]);
  expect(lines[0]).toHaveLength(copyArrivalsSql.split(", ").length);
});
