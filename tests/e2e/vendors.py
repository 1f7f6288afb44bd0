#!/usr/bin/env python3
"""Services shaped like the BMCs of eight vendors, with their quirks and working updates, resets and settings.

Usage: vendors.py DIR     Listens on one port of 127.0.0.1 per platform; writes DIR/ports ("NAME PORT" lines), then serves.
GET /test/state of any of them shows its counters; POST /test/set {"bios": {..}, "firmware": {..}, "power": ..} changes it behind
everybody's back. Shapes only: nothing here is copied from a machine. An image is text, "ID-GLOB=VERSION" lines.
"""
import base64, fnmatch, gzip, http.server, json, os, re, sys, threading, time
from urllib.parse import unquote

V1 = "/redfish/v1"
NOW = time.monotonic


def link(path): return {"@odata.id": path}


def error(message_id, text, args=(), status=None):
    return {"error": {"code": message_id, "message": "See @Message.ExtendedInfo for more information.", "@Message.ExtendedInfo": [
        {"MessageId": message_id, "Message": text, "MessageArgs": list(args), "MessageSeverity": "Critical", "Resolution": "None."}]}}


# What a platform is: see Bmc for what each key does.
PLATFORMS = {
    "dgx-h100": dict(
        root={"Vendor": "AMI", "Product": "AMI Redfish Server", "RedfishVersion": "1.11.0"}, root_lacks=["UpdateService", "Chassis"],
        system="DGX", others=["HGX_Baseboard_0"], hmc=True, bogus_systems=["Nothing", None], managers=["bmc:BMC", "HGX_BMC_0"],
        page=4, overlap=1, etag="strict", settings="SD", linked=False, progress=False, way="multipart", upload="/UpdateService/upload",
        inventory={"HostBMC_0": "24.05.1", "HostBIOS_0": "DGX HostBIOS_0=01.01.03", "HGX_FW_GPU_SXM_1": "96.00.89.00.01",
                   "HGX_FW_GPU_SXM_2": "-*", "CX7_0": "28.39.1002", "PSU_0": "Not Present", "HGX_InfoROM_GPU_SXM_1": None},
        acts={"HostBMC*": "bmc", "HGX*": "off", "*": "host"}, bios={"SecureBoot": "Disabled", "NumaPerSocket": "1"}),
    "gb200": dict(
        root={"Vendor": "NVIDIA", "Product": "GB200 NVL", "RedfishVersion": "1.17.0"}, system="System_0", others=["HGX_Baseboard_0"],
        managers=["HGX_BMC_0", "BMC_0"], absolute=True, way="multipart", upload="/UpdateService/update-multipart", aux="AuxPowerCycleForce",
        erots=["HGX_ERoT_CPU_0"], inventory={"FW_BMC_0": "GB200Nvl-24.12-8", "HGX_FW_GPU_0": "97.00.82.00.18", "HGX_FW_GPU_1": "97.00.82.00.18"},
        acts={"FW_BMC_0": "bmc", "*": "ac"}, bios={"EmbeddedUefiShell": "Enabled", "TPM": None, "Retry": 3}),
    "dell-idrac": dict(
        root={"Vendor": "Dell", "Product": "Integrated Dell Remote Access Controller", "RedfishVersion": "1.17.0"}, system="System.Embedded.1",
        managers=["iDRAC.Embedded.1"], way="multipart", upload="/UpdateService/MultipartUpload", wants_oem=True, job="JID_", times=True,
        conflict_after_off=1.5, words=["On", "ForceOff", "ForceRestart", "GracefulShutdown", "PushPowerButton", "Nmi", "PowerCycle"],
        named={"Installed-159-{v}__BIOS.Setup.1-1": "BIOS", "Current-159-{v}__BIOS.Setup.1-1": "BIOS",
               "Previous-159-1.9.0__BIOS.Setup.1-1": "BIOS", "Installed-25227-7.00.00__iDRAC.Embedded.1-1": "Integrated Dell Remote Access Controller"},
        inventory={"Installed-159-{v}__BIOS.Setup.1-1": "1.10.2", "Current-159-{v}__BIOS.Setup.1-1": "1.10.2",
                   "Previous-159-1.9.0__BIOS.Setup.1-1": "1.9.0", "Installed-25227-7.00.00__iDRAC.Embedded.1-1": "7.00.00"},
        acts={"*": "host"}, bios={"ProcVirtualization": "Enabled", "NumLock": "On", "SriovGlobalEnable": "Disabled"}, registry="BiosAttributeRegistry.v1_0_3",
        registry_file="BiosAttributeRegistry"),
    "hpe-ilo": dict(
        root={"Vendor": "HPE", "Product": "ProLiant DL380a Gen11", "RedfishVersion": "1.18.0", "Oem": {"Hpe": {}}}, system="1", managers=["1"],
        slashes=True, lower=True, settings="settings", way="push", upload="/UpdateService/upload-raw", no_tasks=True, post_400=2, gzip=True,
        registry="BiosAttributeRegistryU54.v1_2_40", registry_file="biosattributeregistryu54.v1_2_40", token_name="x-auth-token",
        ext={"target": V1 + "/Systems/1/Actions/Oem/Hpe/HpeComputerSystemExt.SystemReset/", "ResetType@Redfish.AllowableValues": ["AuxCycle"]},
        named={"1": "iLO 6", "2": "System ROM", "3": "Redundant System ROM", "4": "System Programmable Logic Device"},
        inventory={"1": "1.45 May 24 2023", "2": "U54 v1.30 (03/01/2023)", "3": "U54 v1.20 (01/01/2023)", "4": "0x11"},
        acts={"1": "now", "4": "ac", "*": "host"}, bios={"BootMode": "LegacyBios", "NumaGroupSizeOpt": "Flat"}, delay=2),
    "lenovo-xcc": dict(
        root={"Vendor": "Lenovo", "Product": "Lenovo XClarity Controller", "RedfishVersion": "1.15.0"}, system="1", managers=["1"], model="ThinkSystem SR675 V3",
        settings="Pending", etag="exact", bad_json=["/Systems/1"], way="multipart", upload="/mfwupdate", task_in_body=True, hangs=["ForceRestart"],
        inventory={"BMC-Primary": "3.10", "UEFI": "2.40"}, named={"BMC-Primary": "BMC (Primary)"}, acts={"BMC*": "bmc", "*": "host"},
        bios={"Processors_HyperThreading": "Enable", "OperatingModes_ChooseOperatingMode": "MaximumEfficiency"}),
    "supermicro": dict(
        root={"Oem": {"Supermicro": {}}, "RedfishVersion": "1.14.0"}, system="1", managers=["1"], way="multipart", upload="/UpdateService/upload",
        wants_targets=True, session="body", inventory={"BMC": "01.01.06", "BIOS": "BIOS Date: 08/04/2023 Ver 1.4"}, acts={"BMC": "bmc", "*": "host"},
        registry="BiosAttributeRegistry.1.0.0", registry_file="BiosAttributeRegistry.v1_0_0.json",
        bios={"QuietBoot#00F7": True, "SR-IOVSupport#00B2": "Disabled", "Setup Prompt Timeout#0C": 1}, times=True),
    "openbmc": dict(
        root={"RedfishVersion": "1.9.0", "Product": "OpenBMC"}, system="system", managers=["bmc"], page=50, filler=70, way="push", upload="/UpdateService/update",
        monitor=True, session="200", inventory={"5f3c1a2b": "2.14.0"}, named={"5f3c1a2b": "Host BIOS"}, acts={"*": "host"}, bios={"fw_boot_side": "Temp"}),
    "ami-megarac": dict(
        root={"Vendor": "AMI", "Product": "AMI Redfish Server", "RedfishVersion": "1.15.1"}, system="Self", managers=["Self"], way="simple", etag="weak",
        settings=None, no_sessions=True, root_needs_login=True, inventory={"BMC": "12.61.33", "BIOS": "F21"}, acts={"BMC": "bmc", "*": "host"},
        bios={"SETUP001": "SETUP001Disabled"}),
    "cray-ex": dict(
        root={"Vendor": "Cray", "RedfishVersion": "1.11.0"}, system="Node0", managers=["BMC"], way="simple", objects=True,
        inventory={"Node0.BIOS": "ex425.bios-1.7.2", "BMC": "nc.1.8.0", "FPGA0": "undefined"}, acts={"BMC": "bmc", "*": "host"},
        bios={"SMT Control": "Auto"}),
}

# Misbehaviour upon one well-behaved service; each is a platform of its own. `rule` answers a request or returns None.
PLAIN = dict(root={"Vendor": "Plain", "RedfishVersion": "1.15.0"}, system="1", managers=["1"], way="multipart", upload="/UpdateService/upload",
             inventory={"BMC": "1.0", "BIOS": "2.0", "NIC_0": "3.0"}, acts={"BMC": "bmc", "*": "host"}, bios={"SMT": "Enabled", "Count": 4})


def on(method, glob, *reply, times=None):
    left = [times]

    def rule(bmc, m, path):
        if m != method or not fnmatch.fnmatch(path, glob) or left[0] == 0: return None
        if left[0]: left[0] -= 1
        return reply
    return rule


def writes_refused(status):
    def rule(bmc, m, path):
        return (status, b"<html><head><title>Not allowed</title></head><body><h1>Method Not Allowed</h1></body></html>", {"Content-Type": "text/html"}) \
            if m != "GET" else None
    return rule


def redirects(bmc, m, path):
    return (308, b"", {"Location": V1 + "/"}) if path == V1 else (301, b"", {"Location": V1 + "/Systems/1"}) if path == V1 + "/Systems/1/" else None


MISBEHAVIOUR = {
    "static-405": writes_refused(405), "static-404": writes_refused(404), "static-501": writes_refused(501),
    "redirects": redirects,
    "to-https": on("GET", V1 + "*", 301, b"", {"Location": "https://192.0.2.1/redfish/v1/"}),
    "html": on("GET", V1 + "/", 200, b"<html><title>Login</title></html>", {"Content-Type": "text/html"}),
    "odd-type": lambda bmc, m, path: None,
    "deep": on("GET", V1 + "/Systems/1", 200, b'{"a":' * 60000 + b"1" + b"}" * 60000, {}),
    "huge": on("GET", V1 + "/Systems", 200, b'{"Members":[' + b'{"@odata.id":"/redfish/v1/Systems/1"},' * 600000 + b"{}]}", {}),
    "empty-503": on("GET", V1 + "/Systems", 503, b"", {}, times=2),
    "always-503": on("GET", V1 + "/Systems/1", 503, error("Base.1.8.GeneralError", "Try later."), {}),
    "root-503": on("GET", V1 + "/", 503, b"", {"Retry-After": "1"}),
    "seconds-in-args": on("GET", V1 + "/Systems/1", 503, error("Base.1.12.ServiceTemporarilyUnavailable", "Retry in 1 seconds.", ["1"]), {}, times=1),
    "one-entry-503": on("GET", "*/FirmwareInventory/NIC_0", 503, b"", {"Retry-After": "1"}),
    "entry-missing": on("GET", "*/FirmwareInventory/NIC_0*", 404, b"", {}),
    "no-inventory": on("GET", "*/FirmwareInventory*", 404, error("Base.1.8.ResourceMissingAtURI", "There is nothing."), {}),
    "null-members": on("GET", "*/FirmwareInventory", 200, {"@odata.id": "x", "Members": None, "Members@odata.count": 3}, {}),
    "no-bios": on("GET", "*/Systems/1/Bios*", 404, b"", {}),
    "no-systems": on("GET", "*/Systems*", 404, b"", {}),
    "error-string": on("PATCH", "*", 400, {"error": "the settings are locked"}, {}),
    "error-object": on("PATCH", "*", 400, {"error": {"@Message.ExtendedInfo": {"MessageId": "iLO.2.14.SystemLocked", "Message": "The system is locked down."}}}, {}),
    "sessions-full": on("POST", "*/Sessions", 503, error("IDRAC.2.8.RAC0218", "The maximum number of user sessions is reached."), {}),
    "session-401": lambda bmc, m, path: (401, b"", {"WWW-Authenticate": "Basic"}) if m == "POST" and path.endswith("/Sessions") else None,
    "locked-out": on("POST", "*/Sessions", 401, error("Base.1.8.ResourceAtUriUnauthorized", "Wrong user name or password."), {}),
    "http10": lambda bmc, m, path: None, "chunked": lambda bmc, m, path: None,
}
def tree(extra, **more):
    """PLAIN with resources of its own: path below /redfish/v1 -> members laid over what is there (None: it is not there)."""
    return dict(PLAIN, tree={V1 + k: v for k, v in extra.items()}, **more)


def pcie(path, made, functions, **more):
    """A PCIe device and its functions (vendor, class)."""
    out = {path: {"Id": path.split("/")[-1], "Name": path.split("/")[-1], "Manufacturer": made, "PCIeFunctions": link(V1 + path + "/PCIeFunctions"), **more},
           path + "/PCIeFunctions": {"Members": [link(V1 + path + "/PCIeFunctions/%d" % i) for i in range(len(functions))]}}
    for i, (vendor, kind) in enumerate(functions): out[path + "/PCIeFunctions/%d" % i] = {"Id": str(i), "VendorId": vendor, **kind}
    return out


def cpu(path, kind, **more): return {path: {"Id": path.split("/")[-1], "ProcessorType": kind, "Status": {"State": "Enabled", "Health": "OK"}, **more}}


CARDS = "/Systems/1/PCIeDevices"
DISPLAY, BRIDGE, ACCEL = {"DeviceClass": "DisplayController"}, {"DeviceClass": "Bridge"}, {"ClassCode": "0x120000"}
# What data blocks are to make of trees shaped like captures: read in one plan, see redfish-vendors.sh.
SHAPES = {
    # Numbers as text, texts as numbers, empty and null members, a manager only in the collection.
    "shape-numbers": tree({"/Systems/1": {"ProcessorSummary": {"Count": "2", "Model": None}, "MemorySummary": {"TotalSystemMemoryGiB": "2048"}, "BiosVersion": 1.5,
                                          "SerialNumber": 12345, "Links": {"ManagedBy": []}, "Status": {"Health": None, "State": "Enabled"}},
                           "/Managers/1": {"FirmwareVersion": "7.10.30.00"}}),
    # iDRAC: GPUs are processors beside the CPUs; one slot is empty, one link leads nowhere.
    "shape-dell": tree({"/Systems/1": {"Processors": link(V1 + "/Systems/1/Processors")},
                        "/Systems/1/Processors": {"Members@odata.count": 5, "Members": [link(V1 + "/Systems/1/Processors/" + x) for x in
                                                  ("CPU.Socket.1", "Video.Slot.39-1", "Video.Slot.38-1", "Video.Slot.40-1", "Gone")]},
                        **cpu("/Systems/1/Processors/CPU.Socket.1", "CPU"), **cpu("/Systems/1/Processors/Video.Slot.38-1", "GPU", Model="NVIDIA H100 80GB HBM3"),
                        **cpu("/Systems/1/Processors/Video.Slot.39-1", "GPU", ProcessorMemory=[{"CapacityMiB": "81920"}]),
                        **cpu("/Systems/1/Processors/Video.Slot.40-1", "GPU", Status={"State": "Absent"})}),
    # GPUs only as PCIe devices: of the system, and of its chassis; a management controller's display, a switch, NICs are none.
    "shape-pcie": tree({"/Systems/1": {"PCIeDevices": [link(V1 + CARDS + "/" + x) for x in ("1-0", "2-0", "3-0", "4-0", "5-0", "1-0", "Gone")],
                                       "Links": {"Chassis": [link(V1 + "/Chassis/1"), link(V1 + "/Chassis/Nothing")]}},
                        "/Chassis/1": {"PCIeDevices": link(V1 + "/Chassis/1/PCIeDevices")}, "/Chassis/1/PCIeDevices": {"Members": [link(V1 + CARDS + "/1-0"),
                                                                                                           link(V1 + "/Chassis/1/PCIeDevices/GPU8")]},
                        "/Chassis/1/PCIeDevices/GPU8": {"Id": "GPU8", "Manufacturer": "", "Oem": {"Supermicro": {"GPUDevice": {"GPUSlot": 8}}}},
                        **pcie(CARDS + "/1-0", "NVIDIA Corporation", [("0x10DE", DISPLAY)], SerialNumber="1", Model="H100"),
                        **pcie(CARDS + "/2-0", "ASPEED Technology, Inc.", [("0x1a03", DISPLAY)]), **pcie(CARDS + "/3-0", "NVIDIA", [("0x10de", BRIDGE)]),
                        **pcie(CARDS + "/4-0", None, [("0x1002", ACCEL)], Name="MI300X"), **pcie(CARDS + "/5-0", "Intel Corporation", [("0x8086", ACCEL)])}),
    # Entries that share a name, blanks in ids, a version that is a number, one that moves the cursor.
    "shape-names": dict(PLAIN, inventory={"Installed-1-22.31.6__NIC.Slot.1-1-1": "22.31.6", "Installed-1-22.31.6__NIC.Slot.1-2-1": "22.31.6", "System ROM": 2.4,
                                          "Odd": "1.0\x1b[31m\x07", "Null": None, "BIOS": "2.0"},
                        named={"Installed-1-22.31.6__NIC.Slot.1-1-1": "Mellanox NIC", "Installed-1-22.31.6__NIC.Slot.1-2-1": "Mellanox NIC"}),
    # The system says nothing of itself; half of its members are objects where texts should be.
    "shape-bare": tree({"/Systems/1": {"Name": None, "PowerState": None, "Status": None, "Manufacturer": {"Name": "x"}, "Model": [], "Processors": None, "Links": None}}),
}
for name, p in SHAPES.items(): PLATFORMS[name] = p
for name, rule in MISBEHAVIOUR.items():
    PLATFORMS[name] = dict(PLAIN, rule=rule, odd_type=name == "odd-type", http10=name == "http10", chunked=name == "chunked")
PLATFORMS["task-stays-new"] = dict(PLAIN, task_states=["New", "Starting", "Running", "Completed"])
PLATFORMS["task-critical"] = dict(PLAIN, task_states=["Running"], task_status="Critical")
PLATFORMS["task-gone"] = dict(PLAIN, task_gone=True)
PLATFORMS["monitor-303"] = dict(PLAIN, monitor=True, monitor_redirects=True)
PLATFORMS["task-stalls"] = dict(PLAIN, task_stalls=True)
PLATFORMS["small-images"] = dict(PLAIN, max_image=100)
PLATFORMS["update-off"] = dict(PLAIN, update_off=True)
PAGE = b"<!DOCTYPE html><html><head><title>503</title><style>p {color: red}</style></head><body><h1>Service</h1><p>starts &amp; stops</p></body></html>"
UPLOAD = V1 + "/UpdateService/upload"
FAULTS = {                       # more of it, in updates and around them
    "html-503": dict(PLAIN, rule=on("GET", V1 + "/Systems/1", 503, PAGE, {"Content-Type": "text/html"})),
    "escapes": dict(PLAIN, inventory={"BMC": "1.0", "BIOS": "2.0\x1b[2J\u009b31m\x07", "NIC_0": "3.0"}),
    "skip-only": dict(PLAIN, page=3, no_next=True, filler=9, inventory={"BMC": "1.0", "X": "1", "Y": "1", "BIOS": "2.0", "NIC_0": "3.0"}),
    "count-lies": dict(PLAIN, count=66),
    "monitor-202": dict(PLAIN, monitor=True, monitor_stays=True),
    "monitor-only": dict(PLAIN, monitor=True, monitor_stays=True, no_tasks_read=True),
    "task-at-100": dict(PLAIN, task_states=["Running", "Running"], task_stalls=True, percent=100),
    "task-warning": dict(PLAIN, task_status="Warning", never_acts=True),
    "busy-400": dict(PLAIN, rule=on("POST", UPLOAD, 400, error("X.1.0.GeneralFault", "Another firmware update is in progress."), {}, times=1)),
    "busy-409": dict(PLAIN, rule=on("POST", UPLOAD, 409, b"<h1>Conflict</h1>", {"Content-Type": "text/html"}, times=1)),
    "too-large": dict(PLAIN, rule=on("POST", UPLOAD, 413, b"<html><body>Request Entity Too Large</body></html>", {"Content-Type": "text/html"})),
    "odd-media": dict(PLAIN, rule=on("POST", UPLOAD, 415, b"", {})),
    "lock-held": dict(PLAIN, way="push", lock=4),
    "no-session-uri": dict(PLAIN, session="nowhere"),
    "full-no-basic": dict(PLAIN, no_basic=True, rule=on("POST", "*/Sessions", 503, error("IDRAC.2.8.RAC0218", "The maximum number of user sessions is reached."), {})),
    "late-version": dict(PLAIN, late=5), "late-bios": dict(PLAIN, late_bios=4),
    "updating": dict(PLAIN, updating=4),
    "job-refused": dict(PLAIN, job="JID_", job_ends="Failed"), "job-good": dict(PLAIN, job="JID_", job_ends="Completed", job_new=2),
    "virtual-ac": dict(PLAIN, extended=True, acts={"*": "ac"}), "bios-ac": dict(PLAIN, bios={"SMT": "Enabled", "PowerCycleRequest": "None"}, acts={"*": "ac"}),
    "gone-after-reset": dict(PLAIN, forgets_tasks=True, acts={"*": "bmc"}, inventory={"BIOS": "2.0", "NIC_0": "3.0"}),
    "simple-user": dict(PLAIN, way="simple", wants_user=("u", "secret")), "simple-nfs": dict(PLAIN, way="simple"), "url-user": dict(PLAIN, way="simple"),
    "body-in-204": dict(PLAIN, stray=b"<html>moved on</html>" * 20),
    "ami-upload": dict(PLAIN, wants_type="BIOS", announces=True),
    "needs-targets": dict(PLAIN, wants_targets=True),
}
PLATFORMS.update(FAULTS)
PLATFORMS["bios-depends-not"] = PLATFORMS["bios-depends"] = dict(PLAIN, registry="BiosAttributeRegistry.v1_0_0", registry_file="BiosAttributeRegistry.v1_0_0", depends=True)


class Bmc:
    def __init__(self, name, p):
        self.name, self.p, self.lock = name, p, threading.RLock()
        self.firmware = dict(p["inventory"])
        for i in range(p.get("filler", 0)): self.firmware.setdefault("part%02d" % i, "1.%d" % i)
        self.bios, self.pending, self.staged = dict(p["bios"]), {}, {}
        self.on, self.off_at, self.away, self.booting, self.busy_resets = True, 0, 0, 0, p.get("post_400", 0)
        self.tasks, self.copy_until, self.etag = [], 0, 1
        self.late, self.bios_at, self.job_at, self.updating, self.lock_looks = {}, 0, 0, 0, p.get("lock", 0)
        self.counts, self.tokens, self.log = {}, set(), []

    # --- time
    def settle(self):
        for t in self.tasks:
            if not t["done"] and NOW() >= t["end"]:
                t["done"] = True
                if self.p.get("task_status") != "Critical": self.install(t["image"])
        if self.booting and NOW() >= self.booting:
            self.booting, self.bios_at = 0, NOW() + self.p.get("late_bios", 0)
            self.activate("host")
        if self.bios_at and NOW() >= self.bios_at:
            self.bios_at = 0
            if not self.job_at or NOW() - self.job_at > self.p.get("job_new", 0): self.bios.update(self.pending)
            self.pending = {}
        for key, (version, at) in list(self.late.items()):
            if NOW() >= at: self.firmware[key] = self.late.pop(key)[0]

    def install(self, image):
        for glob, version in re.findall(r"^([^=\s]+)=(.+)$", image, re.M):
            for key in self.firmware:
                if fnmatch.fnmatch(key, glob) and not key.startswith("Previous"): self.staged[key] = version
        self.copy_until, self.updating = NOW() + 1, NOW() + self.p.get("updating", 0)
        self.activate("now")

    def activate(self, how):
        acts = {"now": ["now"], "bmc": ["bmc"], "host": ["host"], "off": ["off"], "ac": ["ac", "off", "bmc"]}[how]
        for key in list(self.staged):
            act = next(a for g, a in self.p["acts"].items() if fnmatch.fnmatch(key, g))
            if act not in acts or self.p.get("never_acts"): continue
            if NOW() < self.updating: self.count("bricked")
            if self.p.get("late"): self.late[key] = (self.staged.pop(key), NOW() + self.p["late"])
            else: self.firmware[key] = self.staged.pop(key)

    def boot(self): self.on, self.booting = True, NOW() + 1.0

    # --- the tree
    def ids(self): return {k.replace("{v}", str(v)): k for k, v in self.firmware.items()}

    def sys(self): return V1 + "/Systems/" + self.p["system"]

    def collection(self, path, members, query, origin):
        p, page = self.p, self.p.get("page", 0)
        skip = int(m.group(1)) if (m := re.search(r"skip=(\d+)", unquote(query))) else 0
        out = {"@odata.id": path, "@odata.type": "#C.C", "Name": "C", "Members@odata.count": len(members)}
        start = max(0, skip - (p.get("overlap", 0) if skip else 0))
        rows = members[start:skip + page] if page else members
        ends = "/" if p.get("slashes") else ""
        out["Members"] = [m if not isinstance(m, str) else link((origin if p.get("absolute") else "") + m + ends) for m in rows]
        if p.get("count") and path.endswith("FirmwareInventory"): out["Members@odata.count"] = p["count"]
        if page and skip + page < len(members) and not p.get("no_next"):
            out["Members@odata.nextLink"] = "%s?$skip=%d" % (path, skip + page) if not p.get("overlap") else {"@odata.id": "%s?%%24skip=%d" % (path, skip + page)}
        return out

    def root(self):
        out = {"@odata.id": V1 + "/", "@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot", "Id": "RootService", "Name": "Root", **self.p["root"],
               "Systems": link(V1 + "/Systems"), "Managers": link(V1 + "/Managers"), "Chassis": link(V1 + "/Chassis"),
               "UpdateService": link(V1 + "/UpdateService"), "Registries": link(V1 + "/Registries"), "Tasks": link(V1 + "/TaskService"),
               "Links": {"Sessions": link(V1 + "/SessionService/Sessions")}}
        for k in self.p.get("root_lacks", []): out.pop(k)
        if self.p.get("no_sessions"): out.pop("Links")
        return out

    def system(self):
        p, words = self.p, self.p.get("words", ["On", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart"])
        out = {"@odata.id": self.sys(), "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem", "Id": p["system"], "Name": "System",
               "PowerState": "On" if self.on else "Off", "Model": p.get("model", "X"), "Bios": link(self.bios_path()), "SerialNumber": None,
               "Actions": {"#ComputerSystem.Reset": {"target": self.sys() + "/Actions/ComputerSystem.Reset", "ResetType@Redfish.AllowableValues": words}}}
        if p.get("progress", True): out["BootProgress"] = {"LastState": "None" if not self.on else "MemoryInitializationStarted" if self.booting else "OSRunning"}
        out.update(p.get("tree", {}).get(self.sys(), {}))
        if p.get("ext"): out["Actions"]["Oem"] = {"#HpeComputerSystemExt.SystemReset": p["ext"]}
        return out

    def bios_path(self): return self.sys() + ("/bios" if self.p.get("lower") else "/Bios")

    def shown(self, attrs): return {k: {"current_value": v, "default_value": v, "choices": []} for k, v in attrs.items()} if self.p.get("objects") else dict(attrs)

    def bios_resource(self):
        out = {"@odata.id": self.bios_path(), "@odata.type": "#Bios.v1_2_0.Bios", "Id": "Bios", "Name": "BIOS", "Attributes": self.shown(self.bios)}
        if self.p.get("registry"): out["AttributeRegistry"] = self.p["registry"]
        s = self.p.get("settings", "Settings")
        if s and self.p.get("linked", True):
            out["@Redfish.Settings"] = {"SettingsObject": link(self.bios_path() + "/" + s), "Messages": []}
            if self.p.get("times"): out["@Redfish.Settings"]["SupportedApplyTimes"] = ["OnReset", "AtMaintenanceWindowStart"]
        return out

    def update_service(self):
        p = self.p
        out = {"@odata.id": V1 + "/UpdateService", "@odata.type": "#UpdateService.v1_11_0.UpdateService", "Id": "UpdateService", "Name": "Update Service",
               "ServiceEnabled": not p.get("update_off"), "FirmwareInventory": link(V1 + "/UpdateService/FirmwareInventory"), "Actions": {}}
        if p["way"] == "multipart": out["MultipartHttpPushUri"] = (p["upload"] if p["upload"] == "/mfwupdate" else V1 + p["upload"])
        if p["way"] == "push": out["HttpPushUri"] = V1 + p["upload"]
        if p["way"] == "simple":
            out["Actions"]["#UpdateService.SimpleUpdate"] = {"target": V1 + "/UpdateService/Actions/SimpleUpdate",
                                                            "TransferProtocol@Redfish.AllowableValues": ["HTTP", "HTTPS"]}
        if p.get("lock"):
            self.lock_looks = max(0, self.lock_looks - 1)
            out.update({"HttpPushUriTargets": [], "HttpPushUriTargetsBusy": self.lock_looks > 0})
        if p.get("max_image"): out["MaxImageSizeBytes"] = p["max_image"]
        return out

    def registry(self):
        kinds = {bool: "Boolean", int: "Integer", str: "Enumeration"}
        rows = [{"AttributeName": k, "Type": kinds.get(type(v), "String"), "ReadOnly": False,
                 **({"Value": [{"ValueName": x} for x in {v, "Enabled", "Disabled", "Uefi", "LegacyBios", "On", "Off", "Flat"}]} if isinstance(v, str) else {})}
                for k, v in self.bios.items()]
        deps = [{"DependencyFor": "Count", "Type": "Map", "Dependency": {
            "MapFrom": [{"MapFromAttribute": "SMT", "MapFromProperty": "CurrentValue", "MapFromCondition": "EQU", "MapFromValue": "Disabled"}],
            "MapToAttribute": "Count", "MapToProperty": "ReadOnly", "MapToValue": True}}] if self.p.get("depends") else []
        return {"@odata.type": "#AttributeRegistry.v1_3_0.AttributeRegistry", "RegistryEntries": {"Attributes": rows, "Dependencies": deps}}

    def task(self, i, monitor):
        t, p = self.tasks[i], self.p
        n = len(t["seen"])
        t["seen"].append(1)
        if p.get("forgets_tasks") and self.counts.get("bmc_resets"): return 404, b"", {}
        if not monitor and p.get("no_tasks_read"): return 404, b"", {}
        if monitor and p.get("monitor_stays"): return 202, b"", {}
        if p.get("job_ends") and not t["image"]:
            new, booted = NOW() - self.job_at < p.get("job_new", 0), self.bios != p["bios"]
            return 200, {"@odata.id": V1 + "/TaskService/Tasks/" + t["id"], "Id": t["id"], "JobState": "New" if new else p["job_ends"] if booted or
                         p["job_ends"] == "Failed" else "Scheduled", "MessageId": "JCP001", "Message": "Lifecycle Controller in use."}, {}
        if p.get("task_gone") and t["done"]: return 404, error("Base.1.8.ResourceMissingAtURI", "gone"), {}
        if monitor and not t["done"]: return 202, b"", {"Location": V1 + "/TaskService/TaskMonitors/%d" % i}
        if monitor and p.get("monitor_redirects"): return 303, b"", {"Location": V1 + "/TaskService/Tasks/%d" % i}
        if monitor: return 204, b"", {}
        states = p.get("task_states", ["New", "Running"])
        state = "Completed" if t["done"] and not p.get("task_stalls") else states[min(n, len(states) - 2)] if len(states) > 1 else states[0]
        if p.get("job") and not t["image"]: state = "Pending" if n > 1 else "New"
        if p.get("task_status") and t["done"]: state = "Completed"
        j = {"@odata.id": V1 + "/TaskService/Tasks/" + t["id"], "@odata.type": "#Task.v1_7_0.Task", "Id": t["id"], "Name": "T", "TaskState": state,
             "TaskStatus": p.get("task_status", "OK"), "PercentComplete": p.get("percent", 100 if t["done"] else 40), "Messages": []}
        if p.get("task_status") == "Warning" and t["done"]:
            j["Messages"] = [{"MessageId": "Update.1.0.VerifyLater", "Message": "Part of it waits.", "MessageSeverity": "Warning"}]
        elif p.get("task_status"): j["Messages"] = [{"MessageId": "Update.1.0.VerificationFailed", "Message": "Verification of image failed at BIOS.", "MessageSeverity": "Critical"}]
        return 200, j, {}

    def get(self, path, query, origin):
        p, rel = self.p, path[len(V1):].rstrip("/") if path.startswith(V1) else None
        if rel is None: return 404, error("Base.1.8.ResourceMissingAtURI", "The resource is missing."), {}
        if rel == "": return 200, self.root(), {}
        if path.rstrip("/") in p.get("tree", {}) and path.rstrip("/") not in (self.sys(), V1 + "/Managers/1", V1 + "/UpdateService"):
            return 200, {"@odata.id": path, **p["tree"][path.rstrip("/")]}, {}
        page = lambda members: (200, self.collection(path.rstrip("/"), members, query, origin), {})
        if rel == "/Systems":
            return page([V1 + "/Systems/" + o for o in p.get("others", [])] + [self.sys()] +
                        [V1 + "/Systems/" + x if x else {"Name": "no link"} for x in p.get("bogus_systems", [])])
        if rel == "/Managers": return page([V1 + "/Managers/" + m.split(":")[-1] for m in p["managers"]])
        if rel == "/Chassis": return page([V1 + "/Chassis/" + c for c in ["BMC_0"] + p.get("erots", [])] + [V1 + "/Chassis/Dangling"])
        if rel == "/UpdateService": return 200, self.update_service(), {}
        if rel == "/UpdateService/FirmwareInventory": return page([V1 + "/UpdateService/FirmwareInventory/" + i for i in self.ids()])
        if rel == "/SessionService/Sessions": return page([V1 + "/SessionService/Sessions/" + x for x in self.tokens])
        if rel == "/TaskService": return (404, b"", {}) if p.get("no_tasks") else (200, {"@odata.id": path, "Tasks": link(V1 + "/TaskService/Tasks")}, {})
        if rel == "/TaskService/Tasks": return 200, self.collection(path, [V1 + "/TaskService/Tasks/" + t["id"] for t in self.tasks], "", origin), {}
        if rel == "/Registries": return page([V1 + "/Registries/" + p["registry_file"]] if p.get("registry") else [])
        if rel.startswith("/Registries/"):
            return 200, {"@odata.id": path, "Id": p["registry_file"], "Location": [{"Language": "ja", "Uri": "/nowhere"}, {"Language": "en", "Uri": "/redfish/v1/Store/bios.json"}]}, {}
        if rel == "/Store/bios.json": return 200, self.registry(), {}
        if rel.startswith("/Systems/HGX_Baseboard_0"):
            if p.get("hmc") and not self.on: return 503, error("Ami.1.0.HMCCommuicationFailed", "HMC communication failed."), {}
            return 200, {"@odata.id": path, "Id": "HGX_Baseboard_0", "Name": "HGX", "PowerState": "On"}, {}
        if path.rstrip("/") == self.sys(): return 200, self.system(), {}
        if path.rstrip("/") == self.bios_path(): return 200, self.bios_resource(), {}
        if p.get("settings", "Settings") and path.rstrip("/") == self.bios_path() + "/" + p.get("settings", "Settings"):
            return 200, {"@odata.id": path, "Id": "Settings", "Name": "S", "Attributes": {**self.shown(self.bios), **self.pending} if not p.get("job") else dict(self.pending)}, {}
        if m := re.fullmatch(r"/UpdateService/FirmwareInventory/(.+)", rel):
            key = self.ids().get(unquote(m.group(1)))
            if key is None: return 404, b"", {}
            v, busy = self.firmware[key], any(not t["done"] for t in self.tasks)
            return 200, {"@odata.id": path, "Id": m.group(1), "Name": p.get("named", {}).get(key, key), "Version": v,
                         "Status": {"State": "Absent" if v == "Not Present" else "Updating" if busy and p.get("no_tasks") or NOW() < self.updating else "Enabled"}}, {}
        if m := re.fullmatch(r"/Managers/(.+)", rel):
            own = next((x for x in p["managers"] if x.split(":")[-1] == m.group(1)), None)
            if not own: return 404, b"", {}
            return 200, {"@odata.id": path, "Id": own.split(":")[0], "Name": "M", "ManagerType": "BMC", "Actions": {"#Manager.Reset": {
                "target": V1 + "/Managers/" + m.group(1) + "/Actions/Manager.Reset", "ResetType@Redfish.AllowableValues": ["ForceRestart"]}}, **p.get("tree", {}).get(path.rstrip("/"), {})}, {}
        if m := re.fullmatch(r"/Chassis/(.+)", rel):
            c = {"@odata.id": path, "Id": m.group(1), "Name": "C", "PowerState": "On" if self.on else "Off"}
            if m.group(1) in p.get("erots", []): c["Oem"] = {"Nvidia": {"BackgroundCopyStatus": "InProgress" if NOW() < self.copy_until else "Completed"}}
            elif m.group(1) != "BMC_0": return 404, b"", {}
            if p.get("extended") and m.group(1) == "BMC_0":
                c["Actions"] = {"Oem": {"#DellOemChassis.ExtendedReset": {"target": V1 + "/Chassis/BMC_0/Actions/Oem/DellOemChassis.ExtendedReset",
                    "ResetType@Redfish.AllowableValues": ["PowerCycle"], "FinalPowerState@Redfish.AllowableValues": ["On", "Off"]}}}
            if p.get("aux") and m.group(1) == "BMC_0":
                c["Actions"] = {"Oem": {"#NvidiaChassis.AuxPowerReset": {"target": V1 + "/Chassis/BMC_0/Actions/Oem/NvidiaChassis.AuxPowerReset",
                                                                       "ResetType@Redfish.AllowableValues": [p["aux"]]}}}
            return 200, c, {}
        if m := re.fullmatch(r"/TaskService/(Tasks|TaskMonitors)/(\w+)", rel):
            i = next((i for i, t in enumerate(self.tasks) if m.group(2) in (t["id"], str(i))), None)
            return (404, b"", {}) if i is None else self.task(i, m.group(1) == "TaskMonitors")
        return 404, error("Base.1.8.ResourceMissingAtURI", "The resource at the URI %s was not found." % path), {}

    # --- writes
    def begin(self, image):
        i = len(self.tasks)
        t = {"id": "%s%d" % (self.p.get("job", "T"), 1000 + i), "image": image, "end": NOW() + self.p.get("delay", 1), "done": False, "seen": []}
        self.tasks.append(t)
        if self.p.get("no_tasks"): return 200, error("iLO.2.14.UpdateInProgress", "Upload complete."), {}
        if self.p.get("task_in_body"): return 202, self.task(i, False)[1], {}
        if self.p.get("announces"):
            return 202, {"@Message.ExtendedInfo": [{"MessageId": "Task.1.0.New", "Message": "A new task %s/TaskService/Tasks/%s was started." % (V1, t["id"])}]}, {}
        at = V1 + ("/TaskService/TaskMonitors/%d" % i if self.p.get("monitor") else "/TaskService/Tasks/" + t["id"])
        return 202, b"", {"Location": at}

    def upload(self, body, ctype):
        p, image = self.p, body.decode("latin1")
        if p["way"] == "multipart":
            mark = re.search(r'boundary="?([^";]+)', ctype).group(1)
            parts = {re.search(r'name="([^"]+)"', x).group(1): x.split("\r\n\r\n", 1)[1].removesuffix("\r\n") for x in image.split("--" + mark)[1:-1]}
            params, image = json.loads(parts["UpdateParameters"]), parts["UpdateFile"]
            if p.get("wants_type") and json.loads(parts.get("OemParameters", "{}")).get("ImageType") != p["wants_type"]:
                return 400, error("Ami.1.0.InvalidImage", "ImageType is missing."), {}
            if p.get("wants_oem") and "Oem" not in params: return 400, error("IDRAC.2.8.SYS428", "Oem missing."), {}
            if p.get("wants_targets") and not params.get("Targets"): return 400, error("Base.1.10.PropertyMissing", "The property Targets is missing.", ["Targets"]), {}
        self.count("images")
        return self.begin(image)

    def patch(self, path, body, match, etag):
        p, s = self.p, self.p.get("settings", "Settings")
        if p.get("lock") and path == V1 + "/UpdateService":
            self.count("claims" if body.get("HttpPushUriTargetsBusy") else "releases")
            return 200, {}, {}
        if path.rstrip("/") != self.bios_path() + ("/" + s if s else ""): return 405, b"", {}
        if p.get("etag") and not match: return 428, error("Base.1.8.PreconditionRequired", "If-Match is required."), {}
        if p.get("etag") == "exact" and match != etag: return 412, error("Base.1.8.PreconditionFailed", "The ETag is stale."), {}
        if p.get("etag") == "weak" and match.startswith("W/"): return 412, b"", {}
        for k, v in body.get("Attributes", {}).items():
            if k not in self.bios: return 400, error("Base.1.8.PropertyUnknown", "The property %s is unknown." % k, [k]), {}
            if self.bios[k] is not None and type(v) is not type(self.bios[k]):
                return 400, error("Base.1.8.PropertyValueTypeError", "The value %r of %s is of another type." % (v, k), [k]), {}
        if p.get("times") and body.get("@Redfish.SettingsApplyTime", {}).get("ApplyTime") != "OnReset": return 400, error("X.1.PropertyMissing", "ApplyTime"), {}
        self.pending.update(body["Attributes"])
        self.etag += 1
        self.count("patches")
        if p.get("job"):
            self.job_at = NOW()
            self.tasks.append({"id": "JID_%d" % (2000 + len(self.tasks)), "image": "", "end": NOW() + 3600, "done": False, "seen": []})
            return 202, b"", {"Location": V1 + "/TaskService/Tasks/" + self.tasks[-1]["id"]}
        return 200, {}, {}

    def reset(self, word):
        if self.busy_resets:
            self.busy_resets -= 1
            return 400, error("iLO.2.14.InvalidOperationForSystemState", "The operation was not successful due to the current power state."), {}
        if word not in self.system()["Actions"]["#ComputerSystem.Reset"]["ResetType@Redfish.AllowableValues"]: return 400, error("Base.1.8.ActionParameterNotSupported", word), {}
        if NOW() - self.off_at < self.p.get("conflict_after_off", 0): return 409, error("IDRAC.2.8.PSU501", "The server is not in a state for that."), {}
        self.count("resets")
        if word in self.p.get("hangs", []): return 204, b"", {}
        if word in ("ForceOff", "GracefulShutdown"):
            self.on, self.off_at = False, NOW()
            if self.bios.get("PowerCycleRequest") == "FullPowerCycle":
                self.bios["PowerCycleRequest"] = "None"
                self.lose_mains()
                self.boot()
                return 204, b"", {}
            self.activate("off")
        else: self.boot()
        return 204, b"", {}

    def lose_mains(self):
        self.away = NOW() + 1
        self.tokens.clear()
        self.activate("ac")
        self.count("ac_cycles")

    def post(self, path, body, ctype):
        p, rel = self.p, path.rstrip("/")
        if p["way"] != "simple" and rel.endswith(p["upload"]): return self.upload(body, ctype)
        j = json.loads(body or b"{}")
        if rel.endswith("/Actions/SimpleUpdate"):
            if p.get("wants_user") and (j.get("Username"), j.get("Password"), j.get("TransferProtocol")) != (*p["wants_user"], "HTTP"):
                return 400, error("Update.1.0.TransferFailed", "The server refused the user."), {}
            self.count("images")
            return self.begin(open(os.path.join(sys.argv[1], os.path.basename(j["ImageURI"]))).read())
        if rel == self.sys() + "/Actions/ComputerSystem.Reset": return self.reset(j.get("ResetType"))
        if rel.endswith("Manager.Reset"):
            self.away = NOW() + 1
            self.tokens.clear()
            self.activate("bmc")
            self.count("bmc_resets")
            return 204, b"", {}
        if rel.endswith("AuxPowerReset") and p.get("aux") or rel.endswith("SystemReset") and p.get("ext"):
            if p.get("ext") and j.get("ResetType") not in p["ext"]["ResetType@Redfish.AllowableValues"]: return 400, error("X.1.0.ActionParameterUnknown", str(j)), {}
            if self.on: return 400, error("X.1.0.ChassisPowerStateOffRequired", "The chassis must be off.", ["On"]), {}
            self.lose_mains()
            return 204, b"", {}
        if rel.endswith("DellOemChassis.ExtendedReset") and p.get("extended"):
            if j != {"ResetType": "PowerCycle"}: return 400, error("IDRAC.2.8.SYS428", str(j)), {}
            if self.on: return 409, error("IDRAC.2.8.PSU507", "The server must be off."), {}
            self.lose_mains()
            return 204, b"", {}
        return 405, error("Base.1.8.OperationNotAllowed", "POST is not allowed on %s." % path), {}

    def login(self, path):
        p = self.p
        if p.get("no_sessions"): return 404, b"", {}
        token = "token%d" % (len(self.log) + 1)
        self.log.append(token)
        self.tokens.add(token)
        head = {p.get("token_name", "X-Auth-Token"): token}
        at = V1 + "/SessionService/Sessions/" + token
        if p.get("session") == "body": return 201, link(at), head
        if p.get("session") == "nowhere": return 201, b"", head
        return (200 if p.get("session") == "200" else 201), link(at), {**head, "Location": at if not p.get("absolute") else "https://bmc.invalid" + at}

    def count(self, what): self.counts[what] = self.counts.get(what, 0) + 1


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass

    def answer(self, status, body, head):
        b, data = self.server.bmc, body
        if isinstance(body, (dict, list)):
            data = json.dumps(body).encode()
            if any(self.path.split("?")[0] == V1 + x for x in b.p.get("bad_json", [])): data = data.replace(b"}", b",}", 1).replace(b'"X"', b'"X\x01"')
        head = dict(head)
        head.setdefault("Content-Type", "text/plain" if b.p.get("odd_type") else "application/json")
        if b.p.get("etag") and self.path.startswith(b.bios_path()) and status == 200: head["ETag"] = ('W/"%d"' if b.p["etag"] == "weak" else '"%d"') % b.etag
        if b.p.get("gzip") and "Store" in self.path: data, head["Content-Encoding"] = gzip.compress(data), "gzip"
        self.send_response(status)
        for k, v in head.items(): self.send_header(k, v)
        if b.p.get("chunked") and data:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, len(data), 100): self.wfile.write(b"%x\r\n%s\r\n" % (len(data[i:i + 100]), data[i:i + 100]))
            self.wfile.write(b"0\r\n\r\n")
            return
        if not b.p.get("http10"): self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD": self.wfile.write(data)
        if status == 204 and b.p.get("stray"):           # what follows reads this as its reply
            self.wfile.flush()
            time.sleep(0.05)
            self.wfile.write(b.p["stray"])

    def handle_one(self, method):
        b = self.server.bmc
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            while n := int(self.rfile.readline().split(b";")[0], 16): body += self.rfile.read(n); self.rfile.readline()
            self.rfile.readline()
        path, _, query = self.path.partition("?")
        with b.lock:
            b.settle()
            if path == "/test/state": return self.answer(200, {**b.counts, "bios": b.bios, "firmware": b.firmware, "on": b.on, "open": len(b.tokens), "logins": len(b.log)}, {})
            if path == "/test/set":
                j = json.loads(body)
                b.bios.update(j.get("bios", {})), b.firmware.update(j.get("firmware", {})), setattr(b, "on", j.get("on", b.on))
                return self.answer(200, {}, {})
            if NOW() < b.away:
                self.close_connection = True
                return
            if (ruled := b.p["rule"](b, method, path) if b.p.get("rule") else None): return self.answer(*ruled)
            open_to_all = method == "GET" and path.rstrip("/") == V1 and not b.p.get("root_needs_login") or method == "POST" and path.rstrip("/").endswith("/Sessions")
            basic = "Basic " + base64.b64encode(b"admin:secret").decode()
            if b.p.get("no_basic"): basic = None
            if not open_to_all and self.headers.get("X-Auth-Token") not in b.tokens and (not basic or self.headers.get("Authorization") != basic):
                return self.answer(401, b"", {"WWW-Authenticate": "Basic"})
            if method == "GET": self.answer(*b.get(path, query, "https://bmc.invalid"))
            elif method == "DELETE":
                b.tokens.discard(path.rstrip("/").split("/")[-1])
                self.answer(204, b"", {})
            elif method == "PATCH":
                etag = '"%d"' % b.etag
                self.answer(*b.patch(path, json.loads(body), self.headers.get("If-Match"), etag))
            elif path.rstrip("/").endswith("/Sessions"): self.answer(*b.login(path))
            else: self.answer(*b.post(path, body, self.headers.get("Content-Type") or ""))

    def do_GET(self): self.handle_one("GET")
    def do_POST(self): self.handle_one("POST")
    def do_PATCH(self): self.handle_one("PATCH")
    def do_PUT(self): self.handle_one("PUT")
    def do_DELETE(self): self.handle_one("DELETE")


class Old(Handler):
    protocol_version = "HTTP/1.0"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    def handle_error(self, request, address):
        if not isinstance(sys.exc_info()[1], OSError): super().handle_error(request, address)


lines = []
for name, p in PLATFORMS.items():
    s = Server(("127.0.0.1", 0), Old if p.get("http10") else Handler)
    s.bmc = Bmc(name, p)
    lines.append("%s %d\n" % (name, s.server_port))
    threading.Thread(target=s.serve_forever, daemon=True).start()
with open(os.path.join(sys.argv[1], "ports.new"), "w") as f: f.writelines(lines)
os.rename(os.path.join(sys.argv[1], "ports.new"), os.path.join(sys.argv[1], "ports"))
threading.Event().wait()
