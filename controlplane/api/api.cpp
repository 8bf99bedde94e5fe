#include "controlplane/api/api.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "controlplane/api/json.h"
#include "controlplane/store/binding_fields.h"
#include "core/ascii.h"
#include "core/log.h"

namespace pushmail::api {

namespace {

constexpr std::size_t list_count_max = 1000;
constexpr std::size_t list_count_default = 100;

Answer ok(const Json& json, int status = 200) { return {status, text_of_json(json)}; }

Answer error(int status, std::string_view code, std::string_view text, std::string_view field = {}) {
  Json json;
  json["error"]["code"] = code;
  if (!field.empty()) json["error"]["field"] = field;
  json["error"]["text"] = text;
  return {status, text_of_json(json)};
}

Answer error(const Problem& problem) {
  switch (problem.kind) {
    case Problem::Kind::invalid:
      return error(400, "invalid", problem.text, problem.field);
    case Problem::Kind::conflict:
      return error(409, "conflict", problem.text, problem.field);
    case Problem::Kind::not_found:
      return error(404, "not_found", problem.text, problem.field);
    case Problem::Kind::unavailable:
      break;
  }
  return error(503, "unavailable", problem.text, problem.field);
}

Answer error(const Error& broken) { return error(503, broken.info->name, broken.info->text); }

// One element of a target: a plus is a blank there (WHATWG URL §5.1), and a percent sign names a byte or the target is refused.
std::optional<std::string> target_text(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (!leading_hex_byte(text.substr(at + 1))) return std::nullopt;
  }
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return percent_decoded(spaced);
}

struct Target {
  std::vector<std::string> path;  // without the empty first element
  std::map<std::string, std::string, std::less<>> query;
};

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  const std::size_t mark = text.find('?');
  std::string_view path = text.substr(0, mark);
  while (!path.empty()) {
    if (path.front() != '/') return std::nullopt;
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    auto segment = target_text(path.substr(0, end));
    if (!segment) return std::nullopt;
    target.path.push_back(std::move(*segment));
    path.remove_prefix(end);
  }
  std::string_view query = mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto key = target_text(pair.substr(0, equals));
    auto value = target_text(pair.substr(std::min(equals + 1, pair.size())));
    if (!key || !value) return std::nullopt;
    target.query[*key] = *value;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return target;
}

// The body as an object, or nothing; nlohmann checks UTF-8 and never recurses on input.
std::optional<Json> parse_object(const std::string& body) {
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

// A field of a binding as somebody writes it, or why it is none. Of a typo the check of bindings says that there is no such field: it must
// not silently become a default.
std::expected<std::string, Problem> read_field(const std::string& name, const Json& value) {
  const BindingField* field = find_binding_field(name);
  if (field != nullptr && field->kind == CellKind::number) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() == 0 || value.get<std::uint64_t>() > 65'535)
      return std::unexpected(Problem{.field = name, .text = "must be a number from 1 to 65535"});
    return fmt::to_string(value.get<std::uint64_t>());
  }
  if (field != nullptr && !value.is_string()) return std::unexpected(Problem{.field = name, .text = "must be text"});
  return value.is_string() ? value.get<std::string>() : std::string();
}

struct NewBinding {
  BindingRequest binding;
  bool untried = false;
  std::string state{};  // of one that is imported
};
std::expected<NewBinding, Problem> read_binding(const Json& json) {
  NewBinding wanted;
  const std::map<std::string, bool*, std::less<>> flags{{"shared", &wanted.binding.shared}, {"untried", &wanted.untried}};
  const std::map<std::string, std::string*, std::less<>> texts{{"password", &wanted.binding.password}, {"state", &wanted.state}};
  for (const auto& [key, value] : json.items()) {
    if (const auto flag = flags.find(key); flag != flags.end()) {
      if (!value.is_boolean()) return std::unexpected(Problem{.field = key, .text = "must be true or false"});
      *flag->second = value.get<bool>();
    } else if (const auto text = texts.find(key); text != texts.end()) {
      if (!value.is_string()) return std::unexpected(Problem{.field = key, .text = "must be text"});
      *text->second = value.get<std::string>();
    } else {
      auto field = read_field(key, value);
      if (!field) return std::unexpected(field.error());
      wanted.binding.fields[key] = std::move(*field);
    }
  }
  return wanted;
}

std::expected<BindingTexts, Problem> read_binding_change(const Json& json) {
  BindingTexts changes;
  for (const auto& [key, value] : json.items()) {
    auto text = read_field(key, value);
    if (!text) return std::unexpected(text.error());
    changes[key] = std::move(*text);
  }
  return changes;
}

std::string text_member(const Json& json, std::string_view name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Nothing: who asks may. The log has the verb, not the target, which may name a person.
std::optional<Answer> refusal_of(const Request& request, const Target& target) {
  const Verb* verb = find_verb(request.method, target.path);
  const Role least = verb != nullptr ? verb->least : Role::admin;
  if (request.role >= least) return std::nullopt;
  log_warning("api_refused")
      .text("agent", request.agent)
      .text("role", to_string(request.role))
      .text("verb", verb != nullptr ? fmt::format("{} {}", verb->method, verb->path) : "one that nothing names");
  return error(
      403, "forbidden",
      fmt::format("this needs the role {}, and yours is {}: {} gives it", to_string(least), to_string(request.role), key_of(least)));
}

// One request with everything its handlers need.
class Call {
 public:
  Call(const Request& request, Target target, Store& store, Bindings& bindings, const Hooks& hooks, const AccountTrial* trial)
      : request_(request), target_(std::move(target)), store_(store), bindings_(bindings), hooks_(hooks), trial_(trial) {}

  Answer run() {
    const auto& path = target_.path;
    if (path.size() < 2 || path[0] != "v1") return nothing_here();
    if (path[1] == "bindings") return bindings();
    if (path[1] == "items") return items();
    if (path[1] == "traces" && path.size() == 4 && path[3] == "history") return trace();
    if (path[1] == "poll" && path.size() == 2) return poll();
    if (path[1] == "subscribers" && path.size() == 4 && path[3] == "status") return subscriber();
    if (path[1] == "peers" && path.size() <= 3) return peers();
    if (path[1] == "status" && path.size() == 2) return status();
    if (path[1] == "kek" && path.size() <= 3) return kek();
    if (path[1] == "reload" && path.size() == 2)
      return is("POST") ? error(503, "unavailable", "nothing is read again here") : wrong_method();
    return nothing_here();
  }

 private:
  [[nodiscard]] bool is(std::string_view method) const { return request_.method == method; }
  static Answer nothing_here() { return error(404, "not_found", "there is nothing at this path"); }
  static Answer wrong_method() { return error(405, "method", "this path does not know that method"); }
  static Answer bad_body() { return error(400, "invalid", "the body must be one JSON object"); }

  Answer bindings() {
    const auto& path = target_.path;
    if (path.size() == 2) return is("GET") ? list_bindings() : is("POST") ? add_binding() : wrong_method();
    const std::string& id = path[2];
    if (path.size() == 3) {
      if (id == "import") return is("POST") ? import_bindings() : wrong_method();
      if (is("GET")) return shown(bindings_.find(id), 200);
      if (is("DELETE")) return changed(bindings_.remove(id), "binding_removed", 200);
      if (is("PATCH")) return set_binding(id);
      return wrong_method();
    }
    if (path.size() != 4 || (path[3] != "password" && path[3] != "state")) return nothing_here();
    if (!is("PUT")) return wrong_method();
    const auto json = parse_object(request_.body);
    if (!json) return bad_body();
    if (path[3] == "state") return changed(bindings_.set_state(id, text_member(*json, "state")), "binding_state", 200);
    return changed(bindings_.set_password(id, text_member(*json, "password")), "binding_password", 200);
  }

  Answer list_bindings() {
    std::string after;
    std::size_t count_max = list_count_default;
    for (const auto& [key, value] : target_.query) {
      if (key == "after") {
        after = value;
        const auto known = store_.binding(after);
        if (!known) return error(known.error());
        if (!*known) return error(400, "invalid", "must be the id of a binding", key);
      } else if (key == "limit") {
        const auto count = parse_limit(value);
        if (!count) return bad_limit();
        count_max = *count;
      } else {
        return error(400, "invalid", "is not a filter of bindings", key);
      }
    }
    const auto page = bindings_.list(after, count_max);
    if (!page) return error(page.error());
    Json json;
    Json& list = json["bindings"] = Json::array();
    for (const Binding& one : *page) {
      const auto mailbox = store_.mailbox(one.id);
      if (!mailbox) return error(mailbox.error());
      list.push_back(to_json(one, &*mailbox));
    }
    if (page->size() == count_max) json["after"] = page->back().id;
    return ok(json);
  }

  static std::optional<std::size_t> parse_limit(std::string_view text) {
    const auto count = parse_number<std::size_t>(text);
    return count && *count > 0 && *count <= list_count_max ? std::optional(*count) : std::nullopt;
  }
  static Answer bad_limit() { return error(400, "invalid", fmt::format("must be a number from 1 to {}", list_count_max), "limit"); }

  Answer add_binding() {
    const auto json = parse_object(request_.body);
    if (!json) return bad_body();
    const auto wanted = read_binding(*json);
    if (!wanted) return error(wanted.error());
    if (!wanted->state.empty()) return error(400, "invalid", "is for imported bindings", "state");
    return changed(bindings_.add(wanted->binding), "binding_added", 201);
  }

  // Many at once, their accounts untried; each is judged by itself, and what is there already is no mistake, so a file whose import broke
  // off is imported again.
  Answer import_bindings() {
    const auto json = parse_object(request_.body);
    if (!json || !json->contains("bindings") || !(*json)["bindings"].is_array()) return bad_body();
    const bool is_dry = json->contains("dry_run") && (*json)["dry_run"] == true;
    Json answer;
    Json& results = answer["results"] = Json::array();
    for (const Json& one : (*json)["bindings"]) results.push_back(import_one(one, is_dry));
    return ok(answer);
  }
  Json import_one(const Json& json, bool is_dry) {
    const auto refused = [](const Problem& problem) {
      Json result = Json::parse(error(problem).body);
      result["result"] = problem.kind == Problem::Kind::conflict && problem.field == "mail_address" ? "there" : "refused";
      return result;
    };
    if (!json.is_object()) return refused({.text = "must be an object"});
    const auto wanted = read_binding(json);
    if (!wanted) return refused(wanted.error());
    const std::optional<BindingState> state = wanted->state.empty() ? BindingState::active : parse_word<BindingState>(wanted->state);
    if (state != BindingState::active && state != BindingState::suspended)
      return refused({.field = "state", .text = "must be active or suspended"});
    auto binding = is_dry ? bindings_.check_new(wanted->binding) : bindings_.add(wanted->binding, *state);
    if (!binding) return refused(binding.error());
    Json result{{"result", is_dry ? "acceptable" : "added"}};
    if (is_dry) return result;
    result["id"] = binding->id;
    log_info("binding_added").binding(binding->id).text("agent", request_.agent);
    if (hooks_.binding_changed) hooks_.binding_changed(*binding);
    return result;
  }

  Answer set_binding(const std::string& id) {
    const auto json = parse_object(request_.body);
    if (!json) return bad_body();
    const auto change = read_binding_change(*json);
    if (!change) return error(change.error());
    return changed(bindings_.set(id, *change), "binding_set", 200);
  }

  Answer shown(const std::expected<Binding, Problem>& binding, int status) {
    if (!binding) return error(binding.error());
    const auto mailbox = store_.mailbox(binding->id);
    if (!mailbox) return error(mailbox.error());
    return ok(to_json(*binding, &*mailbox), status);
  }

  // The audit line of every changing verb, then the news for the running control plane.
  Answer changed(const std::expected<Binding, Problem>& binding, std::string_view event, int status) {
    if (binding) {
      log_info(event).binding(binding->id).text("agent", request_.agent);
      if (trial_ != nullptr && hooks_.binding_added)
        hooks_.binding_added(*binding, *trial_);
      else if (hooks_.binding_changed)
        hooks_.binding_changed(*binding);
    }
    return shown(binding, status);
  }

  Answer items() {
    if (!is("GET")) return wrong_method();
    const auto& path = target_.path;
    if (path.size() == 2) return list_items();
    const auto id = parse_item_id(path[2]);
    if (!id) return error(400, "invalid", id.error().info->text, "item");
    if (path.size() == 4 && path[3] == "history") return history(store_.history(*id));
    if (path.size() != 3) return nothing_here();
    const auto item = store_.item(*id);
    if (!item) return error(item.error());
    if (!*item) return error(404, "not_found", "there is no such item; `pushmailctl item list` shows all", "item");
    Json json = to_json(**item);
    const auto rows = store_.history(*id);
    if (!rows) return error(rows.error());
    add_near_misses(json, *rows);
    return ok(json);
  }

  // Receipts and reports that seem to be about this item and name another message: somebody must compare the ids.
  static void add_near_misses(Json& json, const std::vector<HistoryRow>& rows) {
    for (const HistoryRow& row : rows) {
      if (row.event == "sms_receipt_unmatched" || row.event == "report_unmatched") json["near_misses"].push_back(to_json(row));
    }
  }

  Answer list_items() {
    ItemFilter filter{.count_max = list_count_default};
    for (const auto& [key, value] : target_.query) {
      if (key == "binding") {
        filter.binding = value;
      } else if (key == "state") {
        const auto state = parse_word<ItemState>(value);
        if (!state) return error(400, "invalid", fmt::format("must be one of {}", fmt::join(words<ItemState>, ", ")), key);
        filter.states.push_back(*state);
      } else if (key == "way") {
        filter.way = parse_word<Way>(value);
        if (!filter.way) return error(400, "invalid", "must be to_phone or to_mail", key);
      } else if (key == "before") {
        if (!parse_item_id(value)) return error(400, "invalid", "must be an item id", key);
        filter.before = value;
      } else if (key == "limit") {
        const auto count = parse_limit(value);
        if (!count) return bad_limit();
        filter.count_max = *count;
      } else {
        return error(400, "invalid", "is not a filter of items", key);
      }
    }
    const auto found = store_.items(filter);
    if (!found) return error(found.error());
    Json json;
    Json& list = json["items"] = Json::array();
    for (const Item& item : *found) list.push_back(to_json(item));
    if (found->size() == filter.count_max) json["before"] = to_string(found->back().id);
    return ok(json);
  }

  static Answer history(const Result<std::vector<HistoryRow>>& rows) {
    if (!rows) return error(rows.error());
    if (rows->empty()) return error(404, "not_found", "nothing is known of this id", "item");
    Json json;
    Json& list = json["history"] = Json::array();
    for (const HistoryRow& row : *rows) list.push_back(to_json(row));
    return ok(json);
  }

  Answer trace() {
    if (!is("GET")) return wrong_method();
    const auto id = parse_trace_id(target_.path[2]);
    if (!id) return error(400, "invalid", id.error().info->text, "trace");
    return history(store_.history_of_trace(*id));
  }

  Answer poll() {
    if (!is("POST")) return wrong_method();
    const auto json = parse_object(request_.body.empty() ? "{}" : request_.body);
    if (!json) return bad_body();
    const std::string id = text_member(*json, "binding");
    if (!id.empty()) {
      if (const auto found = bindings_.find(id); !found) return error(found.error());
    }
    Json answer;
    answer["polled"] = hooks_.poll_now ? hooks_.poll_now(id) : 0;
    return ok(answer, 202);
  }

  Answer subscriber() {
    if (!is("GET")) return wrong_method();
    const auto phone = bindings_.phone(target_.path[2]);
    if (!phone) return error(phone.error());
    const auto bound = store_.bindings_of(*phone);
    if (!bound) return error(bound.error());
    Json json;
    json["msisdn"] = phone->digits();
    json["status"] = "not_bound";
    for (const Binding& one : *bound) {
      if (one.is_active())
        json["status"] = "active";
      else if (json["status"] == "not_bound")
        json["status"] = to_string(one.state);
    }
    return ok(json);
  }

  Answer peers() {
    if (!is("GET")) return wrong_method();
    const auto all = hooks_.peers ? hooks_.peers() : std::vector<PeerStanding>();
    if (target_.path.size() == 3) {
      const auto found = std::ranges::find(all, target_.path[2], &PeerStanding::name);
      return found != all.end() ? ok(to_json(*found))
                                : error(404, "not_found", "there is no [peer] of this name in the configuration", "peer");
    }
    Json json;
    Json& list = json["peers"] = Json::array();
    for (const PeerStanding& peer : all) list.push_back(to_json(peer));
    return ok(json);
  }

  Answer status() {
    if (!is("GET")) return wrong_method();
    return {200, hooks_.status ? hooks_.status() : "{}"};
  }

  // Whoever may ask for a rotation can read the key's file.
  Answer kek() {
    if (request_.agent != "uid 0" && request_.agent != fmt::format("uid {}", ::geteuid()))
      return error(403, "forbidden", "only root and the control plane's own user may change the key");
    const auto json = parse_object(request_.body);
    if (target_.path.size() == 2) {
      if (!is("PUT")) return wrong_method();
      if (!json) return bad_body();
      return take_keks(*json);
    }
    if (target_.path[2] != "rewrap") return nothing_here();
    if (!is("POST")) return wrong_method();
    if (!json) return bad_body();
    const auto some = bindings_.rewrap(text_member(*json, "after"));
    if (!some) return error(some.error());
    Json answer{{"wrapped", some->wrapped}, {"there", some->there}, {"unreadable", some->unreadable}};
    if (!some->first_unreadable.empty()) answer["first_unreadable"] = some->first_unreadable;
    if (!some->after.empty()) answer["after"] = some->after;
    return ok(answer);
  }
  Answer take_keks(const Json& json) {
    const auto now = kek_of_hex(text_member(json, "now"));
    if (!now) return error(400, "invalid", "must be 64 hex digits", "now");
    Keks keks(*now);
    if (json.contains("before")) {
      keks.before = kek_of_hex(text_member(json, "before"));
      if (!keks.before) return error(400, "invalid", "must be 64 hex digits", "before");
    }
    const auto taken = bindings_.take_keks(keks);
    if (!taken) return error(taken.error());
    log_info("kek_taken").text("agent", request_.agent);
    return ok(Json::object());
  }

  const Request& request_;
  Target target_;
  Store& store_;
  Bindings& bindings_;
  const Hooks& hooks_;
  const AccountTrial* trial_;  // of the binding that is added; null: none was made
};

}  // namespace

Answer Api::handle(const Request& request, const AccountTrial* trial) {
  auto target = parse_target(request.target);
  if (!target) return error(400, "invalid", "the path is broken", "target");
  if (auto refused = refusal_of(request, *target)) return std::move(*refused);
  return Call(request, std::move(*target), store_, bindings_, hooks_, trial).run();
}

void Api::handle(const Request& request, std::function<void(Answer)> reply) {
  const auto target = parse_target(request.target);
  const auto posts = [&](const char* noun) {
    return target && request.method == "POST" && target->path == std::vector<std::string>{"v1", noun};
  };
  const bool is_late = (posts("reload") && hooks_.reload) || (posts("bindings") && hooks_.try_account);
  if (!is_late) return reply(handle(request));
  if (auto refused = refusal_of(request, *target)) return reply(std::move(*refused));
  if (posts("reload")) return reload(request, std::move(reply));
  add_when_tried(request, std::move(reply));
}

void Api::reload(const Request& request, std::function<void(Answer)> reply) {
  log_info("reload_asked").text("agent", request.agent);
  hooks_.reload([reply = std::move(reply)](std::string report) { reply({200, std::move(report)}); });
}

void Api::add_when_tried(const Request& request, std::function<void(Answer)> reply) {
  // What is wrong with the request by itself is said there.
  const auto json = parse_object(request.body);
  if (!json) return reply(handle(request));
  const auto wanted = read_binding(*json);
  if (!wanted || wanted->untried) return reply(handle(request));
  const auto checked = bindings_.check_new(wanted->binding);
  if (!checked) return reply(error(checked.error()));
  hooks_.try_account(*checked, wanted->binding.password, [this, request, reply = std::move(reply)](const AccountTrial& trial) {
    if (trial.works == AccountTrial::Works::no) {
      log_info("binding_refused").text("agent", request.agent).text("field", trial.field).text("reason", trial.text);
      return reply(error(400, "account", "the account was tried and does not work: " + trial.text, trial.field));
    }
    Answer answer = handle(request, &trial);
    if (trial.works == AccountTrial::Works::unknown && answer.status == 201) {
      Json added = Json::parse(answer.body);
      added["note"] = "whether the account works is not known yet: " + trial.text;
      answer.body = text_of_json(added);
    }
    reply(std::move(answer));
  });
}

}  // namespace pushmail::api
