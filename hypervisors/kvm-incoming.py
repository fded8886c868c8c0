"""
The destination's side of a migration: stamps QEMU's events there until the guest runs.

args: monitor. Appended to qmp.py. Ends when the guest runs here, or QEMU ends, or it is asked to.
"""


RUNNING = "destination running"


def main(args, unit):
    phases = []

    def on_event(event, data, at):
        name = phase_of(event, data, "destination stopped", RUNNING)
        if name is not None:
            phases.append({"name": name, "atUs": at})

    try:
        monitor = Monitor(args["monitor"], on_event)
        monitor.command("migrate-set-capabilities", EVENTS)
        unit.emit({"ready": True})
        while not unit.stopping() and RUNNING not in [one["name"] for one in phases]:
            select.select([monitor, unit], [], [], 1)
            monitor.hear(0)
    except Gone:
        # A destination whose migration failed ends by itself.
        return {"phases": phases, "gone": True}
    return {"phases": phases, "gone": False}
