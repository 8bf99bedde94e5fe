// Every bound of the system, with its unit in the name. Defaults: those that operators may change are configuration keys too.
#pragma once

#include <cstdint>

#include "core/clock.h"

namespace pushmail::limits {

inline constexpr std::uint64_t KiB = 1024;
inline constexpr std::uint64_t MiB = 1024 * KiB;
inline constexpr std::uint64_t GiB = 1024 * MiB;

inline constexpr std::uint64_t mail_size_max = 25 * MiB;
inline constexpr std::uint64_t mm_size_max = 300 * KiB;  // unless the peer profile says otherwise

inline constexpr std::uint64_t http_body_size_max = 8 * MiB;
inline constexpr std::uint64_t http_inflate_ratio_max = 100;  // of a compressed body, beyond its first http_inflate_free_size_max bytes
inline constexpr std::uint64_t http_inflate_free_size_max = 64 * KiB;
inline constexpr std::uint64_t http_head_size_max = 32 * KiB;
inline constexpr std::uint32_t http_header_count_max = 100;

inline constexpr std::uint32_t smtp_line_size_max = 2048;
inline constexpr std::uint32_t smtp_recipient_count_max = 100;
inline constexpr std::uint32_t smtp_error_count_max = 20;

inline constexpr std::uint64_t mime_header_size_max = 100 * KiB;
inline constexpr std::uint32_t mime_field_count_max = 1000;
inline constexpr std::uint32_t mime_depth_max = 32;
inline constexpr std::uint32_t mime_part_count_max = 1000;
inline constexpr std::uint32_t mime_parameter_count_max = 100;

inline constexpr std::uint64_t arena_size_max = 2 * GiB;  // what one message may take beside its bytes; never reached by our own bounds

inline constexpr std::uint64_t xml_size_max = 256 * KiB;
inline constexpr std::uint32_t xml_depth_max = 32;
inline constexpr std::uint32_t xml_attribute_count_max = 256;  // of one element

inline constexpr std::uint32_t smpp_pdu_size_max = 70'000;

inline constexpr std::uint32_t connections_per_source_max = 200;
inline constexpr std::uint64_t receive_window_size_max = 256 * KiB;
inline constexpr std::uint64_t receive_memory_size_max = 64 * MiB;  // per worker: received by our TCP, not taken by a session yet
inline constexpr std::uint64_t item_memory_size_max = 1 * GiB;      // per worker; above: 452, 503
inline constexpr std::uint64_t journal_lane_size_max = 64 * GiB;

inline constexpr std::uint64_t handoff_chunk_size_max = 256 * KiB;
inline constexpr std::uint64_t record_size_max = 32 * MiB;  // a journal record holds one whole message
static_assert(record_size_max > mail_size_max);

inline constexpr std::uint64_t imap_literal_size_max = 65 * KiB;  // partial FETCH of 64 KiB and its slack
inline constexpr std::uint64_t imap_fetch_chunk_size = 64 * KiB;
inline constexpr std::uint64_t imap_answer_size_max = 2 * MiB;
inline constexpr std::uint64_t imap_line_size_max = 64 * KiB;
inline constexpr std::uint32_t imap_paren_depth_max = 64;

}  // namespace pushmail::limits
