// Content codings of bodies (RFC 9110 §8.4.1). Of answers, whole: we ask for gzip, and some web servers in front of an MMSC compress
// whatever they hand on, however they like. Of requests to us, as they come: gzip alone, since what nobody needs is one more parser that
// strangers reach. Of our own requests: gzip, where a peer's key asks for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::http {

/// The body without `codings`, the value of Content-Encoding: gzip, deflate (with zlib's header or bare), identity, one after the other.
/// Nothing when a coding is unknown, the data is broken or cut, or more than `size_max` bytes would come of it.
[[nodiscard]] std::optional<Bytes> decode_content(Bytes body, std::string_view codings, std::size_t size_max);

/// What a request to us may be coded with: nothing where we take it as it is not.
enum class RequestCoding : std::uint8_t { none, gzip };
/// Of the value of Content-Encoding; nothing where the coding is another one, or there are several.
[[nodiscard]] std::optional<RequestCoding> request_coding_of(std::string_view codings);

/// Undoes gzip (RFC 1952), member behind member, wherever the bytes are cut. What comes and what it makes are bounded by their size, and
/// what it makes also by its ratio to what came (limits::http_inflate_ratio_max): a bomb is seen while it is small.
class Gunzip {
 public:
  /// What one of these holds for as long as it lives, beside what it makes.
  static const std::size_t memory_size;

  explicit Gunzip(std::uint64_t size_max);
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  ~Gunzip();

  /// Appends what `coded` holds to `out`. http_body_too_large, http_bad_gzip: then it is of no use any more, and `out` has as much as was
  /// good, or a little more than size_max.
  [[nodiscard]] Result<void> read(ByteView coded, Bytes& out);
  /// What came ends where a member ends; nothing at all does not.
  [[nodiscard]] bool is_whole() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint64_t size_max_;
  std::uint64_t coded_size_ = 0;
  std::uint64_t made_size_ = 0;
  std::size_t member_count_ = 0;
  bool is_in_member_ = false;
};

/// One gzip member of the whole body; nothing where it would not be smaller.
[[nodiscard]] std::optional<Bytes> gzipped(ByteView body);

}  // namespace pushmail::http
