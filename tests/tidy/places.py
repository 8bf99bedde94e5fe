#!/usr/bin/python3
"""How many places a new field takes: one for a peer, three for a binding.

Each field is added to copies of the sources, as a person would; what depends on those is compiled against the copies, linked with the
rest of the build, and must know the field everywhere. Usage: places.py BUILD-FOLDER
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = ["-std=c++23", "-O0", "-D_GLIBCXX_ASSERTIONS", "-DJSON_DISABLE_ENUM_SERIALIZATION=1"]

PEER_PLACES = (
    ("core/peer_fields.h", "inline constexpr auto peer_fields = std::to_array<PeerField>({\n",
     '    {.key = {"peer.*.probe_field", KeyType::number, "5", "", 1, 9, "a probe"}, .tag = 999},\n'),
)
PEER_PROGRAM = r"""
#include <cstdio>
#include "core/contract/handoff/peer.h"
#include "core/contract/peer/profile.h"
using namespace pushmail;
int main() {
  const std::string text = "domain = \"mms.example.net\"\n[link]\nkind = \"kernel\"\n[notify]\nsmsc = \"127.0.0.1:1\"\nsource = \"5\"\n"
      "[peer.m]\nurl = \"http://x/\"\nservice_number = \"5000\"\ninbound = \"open\"\n";
  if (PeerProfile::from(Config::parse(text, "t").value(), "m")->number("probe_field") != 5) return 1;
  if (Config::parse(text + "probe_field = 10\n", "t").has_value()) return 2;
  if (sample_config().find("#probe_field = 5") == std::string::npos) return 3;
  PeerProfile given = PeerProfile::from(Config::parse(text + "probe_field = 7\n", "t").value(), "m").value();
  const Bytes bytes = given.record().finish(1);
  const RecordView record = parse_record(bytes).value();
  if (!handoff::validate(record, handoff::Direction::to_data)) return 4;
  if (PeerProfile::of(record).number("probe_field") != 7) return 5;
  if (handoff::describe(record).find(" probe_field=7") == std::string::npos) return 6;
  std::puts("ok");
}
"""
PEER_SOURCES = ("core/config_keys.cpp", "core/contract/peer/profile.cpp", "core/contract/handoff/schema.cpp")

BINDING_PLACES = (
    ("controlplane/store/rows.h", "struct Binding {\n", "  std::string probe_field{};\n"),
    ("controlplane/store/schema_sql.h", ")sql\",\n});\n", None),
    ("controlplane/store/binding_fields.h", "inline constexpr auto binding_fields = std::to_array<BindingField>({\n",
     '    binding_field<&Binding::probe_field>({.name = "probe_field", .given = Given::at_any_time, .option = "--probe", .help = "a probe"}),\n'),
)
BINDING_STEP = ')sql",\n    R"sql(ALTER TABLE binding ADD COLUMN probe_field TEXT NOT NULL DEFAULT \'\')sql",\n});\n'
BINDING_PROGRAM = r"""
#include <cstdio>
#include "controlplane/api/json.h"
#include "controlplane/binding/bindings.h"
#include "controlplane/store/sqlite_store.h"
using namespace pushmail;
int main() {
  const auto store = open_sqlite_store(":memory:").value();
  Sealer sealer{std::array<std::uint8_t, 32>{1}};
  const SystemClock clock;
  Bindings bindings{*store, sealer, clock, {.peers = {"m"}}};
  const auto added = bindings.add({.fields = {{"msisdn", "+15550100002"}, {"mail_address", "a@b.example"}, {"host", "h.example"}, {"user", "u"},
                                              {"probe_field", "given"}}, .password = "p"});
  if (!added) { std::puts(added.error().text.c_str()); return 1; }
  if (store->binding(added->id).value()->probe_field != "given") return 2;
  if (!bindings.set(added->id, {{"probe_field", "changed"}})) return 3;
  if (api::text_of_json(api::to_json(bindings.find(added->id).value(), nullptr)).find("\"probe_field\":\"changed\"") == std::string::npos) return 4;
  std::puts("ok");
}
"""
BINDING_SOURCES = ("controlplane/store/sqlite_store.cpp", "controlplane/store/binding_rows.cpp", "controlplane/binding/bindings.cpp", "controlplane/api/json.cpp")


class Places(unittest.TestCase):
    def probe(self, places, sources, program):
        """Adds the field at `places`, and runs `program` with what it changes compiled anew."""
        with tempfile.TemporaryDirectory() as folder:
            overlay = pathlib.Path(folder)
            for path, before, line in places:
                text = (ROOT / path).read_text(encoding="utf-8")
                self.assertEqual(text.count(before), 1, f"{path}: where the field goes is not found")
                copy = overlay / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(text.replace(before, BINDING_STEP if line is None else before + line), encoding="utf-8")
            (overlay / "probe.cpp").write_text(program, encoding="utf-8")
            # Quoted includes are looked for beside the including file first, so the sources lie in the overlay too.
            for path in sources:
                (overlay / path).parent.mkdir(parents=True, exist_ok=True)
                (overlay / path).write_text((ROOT / path).read_text(encoding="utf-8"), encoding="utf-8")

            def compiled(path):
                target = overlay / (path.replace("/", "_") + ".o")
                subprocess.run(["g++", *FLAGS, f"-I{overlay}", f"-I{ROOT}", "-c", str(overlay / path), "-o", str(target)], check=True)
                return str(target)

            with ThreadPoolExecutor() as pool:
                objects = list(pool.map(compiled, (*sources, "probe.cpp")))
            archives = [str(path) for path in BUILD.rglob("lib*.a") if re.match(r"lib(core|contract|codec_(mime|wap|simd)|cp_(store|binding|schedule|api))", path.name)]
            subprocess.run(["g++", "-o", str(overlay / "probe"), *objects, "-Wl,--start-group", *archives, "-Wl,--end-group",
                            "-lsqlite3", "-lfmt", "-lisal", "-lcrypto", "-lssl", "-lidn2", "-lcares", "-lpthread"], check=True)
            result = subprocess.run([str(overlay / "probe")], capture_output=True, text=True)
            self.assertEqual((0, "ok\n"), (result.returncode, result.stdout), result.stderr)

    def test_a_field_of_a_peer_is_one_row(self):
        self.probe(PEER_PLACES, PEER_SOURCES, PEER_PROGRAM)
        self.assertEqual(1, len(PEER_PLACES))

    def test_a_field_of_a_binding_is_a_member_a_step_and_a_row(self):
        self.probe(BINDING_PLACES, BINDING_SOURCES, BINDING_PROGRAM)
        self.assertEqual(3, len(BINDING_PLACES))

    def test_what_is_named_after_a_worker_is_named_in_one_file(self):
        found = [str(path.relative_to(ROOT)) for folder in ("core", "dataplane", "controlplane") for path in sorted((ROOT / folder).rglob("*"))
                 if path.suffix in (".h", ".cpp") and re.search(r'"(handoff|lane)-', path.read_text(encoding="utf-8"))]
        self.assertEqual(["core/contract/worker.h"], found)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1))
    unittest.main()
