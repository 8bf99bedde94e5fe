// The grammar of HTTP/1.x heads and chunked bodies (RFC 9112), for our server and our client. Pure: bytes in, views out.
//
// Requests are read strictly where two readers could disagree about where a message ends (request smuggling): only CRLF ends a line, no
// folding, no blank around a field's name, Content-Length or chunked but never both, one spelling of each. Whoever breaks that gets 400 and
// is closed. Answers are read as old peers write them (Dialect), as far as they still say one thing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/limits.h"
#include "core/result.h"

namespace pushmail::http {

/// How literally a message is read. `request`: another reader on its way may have read it differently, so every doubt is refused, but for a
/// folded field whose value says nothing about framing. `answer`: it comes on a connection of ours to a peer of ours, and refusing it would
/// send its message once more; so folds, LF alone as line end, blanks before a colon or behind a chunk's size, and what is said twice with
/// the same meaning are taken (RFC 9112 §2.2, §5.1, §5.2, §6.3).
enum class Dialect : std::uint8_t { request, answer };

struct Field {
  std::string_view name;
  std::string_view value;  // without blanks around it
};

/// Where the body ends (RFC 9112 §6.3).
enum class Framing : std::uint8_t { none, length, chunked, until_close };

struct Head {
  int minor_version = 1;  // HTTP/1.<minor>
  std::vector<Field> fields;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;  // when framing is length
  bool keep_alive = true;            // RFC 9112 §9.3
  /// Values that were folded, each joined to one line; their views point in here. Null where there was none.
  std::unique_ptr<std::string> unfolded;

  /// The first field of that name; empty when there is none.
  [[nodiscard]] std::string_view field(std::string_view name) const;
};
struct RequestHead : Head {
  std::string_view method;
  std::string_view target;
};
struct ResponseHead : Head {
  int status = 0;
};

/// Looks for the empty line that ends a head; `from` is how far an earlier look came. done: the head's size with that line.
/// bad: a line end that is none in this dialect, a control byte, or more than limits::http_head_size_max bytes.
[[nodiscard]] Parsed<std::size_t> find_head_end(ByteView bytes, std::size_t from, Dialect dialect);

/// `head` is what find_head_end found in the same dialect, whole. Views point into it, those of folded values into Head::unfolded.
[[nodiscard]] Result<RequestHead> parse_request_head(ByteView head);
enum class Asked : std::uint8_t { with_body, head_only };
[[nodiscard]] Result<ResponseHead> parse_response_head(ByteView head, Asked asked = Asked::with_body);

/// Reads a chunked body wherever it is cut. Trailer fields are read and dropped: they never become fields of the message.
class ChunkReader {
 public:
  explicit constexpr ChunkReader(Dialect dialect) : dialect_(dialect) {}
  struct Step {
    std::size_t used = 0;  // bytes of the input that are finished with
    ByteView data;         // body bytes among them, at their end
    bool last = false;     // the body is complete
  };
  /// One step: at most one run of data. Call again with the rest until `last`, or until nothing is left.
  [[nodiscard]] Result<Step> read(ByteView bytes);

 private:
  enum class State : std::uint8_t {
    size_first,
    size,
    size_blank,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer,
    trailer_lf,
    last_lf,
    done
  };
  friend struct ChunkRules;
  [[nodiscard]] Result<void> take(std::uint8_t byte);

  Dialect dialect_;
  State state_ = State::size_first;
  std::uint64_t left_ = 0;
  std::uint32_t line_size_ = 0;
  std::uint64_t trailer_size_ = 0;
};

/// The status that answers a broken rule: 400, 413, 431, 505.
[[nodiscard]] int status_of(const Error& error);
[[nodiscard]] std::string_view reason_of(int status);

struct Url {
  bool is_https = false;
  std::string host;  // without brackets
  std::uint16_t port = 80;
  std::string path;       // with query, at least "/"
  std::string authority;  // as it stands in Host
};
/// `http://host[:port][/path]`, or https:// (port 443); no user part, no fragment.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

}  // namespace pushmail::http
