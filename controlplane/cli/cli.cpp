#include "controlplane/cli/cli.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "controlplane/cli/backup.h"
#include "controlplane/cli/binding_file.h"
#include "controlplane/cli/client.h"
#include "controlplane/cli/completion.h"
#include "controlplane/cli/config_check.h"
#include "controlplane/cli/config_view.h"
#include "controlplane/cli/convert.h"
#include "controlplane/cli/doctor.h"
#include "controlplane/cli/hidden_typing.h"
#include "controlplane/cli/journal_cat.h"
#include "controlplane/cli/kek_rotate.h"
#include "controlplane/cli/keys_page.h"
#include "controlplane/cli/setup.h"
#include "controlplane/cli/status_view.h"
#include "controlplane/cli/table.h"
#include "controlplane/cli/timer_list.h"
#include "controlplane/cli/wrong_word.h"
#include "controlplane/status/metrics.h"
#include "controlplane/status/status.h"
#include "controlplane/store/binding_fields.h"
#include "core/ascii.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/contract/counters/counters.h"
#include "core/program_options.h"

namespace pushmail::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr int negative = 1;

// Ends a command with a code and a sentence; thrown by helpers, caught in run().
struct Stop {
  int code;
  std::string text;
  std::string what = {};   // the control plane's word for it
  std::string field = {};  // the member of the request that is to blame
};

// ASCII alone: also on a terminal the words of strangers stay data.
std::string json_text(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

std::string cell(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : json_text(*found);
}

int exit_code_of(int http_status) {
  switch (http_status) {
    case 404:
      return negative;
    case 400:
    case 409:
    case 413:
      return EX_DATAERR;
    case 403:
      return EX_NOPERM;
    default:
      return EX_UNAVAILABLE;
  }
}

// The options and what each command does with them.
class Commands {
 public:
  explicit Commands(Streams streams) : streams_(streams) {}

  int run(const std::vector<std::string>& arguments);

 private:
  void declare(CLI::App& app);
  void declare_binding(CLI::App& app);
  void declare_item(CLI::App& app);
  void declare_convert(CLI::App& app);

  void fail(const Stop& stop) const;
  [[nodiscard]] Json call(const std::string& method, const std::string& target, const Json& body = {}) const;
  [[nodiscard]] std::string password() const;
  void print_object(const Json& json) const;
  void print_findings(const std::vector<Finding>& findings);
  void print_history(const Json& rows) const;

  void binding_add();
  void binding_set();
  void binding_list();
  void for_each_binding(const std::function<void(Json& binding)>& use) const;
  void binding_import();
  void binding_export();
  void item_list();
  void item_trace();
  void item_explain();
  void worker_show();
  void peer_show();
  void status();
  void reload();
  void journal_cat();
  void config_check();
  [[nodiscard]] SetupAnswers setup_answers() const;
  void setup();
  void doctor();
  void kek_rotate();
  void backup();
  void restore();
  void config_show();
  void config_explain();
  void config_diff();
  [[nodiscard]] Config loaded_config(const std::string& root) const;

  Streams streams_;
  std::string root_;
  bool json_ = false;
  bool jsonl_ = false;
  std::string id_;
  std::string password_file_;
  std::map<std::string, std::string> binding_;
  std::vector<std::pair<const CLI::Option*, std::string>> changes_;  // of `binding set`: option and member
  std::map<std::string, std::string, std::less<>> options_;          // member of a request: the option that gives it
  int exit_code_ = EX_OK;                                            // of an answer that is no failure of ours
  bool shared_ = false, untried_ = false;
  bool csv_ = false, dry_run_ = false;
  SetupAnswers answers_;
  bool unchecked_ = false, fix_ = false;
  bool with_key_ = false;
  std::vector<std::string> states_;
  std::string way_, for_binding_, before_;
  unsigned limit_ = 100;
  std::vector<std::string> files_;
  std::string file_;
  std::string folder_ = ".";
  bool effective_ = false;
  std::function<void()> action_;
};

Json Commands::call(const std::string& method, const std::string& target, const Json& body) const {
  const std::filesystem::path socket = std::filesystem::path(root_.empty() ? "/" : root_) / "run/pushmail/api";
  const auto answer = ask(socket, method, target, body.is_null() ? std::string() : json_text(body));
  if (!answer) throw Stop{EX_UNAVAILABLE, answer.error()};
  Json json = Json::parse(answer->body, nullptr, false);
  if (answer->status >= 200 && answer->status < 300 && !json.is_discarded()) return json;
  if (!json.is_object() || !json.contains("error")) throw Stop{EX_PROTOCOL, fmt::format("the control plane answered {}", answer->status)};
  const std::string field = cell(json["error"], "field"), text = cell(json["error"], "text");
  // The person gave an option, and never saw the member that it became.
  const auto option = options_.find(field);
  const std::string named = option != options_.end() ? option->second : field;
  throw Stop{exit_code_of(answer->status), named.empty() ? text : named + ": " + text, cell(json["error"], "code"), field};
}

// A password comes from a file or from standard input, never from the command line, which every user of the machine can read.
std::string Commands::password() const {
  std::string line;
  if (password_file_.empty()) {
    const HiddenTyping hidden(&streams_.in == &std::cin ? STDIN_FILENO : -1);
    if (hidden.state() == HiddenTyping::State::refused)
      throw Stop{EX_OSERR, "this terminal would show the password; give it by --password-file"};
    if (hidden.state() == HiddenTyping::State::hidden) streams_.error << "password: " << std::flush;
    std::getline(streams_.in, line);
  } else {
    std::ifstream file(password_file_);
    if (!file) throw Stop{EX_NOINPUT, password_file_ + ": cannot be read"};
    std::getline(file, line);
  }
  // An editor's byte order mark is no part of a password.
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (line.starts_with(byte_order_mark)) line.erase(0, byte_order_mark.size());
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) throw Stop{EX_DATAERR, "the password is empty; give it by --password-file or on standard input"};
  return line;
}

void Commands::print_object(const Json& json) const {
  if (json_) {
    streams_.out << json_text(json) << '\n';
    return;
  }
  std::size_t width = 0;
  for (const auto& [key, value] : json.items()) width = std::max(width, key.size());
  for (const auto& [key, value] : json.items()) {
    streams_.out << fmt::format("{:<{}}  {}\n", key, width, printable(value.is_string() ? value.get<std::string>() : json_text(value)));
  }
}

// A field of a binding as the API takes it.
Json json_of(std::string_view name, const std::string& value) {
  const BindingField* field = find_binding_field(name);
  if (field != nullptr && field->kind == CellKind::number) return Json(parse_number<std::uint64_t>(value).value_or(0));
  return Json(value);
}

void Commands::binding_add() {
  Json body;
  for (const auto& [key, value] : binding_) {
    if (!value.empty()) body[key] = json_of(key, value);
  }
  if (shared_) body["shared"] = true;
  if (untried_) body["untried"] = true;
  body["password"] = password();
  const Json added = call("POST", "/v1/bindings", body);
  if (json_)
    print_object(added);
  else
    streams_.out << cell(added, "id") << '\n';
  if (added.contains("note")) streams_.error << printable(cell(added, "note")) << '\n';
}

void Commands::binding_set() {
  Json body = Json::object();
  for (const auto& [option, member] : changes_) {
    if (option->count() > 0) body[member] = json_of(member, binding_[member]);
  }
  if (body.empty()) throw Stop{EX_USAGE, "name what is to change, like --policy push", "usage"};
  print_object(call("PATCH", "/v1/bindings/" + percent_encoded(id_), body));
}

void Commands::binding_list() {
  Json all = Json::object({{"bindings", Json::array()}});
  for_each_binding([&all](Json& binding) { all["bindings"].push_back(std::move(binding)); });
  if (json_) return print_object(all);
  Table table({"BINDING", "NUMBER", "ADDRESS", "STATE", "MAILBOX", "POLICY", "SESSION"});
  for (const Json& b : all["bindings"]) {
    table.add({cell(b, "id"), cell(b, "msisdn"), cell(b, "mail_address"), cell(b, "state"),
               cell(b, "protocol") + "://" + cell(b, "host") + ":" + cell(b, "port"), cell(b, "policy"),
               b.contains("mailbox") ? cell(b["mailbox"], "session") : ""});
  }
  table.print(streams_.out);
}

// Page by page, so that nobody waits behind a long list.
void Commands::for_each_binding(const std::function<void(Json&)>& use) const {
  for (std::string after;;) {
    Json page = call("GET", "/v1/bindings?limit=1000" + (after.empty() ? "" : "&after=" + percent_encoded(after)));
    for (Json& binding : page["bindings"]) use(binding);
    if (!page.contains("after")) return;
    after = page["after"].get<std::string>();
  }
}

void Commands::binding_export() {
  if (csv_) streams_.out << csv_of(binding_columns()) << '\n';
  for_each_binding([this](Json& shown) {
    const Json binding = importable(shown);
    if (!csv_) {
      streams_.out << json_text(binding) << '\n';
      return;
    }
    std::vector<std::string> fields;
    for (const std::string& column : binding_columns()) fields.push_back(cell(binding, column.c_str()));
    streams_.out << csv_of(fields) << '\n';
  });
}

// Part by part, as much as one request may hold. What was added stays when the rest cannot be: the same file is given again.
void Commands::binding_import() {
  constexpr std::size_t part_size_max = 48 * 1024;
  constexpr std::size_t part_count_max = 200;
  std::ifstream file;
  if (file_ != "-") {
    file.open(file_);
    if (!file) throw Stop{EX_NOINPUT, file_ + ": cannot be read"};
  }
  BindingFile rows(file_ == "-" ? streams_.in : file);
  std::map<std::string, std::uint64_t> counts{{"added", 0}, {"acceptable", 0}, {"there", 0}, {"refused", 0}};
  const auto refuse = [&](std::size_t line, std::string_view text) {
    ++counts["refused"];
    streams_.error << printable(fmt::format("{}:{}: {}", file_, line, text)) << '\n';
  };
  Json part = Json::array();
  std::vector<std::size_t> lines;
  std::size_t size = 0;
  const auto send = [&] {
    if (lines.empty()) return;
    const Json answer = call("POST", "/v1/bindings/import", {{"bindings", std::exchange(part, Json::array())}, {"dry_run", dry_run_}});
    const auto results = answer.find("results");
    if (results == answer.end() || !results->is_array() || results->size() != lines.size())
      throw Stop{EX_PROTOCOL, "the control plane did not say what became of each binding"};
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const Json& one = (*results)[i];
      const std::string result = cell(one, "result");
      if (result != "refused") {
        ++counts[result];
        continue;
      }
      const std::string field = cell(one["error"], "field"), text = cell(one["error"], "text");
      refuse(lines[i], field.empty() ? text : field + ": " + text);
    }
    lines.clear();
    size = 0;
  };
  for (;;) {
    auto row = rows.next();
    if (!row) {
      refuse(rows.line(), row.error());
      continue;
    }
    if (!*row) break;
    if (shared_) (*row)->binding["shared"] = true;
    const std::size_t row_size = json_text((*row)->binding).size() + 1;
    if (row_size > part_size_max) {
      refuse((*row)->line, "is longer than a binding can be");
      continue;
    }
    if (size + row_size > part_size_max || lines.size() == part_count_max) send();
    part.push_back(std::move((*row)->binding));
    lines.push_back((*row)->line);
    size += row_size;
  }
  send();
  if (counts["refused"] > 0) exit_code_ = EX_DATAERR;
  Json summary;
  if (!dry_run_) counts.erase("acceptable");
  if (dry_run_) counts.erase("added");
  for (const auto& [result, count] : counts) summary[result] = count;
  print_object(summary);
}

void Commands::item_list() {
  std::string query = fmt::format("limit={}", limit_);
  for (const std::string& state : states_) query += "&state=" + percent_encoded(state);
  if (!way_.empty()) query += "&way=" + percent_encoded(way_);
  if (!for_binding_.empty()) query += "&binding=" + percent_encoded(for_binding_);
  if (!before_.empty()) query += "&before=" + percent_encoded(before_);
  const Json answer = call("GET", "/v1/items?" + query);
  if (jsonl_) {
    for (const Json& item : answer["items"]) streams_.out << json_text(item) << '\n';
    return;
  }
  if (json_) return print_object(answer);
  Table table({"ITEM", "WAY", "STATE", "NUMBER", "CORRESPONDENT", "SUBJECT", "UPDATED", "REASON"});
  for (const Json& i : answer["items"]) {
    table.add({cell(i, "item"), cell(i, "way"), cell(i, "state"), cell(i, "msisdn"), cell(i, "correspondent"), cell(i, "subject"),
               cell(i, "updated"), cell(i, "reason")});
  }
  table.print(streams_.out);
}

void Commands::item_trace() {
  // 26 characters are an item, 32 hex digits a trace with all its items.
  const bool is_trace = id_.size() == 32;
  const Json answer = call("GET", (is_trace ? "/v1/traces/" : "/v1/items/") + percent_encoded(id_) + "/history");
  if (jsonl_) {
    for (const Json& row : answer["history"]) streams_.out << json_text(row) << '\n';
    return;
  }
  if (json_) return print_object(answer);
  print_history(answer["history"]);
}

// What conversion dropped, reduced or read tolerantly, and where the item stands; both are in its history already.
void Commands::item_explain() {
  const Json item = call("GET", "/v1/items/" + percent_encoded(id_));
  const Json answer = call("GET", "/v1/items/" + percent_encoded(id_) + "/history");
  Json explained;
  for (const char* key : {"item", "state", "reason"}) explained[key] = cell(item, key);
  Json& decisions = explained["decisions"] = Json::array();
  for (const Json& row : answer["history"]) {
    if (const std::string decision = cell(row, "decision"); !decision.empty() && cell(row, "event") == "converted")
      decisions.push_back(decision);
  }
  if (json_) return print_object(explained);
  const std::string reason = cell(explained, "reason");
  streams_.out << printable(cell(explained, "state") + (reason.empty() ? "" : ": " + reason)) << '\n';
  for (const Json& decision : decisions) streams_.out << "  " << printable(decision.get<std::string>()) << '\n';
}

void Commands::print_history(const Json& rows) const {
  Table table({"TIME", "PROGRAM", "EVENT", "STATE", "DETAILS"});
  for (const Json& row : rows) {
    std::string details;
    for (const auto& [key, value] : row.items()) {
      if (key == "ts" || key == "program" || key == "event" || key == "state" || key == "trace" || key == "item") continue;
      details += fmt::format("{}{}={}", details.empty() ? "" : " ", key, value.is_string() ? value.get<std::string>() : json_text(value));
    }
    table.add({cell(row, "ts"), cell(row, "program"), cell(row, "event"), cell(row, "state"), details});
  }
  table.print(streams_.out);
}

void Commands::peer_show() {
  if (!id_.empty()) return print_object(call("GET", "/v1/peers/" + percent_encoded(id_)));
  const Json answer = call("GET", "/v1/peers");
  if (json_) return print_object(answer);
  Table table({"PEER", "URL", "DEDUPLICATES", "REPORTS", "P95 S", "DOUBT LASTS S", "UNKNOWN", "PAUSED UNTIL", "REASON", "LAST ERROR"});
  for (const Json& p : answer["peers"]) {
    table.add({cell(p, "peer"), cell(p, "url"), cell(p, "deduplicates"), cell(p, "reports"), cell(p, "report_time_p95_s"),
               cell(p, "doubt_lasts_s"), cell(p, "unknown"), cell(p, "paused_until"), cell(p, "reason"), cell(p, "last_error")});
  }
  table.print(streams_.out);
  for (const Json& p : answer["peers"]) {
    if (!p.contains("advice")) continue;
    for (const Json& words : p["advice"])
      streams_.out << printable(fmt::format("{}: {}", cell(p, "peer"), words.get<std::string>())) << '\n';
  }
}

// Where no control plane answers, the verdict is ours: the data plane may go on alone, and its counters say whether it does.
void Commands::status() {
  Json answer;
  try {
    answer = call("GET", "/v1/status");
  } catch (const Stop& stop) {
    if (stop.code != EX_UNAVAILABLE) throw;
    const std::filesystem::path counters = std::filesystem::path(root_.empty() ? "/" : root_) / "run/pushmail/counters";
    status::Status alone;
    alone.parts.push_back({.kind = "control_plane", .state = "does not answer", .means = status::Verdict::down, .error = stop.text});
    alone.parts.push_back(status::data_plane_part(counters, read_counters(counters), SystemClock().now()));
    answer = status::to_json(alone);
    for (const char* unknown : {"configuration", "items", "disks", "certificates", "store_size", "journal_segments", "transfers",
                                "sms_in_doubt", "sms_set_aside", "sms_withheld", "sms_receipts", "sms_receipts_unmatched"})
      answer.erase(unknown);
  }
  exit_code_ = exit_code_of_status(answer);
  if (json_) return print_object(answer);
  print_status(answer, streams_.out);
}

void Commands::reload() {
  const Json answer = call("POST", "/v1/reload");
  const auto list = [&](const char* key) { return answer.contains(key) && answer[key].is_array() ? answer[key] : Json::array(); };
  const Json programs = list("programs");
  const bool has_refused =
      std::ranges::any_of(programs, [](const Json& one) { return cell(one, "result") == "refused" || cell(one, "result") == "silent"; });
  if (has_refused) exit_code_ = EX_CONFIG;
  if (json_) return print_object(answer);
  Table table({"PROGRAM", "RESULT", "REASON"});
  for (const Json& one : programs) table.add({cell(one, "program"), cell(one, "result"), cell(one, "reason")});
  table.print(streams_.out);
  for (const auto& [key, words] : {std::pair{"changed", "taken"}, std::pair{"needs_restart", "needs a restart"}}) {
    for (const Json& path : list(key)) streams_.out << printable(fmt::format("{}: {}", words, path.get<std::string>())) << '\n';
  }
}

void Commands::worker_show() {
  const std::filesystem::path file = std::filesystem::path(root_.empty() ? "/" : root_) / "run/pushmail/counters";
  const auto counters = read_counters(file);
  if (!counters) throw Stop{EX_UNAVAILABLE, fmt::format("{}: {} (is the data plane running?)", file.string(), counters.error().info->text)};
  if (json_) {
    Json json;
    for (const auto& [name, value] : counters->entries) json[name] = value;
    return print_object(json);
  }
  Table table({"COUNTER", "VALUE"});
  for (const auto& [name, value] : counters->entries) table.add({name, fmt::to_string(value)});
  table.print(streams_.out);
}

void Commands::journal_cat() {
  std::vector<std::filesystem::path> segments(files_.begin(), files_.end());
  if (segments.empty()) {
    const std::filesystem::path folder = std::filesystem::path(root_.empty() ? "/" : root_) / "var/lib/pushmail/journal";
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
      if (entry.is_regular_file() && entry.path().extension() == ".segment") segments.push_back(entry.path());
    }
    if (error) throw Stop{EX_NOINPUT, folder.string() + ": " + error.message()};
    std::sort(segments.begin(), segments.end());
  }
  for (const auto& segment : segments) {
    std::error_code unknown;
    const auto type = std::filesystem::status(segment, unknown).type();
    if (type == std::filesystem::file_type::not_found) throw Stop{EX_NOINPUT, segment.string() + ": there is no such file"};
    if (type != std::filesystem::file_type::regular) throw Stop{EX_DATAERR, segment.string() + ": is no segment of a journal"};
    const auto summary = print_segment(segment, json_ || jsonl_ ? Form::json : Form::people, streams_.out);
    if (!summary) throw Stop{EX_IOERR, fmt::format("{}: {}", segment.string(), summary.error().info->text)};
    // A segment that nobody has written to yet is zeros. Anything else without one whole record is something else.
    const bool is_segment =
        summary->records > 0 || (summary->damaged == 0 && summary->tail_size == 0 && std::filesystem::file_size(segment, unknown) > 0);
    if (!is_segment) throw Stop{EX_DATAERR, segment.string() + ": is no segment of a journal"};
    if (summary->damaged != 0) streams_.error << fmt::format("{}: {} damaged records\n", segment.string(), summary->damaged);
    if (summary->torn != 0 || summary->tail_size != 0) {
      streams_.error << fmt::format(
          "{}: the last batch is torn, and nobody was told of it: {} broken places, {} bytes behind the last record\n", segment.string(),
          summary->torn, summary->tail_size);
    }
  }
}

// The key that the service manager hands over as a credential is where the package keeps it.
void use_packaged_key(const std::string& root) {
  const std::filesystem::path folder = std::filesystem::path(root.empty() ? "/" : root) / "etc/pushmail/secrets";
  std::error_code error;
  if (std::filesystem::exists(folder / "kek", error)) ::setenv("CREDENTIALS_DIRECTORY", folder.c_str(), 0);
}

// Whoever gives no option is asked everything; whoever gives some is asked for what is missing and needed.
SetupAnswers Commands::setup_answers() const {
  SetupAnswers answers = answers_;
  const bool asks_all = std::ranges::all_of(answers, [](const auto& answer) { return answer.second.empty(); });
  const std::vector<std::string> ports = ports_for_dpdk("/sys/bus/pci/drivers/vfio-pci");
  for (const SetupQuestion& question : setup_questions) {
    std::string& answer = answers[std::string(question.option)];
    const bool is_dpdk = answers["link"] == "dpdk";
    const bool is_needed = question.need == SetupQuestion::Need::always || (question.need == SetupQuestion::Need::with_dpdk && is_dpdk);
    if (!answer.empty() || (question.need == SetupQuestion::Need::with_dpdk && !is_dpdk) || (!is_needed && !asks_all)) continue;
    std::string otherwise(question.otherwise);
    if (question.option == "link" && !ports.empty()) otherwise = "dpdk";
    if (question.option == "dpdk-port" && !ports.empty()) otherwise = ports.front();
    if (!otherwise.empty() && !asks_all) {
      answer = question.option == "source" ? "" : otherwise;
      continue;
    }
    streams_.error << question.meaning << (otherwise.empty() ? "" : " [" + otherwise + "]") << ": " << std::flush;
    std::getline(streams_.in, answer);
    if (answer.empty() && !otherwise.empty() && question.option != "source") answer = otherwise;
    if (answer.empty() && is_needed && otherwise.empty())
      throw Stop{EX_USAGE, fmt::format("--{} is needed: {}", question.option, question.meaning), "usage"};
  }
  return answers;
}

void Commands::setup() {
  const std::filesystem::path root = root_.empty() ? "/" : root_;
  const auto made = write_setup(root, setup_answers());
  if (!made) throw Stop{EX_DATAERR, made.error()};
  use_packaged_key(root_);
  const ConfigCheck check = check_config(root_);
  for (const ConfigError& error : check.errors) streams_.error << printable(error.message()) << '\n';
  if (!check.errors.empty()) {
    // Whoever answers anew gives his passwords anew.
    std::error_code ignored;
    for (const auto& path : *made) std::filesystem::remove(path, ignored);
    throw Stop{EX_CONFIG, "what was answered is refused, and no configuration was made"};
  }
  if (!json_) {
    for (const auto& path : *made) streams_.out << "made " << path.string() << '\n';
  }
  print_findings(unchecked_ ? std::vector<Finding>() : examine_peers(*check.config, root_));
}

void Commands::doctor() {
  use_packaged_key(root_);
  const ConfigCheck check = check_config(root_);
  std::vector<Finding> findings;
  for (const ConfigError& error : check.errors)
    findings.push_back({.check = "configuration", .object = error.key, .state = Finding::State::bad, .words = error.message()});
  if (check.config) {
    std::ranges::move(examine_machine(*check.config, root_, "/"), std::back_inserter(findings));
    if (!unchecked_) std::ranges::move(examine_peers(*check.config, root_), std::back_inserter(findings));
  }
  if (!fix_) return print_findings(findings);
  for (const Finding& finding : findings) {
    if (finding.remedy.empty()) continue;
    streams_.out << finding.remedy << '\n' << std::flush;
    if (!dry_run_ && !run_remedy(finding.remedy)) exit_code_ = negative;
  }
}

void Commands::print_findings(const std::vector<Finding>& findings) {
  const bool is_bad = std::ranges::any_of(findings, [](const Finding& one) { return one.state == Finding::State::bad; });
  if (is_bad) exit_code_ = negative;
  if (json_) {
    Json json;
    Json& list = json["findings"] = Json::array();
    for (const Finding& one : findings)
      list.push_back(
          {{"check", one.check}, {"object", one.object}, {"state", to_string(one.state)}, {"words", one.words}, {"remedy", one.remedy}});
    return print_object(json);
  }
  if (findings.empty()) return;
  Table table({"CHECK", "OF", "STATE", "WHAT", "REMEDY"});
  for (const Finding& one : findings) table.add({one.check, one.object, std::string(to_string(one.state)), one.words, one.remedy});
  table.print(streams_.out);
}

void Commands::config_check() {
  use_packaged_key(root_);
  const ConfigCheck check = check_config(root_);
  if (!check.errors.empty()) {
    if (json_) streams_.out << json_text(to_json(check.errors)) << '\n';
    for (const ConfigError& error : check.errors) streams_.error << printable(error.message()) << '\n';
    exit_code_ = EX_CONFIG;
    return;
  }
  const Config& config = *check.config;
  Json json;
  json["ok"] = true;
  Json& changed = json["changed"] = Json::object();
  for (const auto& [path, value] : config.changed()) changed[path] = value;
  if (const auto open = open_peers(config); !open.empty()) json["open_peers"] = open;
  if (json_) return print_object(json);
  for (const std::string& peer : open_peers(config)) {
    streams_.error << "warning: peer." << peer << ".inbound: nothing authenticates this peer; whoever reaches http.listen is it\n";
  }
  for (const auto& [path, value] : config.changed()) streams_.out << path << " = " << value << '\n';
}

// The configuration as far as it can be read by its table; what the programs say beyond that is `config check`'s.
Config Commands::loaded_config(const std::string& root) const {
  auto config = Config::load(root);
  if (!config) throw Stop{config.error().exit_code(), config.error().messages()};
  return std::move(*config);
}

void Commands::config_show() {
  const Config config = loaded_config(root_);
  std::vector<EffectiveKey> keys = effective_keys(config, id_);
  if (keys.empty()) throw Stop{negative, id_ + ": " + unknown_key_rule(id_)};
  if (!effective_) std::erase_if(keys, [](const EffectiveKey& key) { return key.file.empty(); });
  if (json_) {
    Json json;
    for (const EffectiveKey& key : keys) json[key.path] = to_json(key);
    return print_object(json);
  }
  Table table({"KEY", "VALUE", "UNIT", "FROM"});
  for (const EffectiveKey& key : keys)
    table.add({key.path, key.value, std::string(key.unit), key.file.empty() ? "default" : fmt::format("{}:{}", key.file, key.line)});
  table.print(streams_.out);
}

void Commands::kek_rotate() {
  const auto report = rotate_kek(loaded_config(root_), root_);
  if (!report) throw Stop{report.error().exit_code, report.error().text};
  if ((*report)["unreadable"] != 0) exit_code_ = EX_DATAERR;
  print_object(*report);
}

void Commands::backup() {
  const auto report = make_backup_file(loaded_config(root_), root_, file_, with_key_ ? WithKey::yes : WithKey::no, SystemClock());
  if (!report) throw Stop{report.error().exit_code, report.error().text};
  print_object(*report);
}

void Commands::restore() {
  const auto report = restore_backup_file(root_, file_, SystemClock());
  if (!report) throw Stop{report.error().exit_code, report.error().text};
  print_object(*report);
}

void Commands::config_explain() {
  const ConfigKey* key = find_key(id_);
  if (key == nullptr) throw Stop{negative, id_ + ": " + unknown_key_rule(id_)};
  print_object(explained(*key));
}

void Commands::config_diff() {
  const std::vector<KeyDifference> differences = differences_of(loaded_config(root_), loaded_config(file_));
  if (!differences.empty()) exit_code_ = negative;
  if (json_) {
    Json json;
    Json& list = json["differences"] = Json::array();
    for (const KeyDifference& one : differences) list.push_back({{"key", one.path}, {"here", one.here}, {"there", one.there}});
    return print_object(json);
  }
  if (differences.empty()) return;
  Table table({"KEY", "HERE", "THERE"});
  for (const KeyDifference& one : differences) table.add({one.path, one.here, one.there});
  table.print(streams_.out);
}

void Commands::declare_binding(CLI::App& app) {
  CLI::App* noun = app.add_subcommand("binding", "phones and their mailboxes")->require_subcommand(1);
  CLI::App* add = noun->add_subcommand("add", "try a mailbox and bind it to a phone number; prints the binding's id");
  const auto option_of = [this](CLI::App* verb, const BindingField& field) {
    CLI::Option* option = verb->add_option(std::string(field.option), binding_[std::string(field.name)], std::string(field.help));
    if (field.kind == CellKind::number) option->check(CLI::Range(1, 65'535));
    return option;
  };
  for (const Given given : {Given::required, Given::at_first, Given::at_any_time}) {
    for (const BindingField& field : binding_fields) {
      if (field.given != given) continue;
      options_[std::string(field.name)] = field.option;
      option_of(add, field)->required(given == Given::required);
    }
  }
  options_["password"] = "--password-file";
  add->add_option("--password-file", password_file_, "file whose first line is the password; without it, standard input");
  add->add_flag("--shared", shared_, "the mailbox may be bound to other numbers too");
  add->add_flag("--untried", untried_, "bind it without asking the mail server first");
  add->callback([this] { action_ = [this] { binding_add(); }; });

  CLI::App* import = noun->add_subcommand("import", "bind many, from JSON lines or CSV; accounts are tried when they are watched");
  import->add_option("file", file_, "the file; - is standard input")->required();
  import->add_flag("--shared", shared_, "mailboxes may be bound to several numbers");
  import->add_flag("--dry-run", dry_run_, "only say what would be refused");
  import->callback([this] { action_ = [this] { binding_import(); }; });
  CLI::App* to_file = noun->add_subcommand("export", "all bindings as JSON lines that import takes, without passwords");
  to_file->add_flag("--csv", csv_, "as CSV");
  to_file->callback([this] { action_ = [this] { binding_export(); }; });
  noun->add_subcommand("list", "all bindings")->callback([this] { action_ = [this] { binding_list(); }; });
  const auto with_id = [&](const char* name, const char* help, std::function<void()> action) {
    CLI::App* verb = noun->add_subcommand(name, help);
    verb->add_option("binding", id_, "binding id")->required();
    verb->callback([this, action] { action_ = action; });
    return verb;
  };
  with_id("show", "one binding and how its mailbox session stands",
          [this] { print_object(call("GET", "/v1/bindings/" + percent_encoded(id_))); });
  CLI::App* set =
      with_id("set", "change how a mailbox is watched and its mails are sent; what is not named stays", [this] { binding_set(); });
  for (const BindingField& field : binding_fields) {
    if (field.given == Given::at_any_time) changes_.push_back({option_of(set, field), std::string(field.name)});
  }
  with_id("remove", "end a binding and forget its password",
          [this] { print_object(call("DELETE", "/v1/bindings/" + percent_encoded(id_))); });
  with_id("password", "give a new password", [this] {
    print_object(call("PUT", "/v1/bindings/" + percent_encoded(id_) + "/password", {{"password", password()}}));
  })->add_option("--password-file", password_file_, "file whose first line is the password; without it, standard input");
  with_id("suspend", "stop watching and sending",
          [this] { print_object(call("PUT", "/v1/bindings/" + percent_encoded(id_) + "/state", {{"state", "suspended"}})); });
  with_id("resume", "go on after suspend",
          [this] { print_object(call("PUT", "/v1/bindings/" + percent_encoded(id_) + "/state", {{"state", "active"}})); });
}

void Commands::declare_item(CLI::App& app) {
  CLI::App* noun = app.add_subcommand("item", "mails and messages on their way")->require_subcommand(1);
  CLI::App* list = noun->add_subcommand("list", "newest first");
  list->add_option("--state", states_, "only in this state; may repeat");
  list->add_option("--way", way_, "to_phone or to_mail");
  list->add_option("--binding", for_binding_, "only of this binding");
  list->add_option("--before", before_, "only older than this item: the next page");
  list->add_option("--limit", limit_, "at most so many (100)");
  for (const char* filter : {"state", "way", "before", "limit"}) options_[filter] = std::string("--") + filter;
  list->add_flag("--jsonl", jsonl_, "one JSON object a line");
  list->callback([this] { action_ = [this] { item_list(); }; });
  CLI::App* show = noun->add_subcommand("show", "one item: where it stands and why");
  show->add_option("item", id_, "item id")->required();
  show->callback([this] { action_ = [this] { print_object(call("GET", "/v1/items/" + percent_encoded(id_))); }; });
  CLI::App* explain = noun->add_subcommand("explain", "what was left out or changed of one item, and why");
  explain->add_option("item", id_, "item id")->required();
  explain->callback([this] { action_ = [this] { item_explain(); }; });
  CLI::App* trace = noun->add_subcommand("trace", "everything that happened to an item, or to all items of a trace");
  trace->add_option("id", id_, "item id or trace id")->required();
  trace->add_flag("--jsonl", jsonl_, "one JSON object a line");
  trace->callback([this] { action_ = [this] { item_trace(); }; });
}

void Commands::declare_convert(CLI::App& app) {
  CLI::App* noun = app.add_subcommand("convert", "what the codec makes of a file; needs no server")->require_subcommand(1);
  const auto verb = [&](const char* name, const char* help, auto convert) {
    CLI::App* one = noun->add_subcommand(name, help);
    one->add_option("file", file_, "the message")->required();
    one->add_option("--out", folder_, "folder for what is made (.)");
    one->callback([this, convert] {
      action_ = [this, convert] {
        const auto done = convert(file_, folder_, json_ ? ConvertForm::json : ConvertForm::people, streams_.out);
        if (!done) throw Stop{EX_DATAERR, done.error()};
      };
    });
  };
  verb("mail", "a mail: part tree, text, decisions; writes the PDU and the SubmitReq", convert_mail_file);
  verb("mm", "an MMS PDU or the HTTP body of a DeliverReq; writes the mail", convert_mm_file);
}

void Commands::declare(CLI::App& app) {
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--root", root_, "folder that holds etc, var and run (default /)");
  app.add_flag("--json", json_, "one JSON object, for machines; errors too");
  app.set_version_flag("--version", "pushmailctl " + std::string(program_version()));
  declare_binding(app);
  declare_item(app);
  declare_convert(app);

  CLI::App* poll = app.add_subcommand("poll", "looking at mailboxes")->require_subcommand(1);
  CLI::App* now = poll->add_subcommand("now", "look at one mailbox, or at all, without waiting for its time");
  now->add_option("binding", id_, "binding id; none: all");
  now->callback(
      [this] { action_ = [this] { print_object(call("POST", "/v1/poll", id_.empty() ? Json::object() : Json{{"binding", id_}})); }; });
  app.add_subcommand("status", "how everything does, and since when; exits with 0 serving, 1 degraded, 2 down")->callback([this] {
    action_ = [this] { status(); };
  });
  app.add_subcommand("reload", "take the configuration and its files anew, in every program; 78: one has refused, and keeps what it had")
      ->callback([this] { action_ = [this] { reload(); }; });
  CLI::App* set_up =
      app.add_subcommand("setup", "make a configuration, the key and the password files, and try each peer; asks, or takes options");
  for (const SetupQuestion& question : setup_questions)
    set_up->add_option("--" + std::string(question.option), answers_[std::string(question.option)], std::string(question.meaning));
  set_up->add_flag("--unchecked", unchecked_, "do not try the peers");
  set_up->callback([this] { action_ = [this] { setup(); }; });
  CLI::App* examine =
      app.add_subcommand("doctor", "whether this machine and its peers can do what the configuration asks for; 1: they cannot");
  examine->add_flag("--fix", fix_, "run the remedies");
  examine->add_flag("--dry-run", dry_run_, "with --fix: only print them");
  examine->add_flag("--unchecked", unchecked_, "do not try the peers");
  examine->callback([this] { action_ = [this] { doctor(); }; });
  CLI::App* completion = app.add_subcommand("completion", "print a script of completions for a shell")->require_subcommand(1);
  for (const auto& [name, wanted] : {std::pair{"bash", Shell::bash}, std::pair{"zsh", Shell::zsh}}) {
    completion->add_subcommand(name, "for its folder of completions")->callback([this, &app, shell = wanted] {
      action_ = [this, &app, shell] { print_completion(app, shell, streams_.out); };
    });
  }
  CLI::App* metrics = app.add_subcommand("metrics", "what GET /metrics of the control plane says")->require_subcommand(1);
  metrics->add_subcommand("describe", "print every metric with its meaning")->callback([this] {
    action_ = [this] { streams_.out << status::metrics_document(); };
  });
  CLI::App* timer = app.add_subcommand("timer", "the waits of the programs")->require_subcommand(1);
  timer->add_subcommand("list", "every wait: first, longest, jitter, what for, and the key that sets it where one does")->callback([this] {
    action_ = [this] { print_timers(streams_.out, json_); };
  });
  CLI::App* peer = app.add_subcommand("peer", "MMSCs and how they do")->require_subcommand(1);
  CLI::App* peer_verb = peer->add_subcommand("show", "report times, submissions in doubt, pauses; of one peer, or of all");
  peer_verb->add_option("peer", id_, "name of its [peer.NAME]");
  peer_verb->callback([this] { action_ = [this] { peer_show(); }; });
  CLI::App* worker = app.add_subcommand("worker", "the data plane's workers")->require_subcommand(1);
  worker->add_subcommand("show", "counters, from shared memory")->callback([this] { action_ = [this] { worker_show(); }; });
  CLI::App* journal = app.add_subcommand("journal", "the data plane's journal")->require_subcommand(1);
  CLI::App* cat = journal->add_subcommand("cat", "print segment files; none given: all of them");
  cat->add_option("segment", files_, "segment files");
  cat->add_flag("--jsonl", jsonl_, "one JSON object a line");
  cat->callback([this] { action_ = [this] { journal_cat(); }; });
  CLI::App* kek = app.add_subcommand("kek", "the key that seals mailbox passwords")->require_subcommand(1);
  kek->add_subcommand("rotate", "make a new one and wrap every password by it; the key before is kept aside. Given again, it goes on")
      ->callback([this] { action_ = [this] { kek_rotate(); }; });
  CLI::App* backup = app.add_subcommand("backup", "the configuration and the store of one moment in one file; nothing need be stopped");
  backup->add_option("file", file_, "the file to make")->required();
  backup->add_flag("--with-key", with_key_, "also the key that seals mailbox passwords; then the file opens them all");
  backup->callback([this] { action_ = [this] { this->backup(); }; });
  CLI::App* restore = app.add_subcommand("restore", "put a backup in place; the control plane must not run. What is there is kept aside");
  restore->add_option("file", file_, "what `backup` made")->required();
  restore->callback([this] { action_ = [this] { this->restore(); }; });
  CLI::App* config = app.add_subcommand("config", "configuration files")->require_subcommand(1);
  config->add_subcommand("check", "say all that the programs would refuse at their start; else print what differs from the defaults")
      ->callback([this] { action_ = [this] { config_check(); }; });
  CLI::App* show = config->add_subcommand("show", "values of the keys, and the file and line that gives each");
  show->add_option("key", id_, "one key, or a table, smtp; none: all");
  show->add_flag("--effective", effective_, "also those that no file gives, with their default");
  show->callback([this] { action_ = [this] { config_show(); }; });
  CLI::App* explain = config->add_subcommand("explain", "what a key means and may be");
  explain->add_option("key", id_, "one key, smtp.listen")->required();
  explain->callback([this] { action_ = [this] { config_explain(); }; });
  CLI::App* diff = config->add_subcommand("diff", "keys whose values differ under another root; exits with 1 when one does");
  diff->add_option("other", file_, "folder that holds the other etc/pushmail")->required();
  diff->callback([this] { action_ = [this] { config_diff(); }; });
  config->add_subcommand("describe", "print a page with every key, its type, default, bounds and meaning")->callback([this] {
    action_ = [this] { streams_.out << keys_page(); };
  });
  config->add_subcommand("sample", "print a commented file with every key and its default")->callback([this] {
    action_ = [this] { streams_.out << sample_config(); };
  });
}

int Commands::run(const std::vector<std::string>& arguments) {
  CLI::App app("pushmailctl: looks at and steers a pushmail server", "pushmailctl");
  declare(app);
  // Options of the whole program may stand behind the verb too.
  const std::function<void(CLI::App&)> inherit = [&](CLI::App& parent) {
    for (CLI::App* child : parent.get_subcommands([](CLI::App*) { return true; })) {
      child->fallthrough();
      inherit(*child);
    }
  };
  inherit(app);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& wanted) {
    app.exit(wanted, streams_.out, streams_.error);
    return EX_OK;
  } catch (const CLI::ParseError& error) {
    // It may have ended before it saw --json.
    json_ = json_ || std::ranges::find(arguments, "--json") != arguments.end();
    fail({EX_USAGE, wrong_word(app, arguments).value_or(std::string(error.what()) + "; --help says more")});
    return EX_USAGE;
  }
  try {
    action_();
    return exit_code_;
  } catch (const Stop& stop) {
    fail(stop);
    return stop.code;
  }
}

void Commands::fail(const Stop& stop) const {
  if (!json_) {
    streams_.error << "pushmailctl: " << printable(stop.text) << '\n';
    return;
  }
  Json json;
  json["error"]["exit"] = stop.code;
  if (!stop.what.empty()) json["error"]["code"] = stop.what;
  if (!stop.field.empty()) json["error"]["field"] = stop.field;
  json["error"]["text"] = stop.text;
  streams_.error << json_text(json) << '\n';
}

}  // namespace

int run(const std::vector<std::string>& arguments, Streams streams) { return Commands(streams).run(arguments); }

}  // namespace pushmail::cli
