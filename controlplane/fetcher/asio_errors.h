// What Asio throws when the system refuses it something that it cannot do without: no descriptor for its reactor, no thread.
#pragma once

#include <boost/system/system_error.hpp>
#include <exception>

namespace pushmail {

/// For keep_last_words: it ends the program with words and 71.
inline bool is_asio_error(const std::exception& error) { return dynamic_cast<const boost::system::system_error*>(&error) != nullptr; }

}  // namespace pushmail
