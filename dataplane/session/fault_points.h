// Named places in the middle of a dialogue where a test may stop the process (kill tests). Normal runs have no hook and pay one compare.
//
// A hook is reached when the bytes before it have really left (on_sent), so that "in the middle of DATA" is true for the peer too.
#pragma once

#include <string_view>

namespace pushmail {

struct FaultPoints {
  void (*reach)(void* context, std::string_view step) = nullptr;
  void* context = nullptr;

  [[nodiscard]] bool armed() const { return reach != nullptr; }
  void at(std::string_view step) const {
    if (reach != nullptr) reach(context, step);
  }
};

namespace fault_point {
inline constexpr std::string_view submit_req_half = "submit_req.half";  // half of the request's body is out
inline constexpr std::string_view data_half = "data.half";              // half of the mail is out, no final dot
}  // namespace fault_point

}  // namespace pushmail
