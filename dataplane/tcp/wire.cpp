#include "dataplane/tcp/wire.h"

#include <algorithm>

#include "dataplane/tcp/planted.h"

namespace pushmail::tcp {

namespace {

constexpr std::endian network = std::endian::big;
constexpr std::uint8_t protocol_tcp = 6;

std::uint16_t fold(std::uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

MacAddress mac_at(const std::uint8_t* from) {
  MacAddress mac;
  std::copy_n(from, mac.size(), mac.begin());
  return mac;
}

void build_ethernet(Frame& frame, const MacAddress& destination, const MacAddress& source, std::uint16_t type) {
  std::copy(destination.begin(), destination.end(), frame.data);
  std::copy(source.begin(), source.end(), frame.data + 6);
  store(frame.data + 12, type, network);
}

// RFC 9293 §3.2: kinds 0 and 1 are one byte, every other kind has a length; an unknown kind is skipped by it.
std::expected<TcpOptions, Drop> parse_options(ByteView bytes) {
  TcpOptions options;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::uint8_t kind = bytes[at];
    if (kind == 0) break;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 2 > bytes.size() || bytes[at + 1] < 2 || at + bytes[at + 1] > bytes.size()) return std::unexpected(Drop::bad_tcp_header);
    const std::uint8_t length = bytes[at + 1];
    if (kind == 2 && length == 4) options.mss = load<std::uint16_t>(bytes.data() + at + 2, network);
    if (kind == 3 && length == 3) options.window_scale = bytes[at + 2];
    at += length;
  }
  return options;
}

}  // namespace

std::uint16_t internet_sum(ByteView bytes, std::uint32_t start) {
  // Summed in the machine's byte order and swapped once at the end: the sum is the same in any order (RFC 1071 §2 B).
  std::uint64_t sum = 0;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    const auto word = load<std::uint64_t>(bytes.data() + at, std::endian::native);
    sum += (word & 0xFFFFFFFF) + (word >> 32);
  }
  for (; at + 2 <= bytes.size(); at += 2) sum += load<std::uint16_t>(bytes.data() + at, std::endian::native);
  if (at < bytes.size()) {
    const std::array<std::uint8_t, 2> last{bytes[at], 0};
    sum += load<std::uint16_t>(last.data(), std::endian::native);
  }
  return fold(static_cast<std::uint64_t>(swap_to(network, fold(sum))) + start);
}

std::uint16_t pseudo_header_sum(std::uint32_t source, std::uint32_t destination, std::uint8_t protocol, std::size_t size) {
  return fold(static_cast<std::uint64_t>(source >> 16) + (source & 0xFFFF) + (destination >> 16) + (destination & 0xFFFF) + protocol +
              size);
}

std::expected<EthernetView, Drop> parse_ethernet(ByteView frame) {
  if (frame.size() < ethernet_size) return std::unexpected(Drop::short_frame);
  return EthernetView{mac_at(frame.data()), mac_at(frame.data() + 6), load<std::uint16_t>(frame.data() + 12, network),
                      frame.subspan(ethernet_size)};
}

std::expected<ArpView, Drop> parse_arp(ByteView packet) {
  // RFC 826: hardware type 1, protocol IPv4, address sizes 6 and 4.
  if (packet.size() < 28 || load<std::uint16_t>(packet.data(), network) != 1 ||
      load<std::uint16_t>(packet.data() + 2, network) != ether_ipv4 || packet[4] != 6 || packet[5] != 4) {
    return std::unexpected(Drop::bad_arp);
  }
  return ArpView{load<std::uint16_t>(packet.data() + 6, network), mac_at(packet.data() + 8),
                 load<std::uint32_t>(packet.data() + 14, network), load<std::uint32_t>(packet.data() + 24, network)};
}

std::expected<Ipv4View, Drop> parse_ipv4(ByteView packet, ChecksumBy checksum) {
  if (packet.size() < ipv4_size || packet[0] >> 4 != 4) return std::unexpected(Drop::bad_ip_header);
  const std::size_t header_size = static_cast<std::size_t>(packet[0] & 15) * 4;
  const std::size_t total_size = load<std::uint16_t>(packet.data() + 2, network);
  if (header_size < ipv4_size || total_size < header_size || total_size > packet.size()) return std::unexpected(Drop::bad_ip_header);
  if (checksum == ChecksumBy::stack && internet_sum(packet.first(header_size)) != 0xFFFF) return std::unexpected(Drop::bad_ip_checksum);
  // More fragments, or an offset: reassembly is not done, since our MSS keeps packets whole and senders set DF for TCP.
  if ((load<std::uint16_t>(packet.data() + 6, network) & 0x3FFF) != 0) return std::unexpected(Drop::fragment);
  return Ipv4View{load<std::uint32_t>(packet.data() + 12, network), load<std::uint32_t>(packet.data() + 16, network), packet[9],
                  packet.subspan(header_size, total_size - header_size)};
}

std::expected<Segment, Drop> parse_tcp(const Ipv4View& packet, ChecksumBy checksum) {
  const ByteView bytes = packet.payload;
  if (bytes.size() < tcp_size) return std::unexpected(Drop::bad_tcp_header);
  const std::size_t header_size = static_cast<std::size_t>(bytes[12] >> 4) * 4;
  if (header_size < tcp_size || header_size > bytes.size()) return std::unexpected(Drop::bad_tcp_header);
  if (checksum == ChecksumBy::stack && !planted(Planted::checksum_unchecked) &&
      internet_sum(bytes, pseudo_header_sum(packet.source, packet.destination, protocol_tcp, bytes.size())) != 0xFFFF) {
    return std::unexpected(Drop::bad_tcp_checksum);
  }
  const auto options = parse_options(bytes.subspan(tcp_size, header_size - tcp_size));
  if (!options) return std::unexpected(options.error());
  Segment segment;
  segment.tuple.local = {IpAddress::v4(packet.destination), load<std::uint16_t>(bytes.data() + 2, network)};
  segment.tuple.peer = {IpAddress::v4(packet.source), load<std::uint16_t>(bytes.data(), network)};
  segment.seq = Seq{load<std::uint32_t>(bytes.data() + 4, network)};
  segment.ack = Seq{load<std::uint32_t>(bytes.data() + 8, network)};
  segment.flags = bytes[13];
  segment.window = load<std::uint16_t>(bytes.data() + 14, network);
  segment.options = *options;
  segment.payload = bytes.subspan(header_size);
  return segment;
}

void build_arp(Frame& frame, const ArpOut& arp) {
  build_ethernet(frame, arp.destination, arp.sender_mac, ether_arp);
  std::uint8_t* at = frame.data + ethernet_size;
  store<std::uint16_t>(at, 1, network);
  store(at + 2, ether_ipv4, network);
  at[4] = 6;
  at[5] = 4;
  store(at + 6, arp.operation, network);
  std::copy(arp.sender_mac.begin(), arp.sender_mac.end(), at + 8);
  store(at + 14, arp.sender_ip, network);
  std::copy(arp.target_mac.begin(), arp.target_mac.end(), at + 18);
  store(at + 24, arp.target_ip, network);
  frame.size = static_cast<std::uint32_t>(ethernet_size + 28);
}

void build_ipv4(Frame& frame, const Ipv4Out& ip) {
  build_ethernet(frame, ip.destination_mac, ip.source_mac, ether_ipv4);
  std::uint8_t* at = frame.data + ethernet_size;
  at[0] = 0x45;
  at[1] = 0;
  store(at + 2, static_cast<std::uint16_t>(ipv4_size + ip.payload_size), network);
  store<std::uint16_t>(at + 4, 0, network);
  store<std::uint16_t>(at + 6, 0x4000, network);  // DF; so the identification may stay 0 (RFC 6864 §4.1)
  at[8] = 64;
  at[9] = ip.protocol;
  store<std::uint16_t>(at + 10, 0, network);
  store(at + 12, ip.source, network);
  store(at + 16, ip.destination, network);
  if (ip.checksum == ChecksumBy::stack) {
    store(at + 10, static_cast<std::uint16_t>(~internet_sum({at, ipv4_size})), network);
  }
  frame.size = static_cast<std::uint32_t>(ethernet_size + ipv4_size + ip.payload_size);
}

std::size_t tcp_header_size(const TcpOptions& options) { return tcp_size + (options.mss ? 4u : 0u) + (options.window_scale ? 4u : 0u); }

void build_tcp(Frame& frame, const TcpOut& tcp) {
  std::uint8_t* at = frame.data + ethernet_size + ipv4_size;
  const std::size_t header_size = tcp_header_size(tcp.options);
  store(at, tcp.source_port, network);
  store(at + 2, tcp.destination_port, network);
  store(at + 4, tcp.seq.v, network);
  store(at + 8, tcp.ack.v, network);
  at[12] = static_cast<std::uint8_t>(header_size / 4 << 4);
  at[13] = tcp.flags;
  store(at + 14, tcp.window, network);
  store<std::uint32_t>(at + 16, 0, network);  // checksum, urgent pointer
  std::uint8_t* option = at + tcp_size;
  if (tcp.options.mss) {
    option[0] = 2;
    option[1] = 4;
    store(option + 2, *tcp.options.mss, network);
    option += 4;
  }
  if (tcp.options.window_scale) {
    option[0] = 1;
    option[1] = 3;
    option[2] = 3;
    option[3] = *tcp.options.window_scale;
  }
}

void finish_tcp(Frame& frame, const Ipv4Out& ip) {
  std::uint8_t* at = frame.data + ethernet_size + ipv4_size;
  const std::uint16_t pseudo = pseudo_header_sum(ip.source, ip.destination, ip.protocol, ip.payload_size);
  if (ip.checksum == ChecksumBy::device) {
    store(at + 16, pseudo, network);
    return;
  }
  store(at + 16, static_cast<std::uint16_t>(~internet_sum({at, ip.payload_size}, pseudo)), network);
  if (planted(Planted::wrong_checksum_sent) && ip.payload_size > tcp_size + 100) at[16] ^= 1;
}

}  // namespace pushmail::tcp
