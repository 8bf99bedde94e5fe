// How we log in to the smart host, from the keys smtp.smart_host_*.
#pragma once

#include <expected>
#include <optional>

#include "core/config.h"
#include "core/start_error.h"
#include "dataplane/session/smtp_auth.h"

namespace pushmail {

/// Nothing where no user is named. The file is read here, so that a wrong one is seen at start, and again for each log-in.
[[nodiscard]] std::expected<std::optional<SmtpLogin>, StartError> smart_host_login(const Config& config);

}  // namespace pushmail
