"""
The highest token that this boot of the host has seen. It is a file of the run folder, shared by
agents of all versions, and survives each of them; another boot begins at zero again, and the boot
id in every fence keeps orders meant for the earlier boot out.
"""
import os

from agent import journal
from agent.files import locked, read_json, write_json
from agent.processes import boot_id


class Refused(Exception):
    """The answer is an error of this kind; nothing was done."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def highest(folder):
    seen = read_json(os.path.join(folder, "token.json"))
    return seen["token"] if seen and seen["bootId"] == boot_id() else 0


def check(folder, fence):
    """Lets a changing act pass and raises the highest token to its own. @raises Refused"""
    here = boot_id()
    if fence["bootId"] != here:
        journal.note(folder, "refused", token=fence["token"], expectedBootId=fence["bootId"])
        raise Refused("fenced", "expected boot id %s, this boot's is %s" % (fence["bootId"], here))
    with locked(os.path.join(folder, "token.lock")):
        known = highest(folder)
        if fence["token"] < known:
            journal.note(folder, "refused", token=fence["token"], highest=known)
            raise Refused("fenced", "token %d is below %d, the highest seen" % (fence["token"], known))
        if fence["token"] > known:
            write_json(os.path.join(folder, "token.json"), {"bootId": here, "token": fence["token"]})
            journal.note(folder, "token", token=fence["token"])
