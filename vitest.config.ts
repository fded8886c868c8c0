import { defineConfig } from "vitest/config";

const slow = ["test/**/*.{postgres,temporal,lab,faults,xen}.test.ts"];
const tier = (name: string, maxWorkers = 1) => ({
  test: {
    name,
    include: [`test/**/*.${name}.test.ts`],
    fileParallelism: maxWorkers > 1,
    maxWorkers,
    testTimeout: 120_000,
    // Tests that wait for a dead worker's heartbeat wait side by side.
    maxConcurrency: 12,
    hookTimeout: 240_000,
  },
});

export default defineConfig({
  test: {
    pool: "forks",
    projects: [
      {
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: slow,
          testTimeout: 20_000,
          // Loading modules anew for each file cost half of the time; what a file stubs it restores.
          isolate: false,
          // More than cores: several files wait for processes that they started.
          maxWorkers: 3,
        },
      },
      tier("postgres"),
      // Each file has a server of its own, and waits for most of its time.
      tier("temporal", 2),
      tier("lab"),
      tier("faults"),
      tier("xen"),
    ],
  },
});
