// One JSON line for a mail: the parts in document order. Shared by the programs that print what a parser made of it.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "core/bytes.h"

namespace pushmail::corpus {

inline std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escaped{};
      static_cast<void>(std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c))));
      out += escaped.data();
    } else {
      out += c;
    }
  }
  return out + "\"";
}

inline std::string sha256(ByteView bytes) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) return {};
  return to_hex(ByteView(digest).first(size));
}

inline std::string contents_of(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Puts the objects of a line together.
class Line {
 public:
  explicit Line(const char* path) : out_("{\"file\":" + quoted(path)) {}
  void error(std::string_view what) { out_ += ",\"error\":" + quoted(what); }
  void part(std::size_t depth, std::string_view type, std::string_view name) {
    parts_ += parts_.empty() ? "{" : "},{";
    parts_ += "\"depth\":" + std::to_string(depth) + ",\"type\":" + quoted(type) + ",\"name\":" + quoted(name);
  }
  void bytes(ByteView body) { parts_ += ",\"sha256\":\"" + sha256(body) + "\",\"size\":" + std::to_string(body.size()); }
  void text(std::string_view utf8) { parts_ += ",\"text\":" + quoted(utf8); }
  /// A field of the message itself, for people: UTF-8.
  void header(std::string_view name, std::string_view value) { out_ += "," + quoted(name) + ":" + quoted(value); }
  /// A field of the part that was named last.
  void detail(std::string_view name, std::string_view value) { parts_ += "," + quoted(name) + ":" + quoted(value); }
  void note(std::string_view rule) { notes_ += (notes_.empty() ? "" : ",") + quoted(rule); }
  void print() {
    std::printf("%s,\"parts\":[%s%s],\"notes\":[%s]}\n", out_.c_str(), parts_.c_str(), parts_.empty() ? "" : "}", notes_.c_str());
    std::fflush(stdout);
  }

 private:
  std::string out_, parts_, notes_;
};

}  // namespace pushmail::corpus
