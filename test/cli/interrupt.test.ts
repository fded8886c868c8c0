import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { onInterrupt } from "../../cli/interrupt.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

test("one Ctrl-C that arrives from the terminal and from each starter is one interrupt", () => {
  const act = vi.fn();
  const off = onInterrupt(act);
  const sources = ["terminal", "npm", "starter"];
  sources.forEach(() => process.emit("SIGINT"));
  expect(act).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(2000);
  process.emit("SIGINT");
  expect(act).toHaveBeenCalledTimes(2);
  off();
  vi.advanceTimersByTime(2000);
  expect(process.listenerCount("SIGINT")).toBe(0);
});

const interrupted = async (script: string) => {
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: process.cwd(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let told = "";
  child.stderr.on("data", (text: Buffer) => (told += text.toString()));
  await once(child.stdout, "data");
  child.kill("SIGINT");
  const [code] = (await once(child, "close")) as [number];
  return { code, told };
};

test("an interrupt ends an interruptible act at once, and says what goes on", async () => {
  const { code, told } = await interrupted(`
    import { interruptible } from "./cli/interrupt.ts";
    await interruptible("the lab goes on", () => new Promise(() => {
      console.log("begun");
      setInterval(() => {}, 1000);
    }));`);
  expect(told).toContain("interrupted; the lab goes on");
  expect(code).toBe(130);
});

test("an interrupt waits for an act that must be finished, and nothing follows it", async () => {
  const { code, told } = await interrupted(`
    import { finishedFirst } from "./cli/interrupt.ts";
    await finishedFirst("the act", () => new Promise((settle) => {
      console.log("begun");
      const held = setInterval(() => {}, 1000);
      process.once("SIGINT", () => setImmediate(() => {
        console.error("act ended");
        clearInterval(held);
        settle();
      }));
    }));
    console.error("not reached");`);
  expect(told).toMatch(/interrupted; the act is finished first[^]*act ended/);
  expect(told).not.toContain("not reached");
  expect(code).toBe(130);
});

test.each([
  ["before there is a campaign", "", /Services and lab that were started stay up/],
  [
    "from the moment when its plan is written",
    'leave.named("demo-7");',
    /run campaigns\/demo.yaml --id demo-7` attaches to demo-7, or starts it[^]*cancel demo-7/,
  ],
])("an interrupt of `run` %s says what there is", async (_when, named, words) => {
  const { code, told } = await interrupted(`
    import { leaveByInterrupt } from "./cli/leave.ts";
    const leave = leaveByInterrupt("campaigns/demo.yaml");
    ${named}
    console.log("begun");
    setInterval(() => {}, 1000);`);
  expect(told).toMatch(words);
  expect(code).toBe(130);
});

test("an interrupt of `run` that follows its campaign is left to who follows", async () => {
  const { code, told } = await interrupted(`
    import { leaveByInterrupt } from "./cli/leave.ts";
    const leave = leaveByInterrupt("campaigns/demo.yaml");
    leave.named("demo-7");
    leave.follows().addEventListener("abort", () => { console.error("detached"); process.exit(7); });
    console.log("begun");
    setInterval(() => {}, 1000);`);
  expect(told).toBe("detached\n");
  expect(code).toBe(7);
});
