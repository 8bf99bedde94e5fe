// `pushmailctl status` for people, of the JSON that the control plane answers.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <ostream>

namespace pushmail::cli {

void print_status(const nlohmann::ordered_json& status, std::ostream& out);
/// 0 serving, 1 degraded, 2 down; 2 also where the answer has no verdict.
[[nodiscard]] int exit_code_of_status(const nlohmann::ordered_json& status);

}  // namespace pushmail::cli
