// The API as strangers may call it: `METHOD target\nbody`. Whatever comes in, an answer with JSON comes out.
#include <nlohmann/json.hpp>

#include "controlplane/api/api.h"
#include "controlplane/store/sqlite_store.h"
#include "core/log.h"

namespace {

using namespace pushmail;

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override { return {1'795'000'000'000'000}; }
  [[nodiscard]] Instant now() const override { return {1}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  log_start("fuzz", LogLevel::error, LogPersons::hashed);
  const FixedClock clock;
  // A store of its own for each input: what one leaves behind must not change the next.
  const auto store = open_sqlite_store(":memory:").value();
  Sealer sealer{{1, 2, 3}};
  Bindings bindings(*store, sealer, clock, {.peers = {"mmsc"}});
  api::Api api(*store, bindings, {});

  const std::string_view text = text_of({data, size});
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view head = text.substr(0, line);
  const std::size_t space = std::min(head.find(' '), head.size());
  const api::Answer answer = api.handle({.method = std::string(head.substr(0, space)),
                                         .target = std::string(head.substr(std::min(space + 1, head.size()))),
                                         .body = std::string(text.substr(std::min(line + 1, text.size()))),
                                         .agent = "fuzz"});
  PM_CHECK(answer.status >= 200 && answer.status < 600);
  PM_CHECK(nlohmann::json::accept(answer.body));
  return 0;
}
