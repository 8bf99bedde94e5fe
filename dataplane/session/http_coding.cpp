#include "dataplane/session/http_coding.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/limits.h"
#include "dataplane/session/errors.h"

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

std::optional<RequestCoding> request_coding_of(std::string_view codings) {
  if (codings.empty() || ascii_equal_nocase(codings, "identity")) return RequestCoding::none;
  // RFC 9110 §8.4.1.3.
  if (ascii_equal_nocase(codings, "gzip") || ascii_equal_nocase(codings, "x-gzip")) return RequestCoding::gzip;
  return std::nullopt;
}

struct Gunzip::State {
  inflate_state inflate;
};
const std::size_t Gunzip::memory_size = sizeof(Gunzip::State);

Gunzip::Gunzip(std::uint64_t size_max) : state_(std::make_unique<State>()), size_max_(size_max) {}
Gunzip::~Gunzip() = default;

bool Gunzip::is_whole() const { return member_count_ > 0 && !is_in_member_; }

Result<void> Gunzip::read(ByteView coded, Bytes& out) {
  inflate_state& state = state_->inflate;
  coded_size_ += coded.size();
  // Names and empty blocks make nothing, and could go on without end.
  if (coded_size_ > size_max_ + size_max_ / 8 + limits::KiB) return fail(http_body_too_large);
  const std::uint64_t most =
      std::min(size_max_, std::max(limits::http_inflate_free_size_max, limits::http_inflate_ratio_max * coded_size_));
  bool is_full = false;  // the last step may have left something
  while (!coded.empty() || is_full) {
    if (!std::exchange(is_in_member_, true)) {
      if (++member_count_ > members_max) return fail(http_bad_gzip);
      isal_inflate_init(&state);
      state.crc_flag = ISAL_GZIP;
    }
    state.next_in = const_cast<std::uint8_t*>(coded.data());  // NOLINT: the library only reads it
    state.avail_in = static_cast<std::uint32_t>(std::min<std::size_t>(coded.size(), std::numeric_limits<std::uint32_t>::max()));
    const std::size_t given = state.avail_in, before = out.size();
    // As much as so many bytes usually become: a body that comes byte by byte makes no large room for each.
    const std::size_t step = std::min(step_size, 128 * given + 512);
    out.resize(before + step);
    state.next_out = out.data() + before;
    state.avail_out = static_cast<std::uint32_t>(step);
    const int status = isal_inflate(&state);
    const std::size_t made = step - state.avail_out;
    out.resize(before + made);
    if (status < 0) return fail(http_bad_gzip);
    made_size_ += made;
    if (made_size_ > most) return fail(http_body_too_large);
    const bool is_ended = state.block_state == ISAL_BLOCK_FINISH;
    // It neither reads nor writes, and wants nothing.
    if (!is_ended && made == 0 && state.avail_in == given && !coded.empty()) return fail(http_bad_gzip);
    coded = coded.subspan(given - state.avail_in);
    is_full = !is_ended && state.avail_out == 0;
    if (is_ended) is_in_member_ = false;
  }
  return {};
}

std::optional<Bytes> gzipped(ByteView body) {
  // Smaller than its own frame is nothing.
  constexpr std::size_t frame_size = 18;
  if (body.size() <= frame_size || body.size() > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  const auto stream = std::make_unique<isal_zstream>();
  isal_deflate_stateless_init(stream.get());
  Bytes level_buffer(ISAL_DEF_LVL1_DEFAULT);
  stream->level = 1;
  stream->level_buf = level_buffer.data();
  stream->level_buf_size = static_cast<std::uint32_t>(level_buffer.size());
  stream->gzip_flag = IGZIP_GZIP;
  stream->end_of_stream = 1;
  stream->flush = NO_FLUSH;
  stream->next_in = const_cast<std::uint8_t*>(body.data());  // NOLINT: the library only reads it
  stream->avail_in = static_cast<std::uint32_t>(body.size());
  // No room for more than the body has: what does not get smaller overflows.
  Bytes coded(body.size() - 1);
  stream->next_out = coded.data();
  stream->avail_out = static_cast<std::uint32_t>(coded.size());
  if (isal_deflate_stateless(stream.get()) != COMP_OK) return std::nullopt;
  coded.resize(coded.size() - stream->avail_out);
  return coded;
}

}  // namespace pushmail::http
