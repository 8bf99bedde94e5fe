// A function for each alternative of a std::variant:
//
//   std::visit(Match{[&](const Sent& sent) {...}, [&](const Refused& refused) {...}}, outcome);
#pragma once

namespace pushmail {

template <class... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};

}  // namespace pushmail
