#include "dataplane/session/http_coding.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <memory>

namespace pushmail::http {

namespace {

constexpr std::size_t codings_max = 3;
constexpr std::size_t members_max = 64;  // of a gzip file; each costs as much as a body of its own
constexpr std::size_t step_size = 16 * 1024;

// `wrapping` is one of ISA-L's crc_flags: it reads the header and checks what follows the data. `coded` loses what was read.
std::optional<Bytes> inflate(ByteView& coded, std::uint32_t wrapping, std::size_t size_max) {
  const auto state = std::make_unique<inflate_state>();
  isal_inflate_init(state.get());
  state->crc_flag = wrapping;
  state->next_in = const_cast<std::uint8_t*>(coded.data());  // NOLINT: the library only reads it
  state->avail_in = static_cast<std::uint32_t>(coded.size());
  Bytes out;
  while (state->block_state != ISAL_BLOCK_FINISH) {
    const std::size_t before = out.size();
    if (before > size_max) return std::nullopt;
    out.resize(before + step_size);
    state->next_out = out.data() + before;
    state->avail_out = step_size;
    if (isal_inflate(state.get()) != ISAL_DECOMP_OK) return std::nullopt;
    out.resize(before + step_size - state->avail_out);
    // All is read and nothing more comes of it: the end is missing.
    if (out.size() == before && state->avail_in == 0 && state->block_state != ISAL_BLOCK_FINISH) return std::nullopt;
  }
  coded = coded.last(state->avail_in);
  return out.size() > size_max ? std::nullopt : std::optional(std::move(out));
}

bool is_gzip(ByteView body) { return body.size() >= 2 && body[0] == 0x1F && body[1] == 0x8B; }

// RFC 1952 §2.2: one member behind the other. What says gzip and is none was left as it is by somebody.
std::optional<Bytes> gunzip(Bytes body, std::size_t size_max) {
  if (!is_gzip(body)) return body;
  Bytes whole;
  std::size_t count = 0;
  for (ByteView rest = body; is_gzip(rest);) {
    if (++count > members_max) return std::nullopt;
    const auto member = inflate(rest, ISAL_GZIP, size_max - whole.size());
    if (!member) return std::nullopt;
    append(whole, ByteView(*member));
  }
  return whole;
}

std::optional<Bytes> decode_one(Bytes body, std::string_view coding, std::size_t size_max) {
  if (coding.empty() || ascii_equal_nocase(coding, "identity")) return body;
  if (ascii_equal_nocase(coding, "gzip") || ascii_equal_nocase(coding, "x-gzip")) return gunzip(std::move(body), size_max);
  if (!ascii_equal_nocase(coding, "deflate")) return std::nullopt;
  // RFC 9110 §8.4.1.2: some send the bare data.
  ByteView wrapped = body, bare = body;
  auto whole = inflate(wrapped, ISAL_ZLIB, size_max);
  return whole ? std::move(whole) : inflate(bare, ISAL_DEFLATE, size_max);
}

}  // namespace

std::optional<Bytes> decode_content(Bytes body, std::string_view codings, std::size_t size_max) {
  std::optional<Bytes> decoded = std::move(body);
  // The last one was applied last.
  for (std::size_t count = 0; decoded && !codings.empty(); ++count) {
    if (count == codings_max) return std::nullopt;
    const std::size_t comma = codings.rfind(',');
    const std::size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
    decoded = decode_one(std::move(*decoded), ascii_trim(codings.substr(begin)), size_max);
    codings = codings.substr(0, comma == std::string_view::npos ? 0 : comma);
  }
  return decoded;
}

}  // namespace pushmail::http
