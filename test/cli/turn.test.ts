import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { inTurn } from "../../cli/turn.ts";

const path = mkdtempSync(join(tmpdir(), "longhaul-turn-"));
afterAll(() => rmSync(path, { recursive: true }));

test("of two commands that prepare one testbed the second waits, says so, and has its turn", async () => {
  const order: string[] = [];
  const log = vi.fn();
  let letGo: () => void = () => undefined;
  const first = inTurn({ path }, log, async () => {
    order.push("first begins");
    await new Promise<void>((settle) => (letGo = settle));
    order.push("first ends");
  });
  await vi.waitFor(() => expect(order).toEqual(["first begins"]), 10_000);
  expect(log).not.toHaveBeenCalled();
  const second = inTurn({ path }, log, async () => void order.push("second"));
  await vi.waitFor(
    () => expect(log).toHaveBeenCalledWith(expect.stringContaining("waiting")),
    10_000,
  );
  letGo();
  await Promise.all([first, second]);
  expect(order).toEqual(["first begins", "first ends", "second"]);
});

test("a turn that fails is over", async () => {
  const failing = inTurn({ path }, vi.fn(), () => Promise.reject(new Error("no lab")));
  await expect(failing).rejects.toThrow("no lab");
  const log = vi.fn();
  expect(await inTurn({ path }, log, () => Promise.resolve("mine"))).toBe("mine");
  expect(log).not.toHaveBeenCalled();
});
