// One value as Authentication-Results, alone and as the header of a mail: bounded, and every view lies in the value.
#include "codec/mime/authentication.h"

using namespace pushmail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value = text_of({data, size});
  const auto inside = [&](std::string_view view) {
    PM_CHECK(view.empty() || (view.data() >= value.data() && view.data() + view.size() <= value.data() + value.size()));
  };
  if (const auto results = mime::parse_authentication_results(value)) {
    PM_CHECK(!results->server.empty() && results->server.size() <= mime::authserv_id_size_max);
    PM_CHECK(results->methods.size() <= mime::authentication_methods_max);
    inside(results->server);
    for (const mime::AuthenticationMethod& method : results->methods) {
      PM_CHECK(!method.method.empty() && !method.result.empty());
      inside(method.method);
      inside(method.result);
      inside(method.domain);
    }
  }
  const std::string mail = "Authentication-Results: " + std::string(value) + "\r\nFrom: a@bank.example\r\n\r\n";
  if (const auto message = mime::parse(bytes_of(mail)); message && !message->parts.empty()) {
    const mime::SenderAuthentication found = mime::authentication_of(message->parts.front());
    PM_CHECK(!found.server.empty() || found.check == mime::SenderCheck::unknown);
  }
  return 0;
}
