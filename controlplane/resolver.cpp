#include "controlplane/resolver.h"

#include <ares.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>

#include "controlplane/binding/errors.h"
#include "core/storage.h"

namespace pushmail {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr const char* system_servers = "/etc/resolv.conf";
constexpr int timeout_ms = 2000;
constexpr int tries = 2;

class AresResolver final : public Resolver {
 public:
  explicit AresResolver(asio::io_context& context) : context_(context), timer_(context) {}
  ~AresResolver() override {
    closing_ = true;
    if (channel_ != nullptr) ares_destroy(channel_);
    sockets_.clear();
    if (library_) ares_library_cleanup();
  }

  [[nodiscard]] std::expected<void, StartError> start(const std::vector<std::string>& servers) {
    library_ = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
    ares_options options{};
    options.timeout = timeout_ms;
    options.tries = tries;
    options.sock_state_cb = &AresResolver::on_socket_state;
    options.sock_state_cb_data = this;
    const int code = ares_init_options(&channel_, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (code != ARES_SUCCESS) return std::unexpected(std::string("DNS: ") + ares_strerror(code));
    // c-ares asks 127.0.0.1 where it cannot read this file, which is right only where there is none.
    if (servers.empty()) {
      const auto system_file = read_file(system_storage(), system_servers, operators_file);
      if (!system_file && system_file.error().os != ENOENT) return std::unexpected(cannot_be_read(system_servers, system_file.error().os));
      return {};
    }
    std::string list;
    for (const std::string& server : servers) {
      if (!parse_endpoint(server) && !parse_ip(server)) return std::unexpected("dns.servers: " + server + " is not address:port");
      list += (list.empty() ? "" : ",") + server;
    }
    if (ares_set_servers_ports_csv(channel_, list.c_str()) != ARES_SUCCESS) return std::unexpected("dns.servers: cannot be used: " + list);
    return {};
  }

  void resolve(const std::string& host, Answer answer) override {
    if (const auto ip = parse_ip(host)) {
      asio::post(context_, [answer = std::move(answer), address = *ip] { answer(std::vector<IpAddress>{address}); });
      return;
    }
    // c-ares reads addresses as inet_aton does: `127.1` must not become one after it passed for a name.
    if (!is_host_name(host)) {
      asio::post(context_, [answer = std::move(answer)] { answer(fail(binding_no_address)); });
      return;
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    // Thousands of mailboxes have their host in common, and may be looked at in one moment: it is asked for once.
    const auto [asked, is_new] = asked_.try_emplace(host);
    asked->second.push_back(std::move(answer));
    if (!is_new) return;
    auto question = std::make_unique<Question>(Question{this, host});
    ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &AresResolver::on_answer, question.release());
    arm();
  }

 private:
  struct Question {
    AresResolver* resolver;
    std::string host;
  };
  // A socket of c-ares, watched without owning it.
  struct Socket {
    explicit Socket(asio::io_context& context, int fd) : descriptor(context, fd) {}
    ~Socket() { descriptor.release(); }
    asio::posix::stream_descriptor descriptor;
    bool wants_read = false, wants_write = false;
    bool reading = false, writing = false;
  };

  static void on_answer(void* data, int status, int, ares_addrinfo* found) {
    const std::unique_ptr<Question> question(static_cast<Question*>(data));
    std::vector<IpAddress> addresses;
    for (const int family : {AF_INET, AF_INET6}) {
      for (const ares_addrinfo_node* node = found == nullptr ? nullptr : found->nodes; node != nullptr; node = node->ai_next) {
        if (node->ai_family != family) continue;
        IpAddress ip;
        if (family == AF_INET) {
          sockaddr_in name{};
          std::memcpy(&name, node->ai_addr, sizeof name);
          ip = IpAddress::v4(ntohl(name.sin_addr.s_addr));
        } else {
          sockaddr_in6 name{};
          std::memcpy(&name, node->ai_addr, sizeof name);
          std::memcpy(ip.bytes.data(), &name.sin6_addr, ip.bytes.size());
        }
        if (std::find(addresses.begin(), addresses.end(), ip) == addresses.end()) addresses.push_back(ip);
      }
    }
    if (found != nullptr) ares_freeaddrinfo(found);
    if (question->resolver->closing_) return;
    const bool no_such = status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME;
    const ErrorInfo* wrong = no_such ? &binding_no_address : &binding_dns_failed;
    if (status == ARES_SUCCESS && !addresses.empty()) wrong = nullptr;
    const auto who_asked = question->resolver->asked_.extract(question->host);
    for (Answer& each : who_asked.mapped()) {
      asio::post(question->resolver->context_, [answer = std::move(each), addresses, wrong] {
        if (wrong != nullptr)
          answer(fail(*wrong));
        else
          answer(addresses);
      });
    }
  }

  static void on_socket_state(void* data, ares_socket_t fd, int readable, int writable) {
    auto& self = *static_cast<AresResolver*>(data);
    if (self.closing_) return;
    if (readable == 0 && writable == 0) {
      self.sockets_.erase(fd);
      return;
    }
    auto& socket = self.sockets_[fd];
    if (!socket) socket = std::make_shared<Socket>(self.context_, fd);
    socket->wants_read = readable != 0;
    socket->wants_write = writable != 0;
    self.wait(fd, socket);
  }

  void wait(int fd, const std::shared_ptr<Socket>& socket) {
    const std::weak_ptr<Socket> weak = socket;
    if (socket->wants_read && !socket->reading) {
      socket->reading = true;
      socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                    [this, fd, weak](error_code error) { on_ready(error, fd, weak, Side::read); });
    }
    if (socket->wants_write && !socket->writing) {
      socket->writing = true;
      socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                    [this, fd, weak](error_code error) { on_ready(error, fd, weak, Side::write); });
    }
  }

  enum class Side : std::uint8_t { read, write };
  void on_ready(error_code error, int fd, const std::weak_ptr<Socket>& weak, Side side) {
    const auto socket = weak.lock();
    if (!socket) return;
    (side == Side::read ? socket->reading : socket->writing) = false;
    if (error) return;
    ares_process_fd(channel_, side == Side::read ? fd : ARES_SOCKET_BAD, side == Side::write ? fd : ARES_SOCKET_BAD);
    // Processing may have closed it.
    if (sockets_.contains(fd) && sockets_[fd] == socket) wait(fd, socket);
    arm();
  }

  // c-ares' own time-outs.
  void arm() {
    timeval most{3600, 0}, wait{};
    const timeval* next = ares_timeout(channel_, &most, &wait);
    if (next == nullptr || sockets_.empty()) return;
    timer_.expires_after(std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec + 1000));
    timer_.async_wait([this](error_code error) {
      if (error) return;
      ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      arm();
    });
  }

  asio::io_context& context_;
  asio::steady_timer timer_;
  ares_channel channel_ = nullptr;
  std::map<int, std::shared_ptr<Socket>> sockets_;
  std::map<std::string, std::vector<Answer>, std::less<>> asked_;  // names that DNS has been asked for, and who waits for them
  bool library_ = false;
  bool closing_ = false;
};

}  // namespace

std::expected<std::unique_ptr<Resolver>, StartError> Resolver::open(asio::io_context& context, const std::vector<std::string>& servers) {
  auto resolver = std::make_unique<AresResolver>(context);
  if (const auto started = resolver->start(servers); !started) return std::unexpected(started.error());
  return std::unique_ptr<Resolver>(std::move(resolver));
}

}  // namespace pushmail
