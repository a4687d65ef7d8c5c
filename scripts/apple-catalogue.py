#!/usr/bin/env python3
"""Writes the catalogue of Apple's payloads for iOS from Apple's own schema.

    scripts/apple-catalogue.py <checkout of apple/device-management> <release, such as 18.1> [<folder>]

What it says of a payload type and of each of its keys: type, range, choices, whether it is required, the first version of
iOS, whether it needs supervision, whether user enrollment allows it. Keys that are not for iOS are left out, so are the
texts. Apple's notice is copied beside it. Without a folder it is written to where the server reads it. Needs PyYAML.
"""

import json
import pathlib
import sys

import yaml

TARGET = pathlib.Path(__file__).resolve().parent.parent / "crates/domain/src/payload/apple"
TYPES = {"boolean", "integer", "real", "string", "data", "date", "array", "dictionary", "any"}


def version(text):
    return tuple(int(part) for part in str(text).split("."))


class Catalogue:
    def __init__(self, release):
        self.release = release
        self.types = {}

    def known(self, support):
        """Whether this release of iOS knows a thing, by what is said of its support."""
        introduced = support.get("introduced")
        if introduced == "n/a":
            return False
        if introduced is not None and version(introduced) > version(self.release):
            sys.exit(f"introduced in iOS {introduced}: the schema is newer than {self.release}")
        return "removed" not in support or version(support["removed"]) > version(self.release)

    def support(self, spec):
        """What iOS is said of, in the catalogue's words."""
        said = {}
        ios = spec.get("supportedOS", {}).get("iOS", {})
        # No device in use is older than that.
        if "introduced" in ios and version(ios["introduced"]) >= (5,):
            said["since"] = str(ios["introduced"])
        if ios.get("supervised"):
            said["supervised"] = True
        if ios.get("userenrollment", {}).get("mode") in ("forbidden", "ignored"):
            said["device_only"] = True
        return said

    def key(self, spec, inherited, above):
        kind = spec["type"].strip("<>")
        if kind not in TYPES:
            sys.exit(f"{spec['key']}: unknown type {kind}")
        entry = {"type": kind}
        support = self.support(spec)
        entry.update((name, value) for name, value in support.items() if inherited.get(name) != value)
        if spec.get("presence") == "required":
            entry["required"] = True
        if "rangelist" in spec:
            entry["choices"] = spec["rangelist"]
        if "range" in spec:
            bounds = spec["range"]
            entry["range"] = [bounds.get("min"), bounds.get("max")]
        # What holds more of its own kind is described to the first level.
        subkeys = spec.get("subkeys")
        if subkeys and not any(subkeys is other for other in above):
            name = "items" if kind == "array" else "keys"
            entry[name] = self.keys(subkeys, {**inherited, **support}, above)
        return entry

    def keys(self, specs, inherited, above=()):
        above = (*above, specs)
        return {
            spec["key"]: self.key(spec, inherited, above)
            for spec in specs
            if self.known(spec.get("supportedOS", {}).get("iOS", {}))
        }

    def add(self, path):
        document = yaml.safe_load(path.read_text())
        payload = document.get("payload", {})
        name, ios = payload.get("payloadtype", ""), payload.get("supportedOS", {}).get("iOS")
        if not name.startswith("com.apple.") or ios is None or not self.known(ios):
            return
        support = self.support(payload)
        entry = {**support, "keys": self.keys(document.get("payloadkeys", []), support)}
        known = self.types.get(name)
        if known is None:
            self.types[name] = entry
            return
        # One type in two forms: what only one of them asks is not asked.
        for key, spec in entry["keys"].items():
            other = known["keys"].setdefault(key, spec)
            if other != spec:
                known["keys"][key] = {"type": spec["type"] if spec["type"] == other["type"] else "any"}
        for key, spec in known["keys"].items():
            if key not in entry["keys"]:
                spec.pop("required", None)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[3]) if len(sys.argv) == 4 else TARGET
    checkout = pathlib.Path(sys.argv[1])
    catalogue = Catalogue(sys.argv[2])
    for path in sorted((checkout / "mdm/profiles").glob("*.yaml")):
        catalogue.add(path)
    if not catalogue.types:
        sys.exit(f"no payloads in {checkout / 'mdm/profiles'}")
    types = dict(sorted(catalogue.types.items()))
    lines = [f"{json.dumps(name)}:{json.dumps(entry, separators=(',', ':'))}" for name, entry in types.items()]
    text = '{"release":' + json.dumps(f"iOS {catalogue.release}") + ',"types":{\n' + ",\n".join(lines) + "\n}}\n"
    target.mkdir(parents=True, exist_ok=True)
    (target / "catalogue.json").write_text(text)
    (target / "LICENSE.txt").write_text((checkout / "LICENSE.txt").read_text())
    print(f"{len(types)} payload types, {len(text)} bytes")


main()
