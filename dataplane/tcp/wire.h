// Ethernet, ARP, IPv4, ICMP echo and TCP as bytes: parse to views and build, without any state.
//
// Came from: frames of the device. Goes to: stack.cpp (who is it for?) and input.cpp (what does it do?); back from output.cpp.
// Failure: a Drop names the rule that the frame broke. RFC 826, 791, 792, 9293 §3.1, 7323 §2.
#pragma once

#include <expected>
#include <optional>

#include "dataplane/nic/frame.h"
#include "dataplane/tcp/drop.h"
#include "dataplane/tcp/seq.h"
#include "dataplane/tcp/table.h"

namespace pushmail::tcp {

inline constexpr std::size_t ethernet_size = 14;
inline constexpr std::size_t ipv4_size = 20;
inline constexpr std::size_t tcp_size = 20;
inline constexpr std::size_t syn_options_size = 8;  // MSS (4), NOP and window scale (1 + 3)
inline constexpr std::uint16_t ether_ipv4 = 0x0800;
inline constexpr std::uint16_t ether_arp = 0x0806;
inline constexpr MacAddress broadcast_mac{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

// Flags, RFC 9293 §3.1.
inline constexpr std::uint8_t fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32;

struct TcpOptions {
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> window_scale;
};

/// A TCP segment as it came in, seen from us (local = its destination). The payload lies in the frame.
struct Segment {
  Tuple tuple;
  Seq seq;
  Seq ack;
  std::uint16_t window = 0;
  std::uint8_t flags = 0;
  TcpOptions options;
  ByteView payload;

  [[nodiscard]] bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  /// SEG.LEN: SYN and FIN count as one each.
  [[nodiscard]] std::uint32_t length() const {
    return static_cast<std::uint32_t>(payload.size()) + (has(syn) ? 1u : 0u) + (has(fin) ? 1u : 0u);
  }
};

struct EthernetView {
  MacAddress destination;
  MacAddress source;
  std::uint16_t type;
  ByteView payload;
};
struct Ipv4View {
  std::uint32_t source;
  std::uint32_t destination;
  std::uint8_t protocol;
  ByteView payload;
};
struct ArpView {
  std::uint16_t operation;
  MacAddress sender_mac;
  std::uint32_t sender_ip;
  std::uint32_t target_ip;
};

/// Ones' complement sum (RFC 1071) of `bytes` on top of `start`, folded to 16 bits, not inverted.
[[nodiscard]] std::uint16_t internet_sum(ByteView bytes, std::uint32_t start = 0);
[[nodiscard]] std::uint16_t pseudo_header_sum(std::uint32_t source, std::uint32_t destination, std::uint8_t protocol, std::size_t size);

[[nodiscard]] std::expected<EthernetView, Drop> parse_ethernet(ByteView frame);
[[nodiscard]] std::expected<ArpView, Drop> parse_arp(ByteView packet);
/// Trims what the Ethernet frame was padded with.
[[nodiscard]] std::expected<Ipv4View, Drop> parse_ipv4(ByteView packet, ChecksumBy checksum);
[[nodiscard]] std::expected<Segment, Drop> parse_tcp(const Ipv4View& packet, ChecksumBy checksum);

struct ArpOut {
  std::uint16_t operation;
  MacAddress destination;
  MacAddress sender_mac;
  std::uint32_t sender_ip;
  MacAddress target_mac;
  std::uint32_t target_ip;
};
void build_arp(Frame& frame, const ArpOut& arp);

struct Ipv4Out {
  MacAddress destination_mac;
  MacAddress source_mac;
  std::uint32_t source;
  std::uint32_t destination;
  std::uint8_t protocol;
  std::size_t payload_size;
  ChecksumBy checksum = ChecksumBy::stack;
};
/// Ethernet and IPv4 headers; the frame's size is set to hold payload_size bytes after them, which the caller writes.
void build_ipv4(Frame& frame, const Ipv4Out& ip);

struct TcpOut {
  std::uint16_t source_port;
  std::uint16_t destination_port;
  Seq seq;
  Seq ack;
  std::uint16_t window;
  std::uint8_t flags;
  TcpOptions options;
};
/// Bytes of the TCP header with these options.
[[nodiscard]] std::size_t tcp_header_size(const TcpOptions& options);
/// The TCP header after build_ipv4, without its checksum.
void build_tcp(Frame& frame, const TcpOut& tcp);
/// Fills the TCP checksum once the payload is written.
void finish_tcp(Frame& frame, const Ipv4Out& ip);

}  // namespace pushmail::tcp
