"""
The destination's side of a migration: stamps QEMU's events there until the guest runs.

args: monitor. Appended to qmp.py. Started beside QEMU, whose socket it waits for. Ends when the guest
runs here, or has arrived and does not run (it was paused), or QEMU ends, or it is asked to.
"""


RUNNING = "destination running"
#: QEMU 7.2 starts the guest before it says this.
ARRIVED = "migration completed"
#: Long enough for another try to start a QEMU that did not start at first.
PATIENCE_S = 60


def connected(path, on_event, unit):
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return Monitor(path, on_event)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > until or unit.wait(0.005):
                raise


def main(args, unit):
    phases = []

    def on_event(event, data, at):
        name = phase_of(event, data, "destination stopped", RUNNING)
        if name is not None:
            phases.append({"name": name, "atUs": at})

    try:
        monitor = connected(args["monitor"], on_event, unit)
        monitor.command("migrate-set-capabilities", EVENTS)
        unit.emit({"ready": True})
        names, quiet = [], False
        while not (unit.stopping() or RUNNING in names or (ARRIVED in names and quiet)):
            quiet = not select.select([monitor, unit], [], [], 1)[0]
            monitor.hear(0)
            names = [one["name"] for one in phases]
    except Gone:
        # A destination whose migration failed ends by itself.
        return {"phases": phases, "gone": True}
    return {"phases": phases, "gone": False}
