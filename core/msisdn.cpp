#include "core/msisdn.h"

#include "core/errors.h"

namespace pushmail {

Result<Msisdn> Msisdn::from_digits(std::string_view digits) {
  if (digits.size() < 5 || digits.size() > 15) return fail(core_bad_msisdn, digits.size());
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] < '0' || digits[i] > '9' || (i == 0 && digits[i] == '0')) return fail(core_bad_msisdn, i);
  }
  return Msisdn(std::string(digits));
}

}  // namespace pushmail
