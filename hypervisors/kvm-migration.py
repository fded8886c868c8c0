"""
A live migration as a unit on the source host: orders it, polls and logs it, ends it at its deadline.

args: monitor, uri, deadlineMs, pollMs. Appended to qmp.py. Emits {"phase"} and {"progress"} lines as
they come; the result holds all of them, so a worker that was away loses nothing.
"""
ENDED = ("completed", "failed", "cancelled")


def main(args, unit):
    report = {
        "status": "unknown", "reason": None, "commandUs": now_us(), "endUs": None, "totalTimeMs": None,
        "downtimeMs": None, "setupTimeMs": None, "transferredBytes": None, "phases": [], "progress": [],
    }

    def on_event(event, data, at):
        name = phase_of(event, data, "source stopped", "source resumed")
        if name is not None:
            report["phases"].append({"name": name, "atUs": at})
            unit.emit({"phase": report["phases"][-1]})

    try:
        follow(Monitor(args["monitor"], on_event), args, unit, report)
    except Refused as refusal:
        report["status"], report["reason"] = "failed", str(refusal)
    except (Gone, Silent, OSError) as broken:
        report["reason"] = str(broken)
    if report["endUs"] is None:
        report["endUs"] = now_us()
    return report


def follow(monitor, args, unit, report):
    monitor.command("migrate-set-capabilities", EVENTS)
    report["commandUs"] = now_us()
    monitor.command("migrate", {"uri": args["uri"]})
    end = time.monotonic() + args["deadlineMs"] / 1000
    poll = args["pollMs"] / 1000
    state = {}
    while state.get("status") not in ENDED:
        left = end - time.monotonic()
        if (left <= 0 or unit.stopping()) and report["reason"] is None:
            report["reason"] = (
                "asked to stop" if unit.stopping() else "not completed within %d ms" % args["deadlineMs"]
            )
            monitor.command("migrate_cancel")
            # Cancelling is quick, or QEMU hangs and its silence ends this.
            end = time.monotonic() + 10
        elif left <= 0:
            raise Silent("%s, and cancelling did not end it" % report["reason"])
        heard = len(report["phases"])
        due = time.monotonic() + poll
        while time.monotonic() < due and not tells_end(report["phases"][heard:]):
            monitor.hear(due - time.monotonic())
        state = monitor.command("query-migrate", timeout=max(5, left))
        note(state, report, unit)
    settle(monitor, state, report)


def tells_end(phases):
    return any(one["name"] == "migration " + end for one in phases for end in ENDED)


def note(state, report, unit):
    """`failed` and `cancelled` carry no figures: what was seen last stays."""
    ram = state.get("ram")
    if ram is None:
        return
    report["transferredBytes"] = ram["transferred"]
    seen = {
        "atUs": now_us(),
        "transferredBytes": ram["transferred"],
        "remainingBytes": ram["remaining"],
        "iteration": ram.get("dirty-sync-count"),
        "dirtyRatePagesPerSecond": ram.get("dirty-pages-rate"),
    }
    last = report["progress"][-1] if report["progress"] else {}
    report["progress"].append(seen)
    # To those who follow, only what moved is progress.
    if any(seen[key] != last.get(key) for key in ("transferredBytes", "remainingBytes")):
        unit.emit({"progress": seen})


def settle(monitor, state, report):
    """
    QEMU says `completed` before it has computed its times (migration.c: migration_completion, then
    migration_iteration_finish); they are final when the source says `postmigrate`. A source whose
    migration failed goes on by itself.
    """
    report["status"] = state["status"]
    wanted = ("postmigrate",) if state["status"] == "completed" else ("running", "paused")
    end = time.monotonic() + 5
    while monitor.command("query-status")["status"] not in wanted:
        if time.monotonic() > end:
            raise Silent("%s, but the source did not become %s" % (state["status"], wanted[0]))
        monitor.hear(0.005)
    final = monitor.command("query-migrate")
    if "total-time" in final:
        note(final, report, _NoUnit)
        report["totalTimeMs"] = final["total-time"]
        report["setupTimeMs"] = final.get("setup-time")
        report["downtimeMs"] = final.get("downtime")
    if report["reason"] is None:
        report["reason"] = final.get("error-desc")
    # The platform's own end of it, which the last poll only came to see.
    ends = [one["atUs"] for one in report["phases"] if one["name"] == "migration " + state["status"]]
    report["endUs"] = ends[-1] if ends else now_us()


class _NoUnit:
    @staticmethod
    def emit(_):
        """The final figures are the result's, no progress."""
