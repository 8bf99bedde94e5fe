#include "controlplane/cli/client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace pushmail::cli {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Protocol = asio::local::stream_protocol;

constexpr auto answer_time_max = std::chrono::seconds(30);
constexpr std::size_t answer_size_max = 64 * 1024 * 1024;

}  // namespace

std::expected<HttpAnswer, std::string> ask(const std::filesystem::path& socket, const std::string& method, const std::string& target,
                                           const std::string& body) {
  asio::io_context context;
  beast::basic_stream<Protocol> stream(context);
  beast::error_code error;
  if (socket.string().size() >= 108) return std::unexpected(socket.string() + ": longer than a socket's path may be");
  stream.socket().connect(Protocol::endpoint(socket.string()), error);
  // The file's mode keeps out whoever is not of its group, as the control plane does who has no role.
  if (error == beast::errc::permission_denied) {
    return HttpAnswer{403, R"({"error":{"code":"forbidden","text":"the API's socket is open to root and to the group pushmail-api: )"
                           R"(be root, or a member whom api.readers, api.operators, api.agents or api.admins names"}})"};
  }
  if (error) return std::unexpected("the control plane does not answer at " + socket.string() + ": " + error.message());

  http::request<http::string_body> request(http::string_to_verb(method), target, 11);
  request.set(http::field::host, "pushmail");
  request.set(http::field::content_type, "application/json");
  request.body() = body;
  request.keep_alive(false);
  request.prepare_payload();

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(answer_size_max);
  stream.expires_after(answer_time_max);
  beast::error_code failed;
  // A refusal may arrive before our request is written, so a failed write still reads the answer.
  http::async_write(stream, request, [&](beast::error_code, std::size_t) {
    http::async_read(stream, buffer, parser, [&](beast::error_code read_error, std::size_t) { failed = read_error; });
  });
  context.run();
  if (failed) return std::unexpected("the control plane did not answer: " + failed.message());
  return HttpAnswer{parser.get().result_int() > 0 ? static_cast<int>(parser.get().result_int()) : 0, parser.get().body()};
}

}  // namespace pushmail::cli
