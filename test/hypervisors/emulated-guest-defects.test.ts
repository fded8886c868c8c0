import { expect, test, vi } from "vitest";
import { onSoundGuest } from "./emulated-guest-defects.ts";

const failing = (failures: number) =>
  vi.fn((round: 1 | 2) =>
    round <= failures ? Promise.reject(new Error(`try ${round}`)) : Promise.resolve(round),
  );
const broken = "hb 8\n[    9.1] list_del corruption. prev->next should be ffff, but was 0000\n";
const saying = (text: string) => () => Promise.resolve(text);

test("a migration whose guest broke by itself is tried once more, and that is said", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const attempt = failing(1);
  expect(await onSoundGuest(attempt, saying(broken))).toBe(2);
  expect(attempt.mock.calls).toEqual([[1], [2]]);
  expect(warn.mock.calls).toEqual([[expect.stringContaining("[    9.1] list_del corruption")]]);
  await expect(onSoundGuest(failing(2), saying(broken))).rejects.toThrow("try 2");
  warn.mockRestore();
});

test("a migration that fails without such a sign has failed, as after a panic that was ordered", async () => {
  for (const text of ["", "hb 8\nKernel panic - not syncing: sysrq triggered crash\n"]) {
    const attempt = failing(1);
    await expect(onSoundGuest(attempt, saying(text))).rejects.toThrow("try 1");
    expect(attempt).toHaveBeenCalledTimes(1);
  }
});
