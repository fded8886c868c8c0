import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { proportion, wilson } from "../../stats/proportion.ts";
import { tCdf, tQuantile } from "../../stats/student.ts";
import {
  meanDifference,
  meanEstimate,
  medianEstimate,
  medianRanks,
  quantile,
} from "../../stats/summary.ts";

/** Student (1908), additional hours of sleep with two drugs: R's `sleep`, the example of its `t.test`. */
const sleep1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
const sleep2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
const gained = sleep2.map((hours, patient) => hours - (sleep1[patient] ?? 0));

describe("Student's t", () => {
  test.each([
    [0.975, 1, 12.706],
    [0.975, 2, 4.303],
    [0.975, 10, 2.228],
    [0.975, 24, 2.064],
    [0.995, 5, 4.032],
    [0.9, 30, 1.31],
    [0.975, 194, 1.9723],
    [0.975, 1e6, 1.96],
  ])("the %d quantile with %d degrees of freedom is the tabled %d", (p, degrees, tabled) => {
    expect(tQuantile(p, degrees)).toBeCloseTo(tabled, tabled === 1.9723 ? 4 : 3);
  });

  test("quantile and distribution undo each other, and the distribution is symmetric", () => {
    const degrees = fc.double({ min: 1, max: 500, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), degrees, (p, df) => {
        expect(tCdf(tQuantile(p, df), df)).toBeCloseTo(p, 9);
        expect(tQuantile(1 - p, df)).toBeCloseTo(-tQuantile(p, df), 6);
      }),
    );
  });

  test.each([1e-3, 1e-6, 1e-9, 1e-12])(
    "is as exact %d beside the median as elsewhere",
    (beside) => {
      for (const degrees of [1, 2, 30, 499])
        for (const p of [0.5 - beside, 0.5 + beside])
          expect(Math.abs(tCdf(tQuantile(p, degrees), degrees) - p)).toBeLessThan(1e-14);
    },
  );
});

describe("the mean's interval", () => {
  test("of Student's sleep data is that of R's paired t test", () => {
    const { n, value, interval } = meanEstimate(gained);
    expect([n, value]).toEqual([10, expect.closeTo(1.58, 10)]);
    expect(interval?.low).toBeCloseTo(0.7001142, 6);
    expect(interval?.high).toBeCloseTo(2.4598858, 6);
  });

  test("is missing at n = 0 and n = 1, and has no width where all values are equal", () => {
    expect(meanEstimate([])).toEqual({ n: 0, value: null, interval: null });
    expect(meanEstimate([7])).toEqual({ n: 1, value: 7, interval: null });
    expect(meanEstimate([0.1, 0.1, 0.1])).toEqual({
      n: 3,
      value: 0.1,
      interval: { low: 0.1, high: 0.1 },
    });
  });

  test("moves with a shift, grows with a scale, and ignores the order", () => {
    const sample = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), {
      minLength: 2,
      maxLength: 30,
    });
    const number = fc.double({ min: 0.1, max: 100, noNaN: true });
    fc.assert(
      fc.property(sample, number, number, (values, shift, scale) => {
        const { interval } = meanEstimate(values);
        const moved = meanEstimate(values.map((value) => value * scale + shift).reverse());
        expect(moved.interval?.low).toBeCloseTo((interval?.low ?? NaN) * scale + shift, 4);
        expect(moved.interval?.high).toBeCloseTo((interval?.high ?? NaN) * scale + shift, 4);
      }),
    );
  });
});

describe("the difference of means", () => {
  test("of Student's two groups has Welch's interval as R gives it", () => {
    const { value, interval } = meanDifference(sleep2, sleep1);
    expect(value).toBeCloseTo(-1.58, 10);
    expect(interval?.low).toBeCloseTo(-3.3654832, 6);
    expect(interval?.high).toBeCloseTo(0.2054832, 6);
  });
});

describe("the median's interval", () => {
  test.each([
    [5, null],
    [6, [1, 6]],
    [8, [1, 8]],
    [9, [2, 8]],
    [10, [2, 9]],
    [20, [6, 15]],
    [25, [8, 18]],
    [100, [40, 61]],
  ])("at n = %d takes the tabled ranks %j", (n, ranks) => {
    expect(medianRanks(n)).toEqual(ranks);
  });

  test("has ranks for samples so large that 2^-n vanishes", () => {
    const [low, high] = medianRanks(4000) ?? [NaN, NaN];
    // Normal approximation: n/2 ± 1.96·√n/2.
    expect(Math.abs(low - (2000 - 0.98 * Math.sqrt(4000)))).toBeLessThan(2);
    expect(low + high).toBe(4001);
  });

  test("is two values of the sample around the median", () => {
    const { value, interval } = medianEstimate([9, 1, 8, 2, 7, 3, 6, 4, 5, 10]);
    expect(value).toBe(5.5);
    expect(interval).toEqual({ low: 2, high: 9 });
    expect(medianEstimate([1, 2, 3])).toEqual({ n: 3, value: 2, interval: null });
  });
});

describe("quantiles", () => {
  test.each([
    [0, 1],
    [0.25, 3.25],
    [0.5, 5.5],
    [0.9, 9.1],
    [1, 10],
  ])("the %d quantile of 1…10 is %d, as R's default gives it", (p, expected) => {
    expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], p)).toBeCloseTo(expected, 12);
  });
});

describe("a proportion's interval", () => {
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [1, 29, 0.0061, 0.1718],
  ])("of %d in %d is Newcombe's (1998, table I, method 3)", (count, n, low, high) => {
    const { interval } = proportion(count, n);
    expect(interval?.low).toBeCloseTo(low, 4);
    expect(interval?.high).toBeCloseTo(high, 4);
  });

  test("of none or all of n follows the rule of three", () => {
    expect(proportion(0, 25)).toEqual({ n: 25, value: 0, interval: { low: 0, high: 0.12 } });
    expect(proportion(25, 25)).toEqual({ n: 25, value: 1, interval: { low: 0.88, high: 1 } });
    expect(proportion(0, 2).interval).toEqual({ low: 0, high: 1 });
    expect(proportion(0, 0)).toEqual({ n: 0, value: null, interval: null });
  });

  test("holds the proportion, stays in 0..1, and mirrors", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(), (n, draw) => {
        const count = draw % (n + 1);
        const { low, high } = wilson(count, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low - 1e-12).toBeLessThanOrEqual(count / n);
        expect(high + 1e-12).toBeGreaterThanOrEqual(count / n);
        expect(wilson(n - count, n).low).toBeCloseTo(1 - high, 12);
      }),
    );
  });
});
