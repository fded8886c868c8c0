"""
First part of the program that a controller streams to `python3 -`: makes the sources that follow it
importable as the package `agent`, without a file on the host.
"""
import importlib.abc
import importlib.util
import linecache
import sys


class Streamed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    def __init__(self, sources):
        self.sources = sources

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self.sources:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=fullname == "agent")

    def is_package(self, fullname):
        return fullname == "agent"

    def get_source(self, fullname):
        return self.sources[fullname]

    def get_code(self, fullname):
        source = self.sources[fullname]
        name = fullname + ".py"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        return compile(source, name, "exec")
