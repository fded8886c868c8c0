/** What the parts of the agent see of each other midway: each is held still there, in a Python of its own. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const probes = join(import.meta.dirname, "../../probes");

/** What a program says that has the agent's modules and an empty run folder `folder`. */
async function said(program: string): Promise<string[]> {
  const source = `
import os, sys, tempfile
sys.path.insert(0, ${JSON.stringify(probes)})
from agent import files, journal, processes, units, watcher
with tempfile.TemporaryDirectory(prefix="lh-agent-") as folder:
    home = units.unit_folder(folder, "u")
    os.makedirs(home)
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    record = {"name": "u", "token": 1, "bootId": processes.boot_id(), "pid": gone, "version": "v",
              "startTime": processes.stat(gone)[4], "startedUs": 1, "deadlineUs": 2}
    os.waitpid(gone, 0)
    files.write_json(os.path.join(home, "unit.json"), record)
${program.replace(/^/gm, "    ")}
`;
  const { stdout } = await promisify(execFile)("python3", ["-I", "-c", source]);
  return stdout.trim().split("\n");
}

test("a unit that was just killed at its deadline is never lost, though its killer has not said so yet", async () => {
  const answers = await said(`
def killed(find, **_):
    print(units.state_of(folder, "u")["status"])
    return True
processes.kill_members = killed
units.end_now(folder, record, "deadline")
print(units.state_of(folder, "u")["status"], units.state_of(folder, "u")["signal"])
print([line["what"] + " " + line["status"] for line in map(__import__("json").loads, open(journal.path_of(folder)))])
`);
  expect(answers).toEqual(["deadline", "deadline SIGKILL", "['ended deadline']"]);
});

test("a unit is killed also where no word of it can be written", async () => {
  const answers = await said(`
def full(path, value):
    raise OSError("no space left")
units.write_json = full
processes.kill_members = lambda find, **_: print("killed")
units.end_now(folder, record, "deadline")
`);
  expect(answers).toEqual(["killed"]);
});

test("whoever sees a unit's end finds it in the journal before anything they note themselves", async () => {
  const answers = await said(`
link = os.link
def seen(source, target):
    link(source, target)
    print("others may note:", files.try_lock(os.path.join(folder, "journal.lock")) is not None)
os.link = seen
units.write_end(home, "ended", 0)
print("others may note:", files.try_lock(os.path.join(folder, "journal.lock")) is not None)
print(open(journal.path_of(folder)).read().count("ended"))
`);
  expect(answers).toEqual(["others may note: False", "others may note: True", "2"]);
});

test("the end of a unit that a sweep has removed is nobody's any more", async () => {
  const answers = await said(`
units.remove(folder, "u")
units.write_end(home, "lost")
print(os.listdir(os.path.join(folder, "units")))
`);
  expect(answers).toEqual(["[]"]);
});

test("a watcher is on record when whoever started it goes on", async () => {
  const answers = await said(`
write = watcher.write_json
def slow(path, value):
    __import__("time").sleep(0.3)
    write(path, value)
watcher.write_json = slow
watcher.ensure(folder, "v")
one = files.read_json(os.path.join(folder, "watcher-v.json"))
print(one is not None and one["pid"] != os.getpid())
# With no unit and no agent it ends by itself, and gives its lock back.
while files.try_lock(watcher.lock_path(folder, "v")) is None:
    pass
`);
  expect(answers).toEqual(["True"]);
});
