// Weaker kernels by name: in a program of its own, since the choice holds for a whole process.
#include "codec/simd/choice.h"

#include <gtest/gtest.h>

#include "codec/simd/simd.h"

namespace pushmail::simd {
namespace {

TEST(Choice, HoldsFromBeforeTheFirstUse) {
  EXPECT_FALSE(choose("of another processor"));
  ASSERT_TRUE(choose("scalar"));
  EXPECT_EQ(active().name, "scalar");
  EXPECT_FALSE(choose(all_supported().front()->name));
  EXPECT_EQ(active().name, "scalar");
}

}  // namespace
}  // namespace pushmail::simd
