import { defineConfig } from "vitest/config";

const slow = ["test/**/*.{postgres,temporal,lab,faults}.test.ts"];
const tier = (name: string) => ({
  test: {
    name,
    include: [`test/**/*.${name}.test.ts`],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});

export default defineConfig({
  test: {
    pool: "forks",
    projects: [
      {
        test: { name: "fast", include: ["test/**/*.test.ts"], exclude: slow, testTimeout: 20_000 },
      },
      tier("postgres"),
      tier("temporal"),
      tier("lab"),
      tier("faults"),
    ],
  },
});
