import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "longhaul-unfit-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([["up"], ["run", "campaigns/smoke.yaml"]])(
  "%s refuses a real server that is not as it must be before it starts anything",
  async (...command) => {
    const state = join(folder, String(command[0]));
    const { exitCode, stderr } = await execa(
      process.execPath,
      ["cli/main.ts", "--state", state, ...command],
      {
        cwd: join(import.meta.dirname, "../.."),
        env: { DATABASE_URL: "postgresql://me:secret@127.0.0.1:9/results" },
        reject: false,
      },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/PostgreSQL: 127\.0\.0\.1:9, database results, role me: .*ECONNREFUSED/);
    expect(stderr).toContain("mend: look at DATABASE_URL");
    expect(stderr).not.toContain("secret");
    expect(existsSync(join(state, "services.json"))).toBe(false);
    expect(existsSync(join(state, "lab"))).toBe(false);
  },
);
