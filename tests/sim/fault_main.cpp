// The scripted segments of tests/unit/dataplane/tcp with one planted fault, named by TCP_PLANTED_FAULT.
#include <gtest/gtest.h>

#include <cstdlib>

#include "dataplane/tcp/planted.h"

int main(int argc, char** argv) {
  using namespace pushmail::tcp;
  testing::InitGoogleTest(&argc, argv);
  const char* wanted = std::getenv("TCP_PLANTED_FAULT");
  for (std::size_t i = 0; wanted != nullptr && i < planted_names.size(); ++i) {
    if (planted_names[i] == wanted) planted_now = static_cast<Planted>(i);
  }
  return RUN_ALL_TESTS();
}
