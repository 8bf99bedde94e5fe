// A thing whose invariants are checked after every step of a test: `thing->step()` is followed by `check()`.
#pragma once

#include <memory>
#include <utility>

namespace pushmail {

template <class Thing>
class Checked {
 public:
  template <class... Args>
  explicit Checked(std::in_place_t, Args&&... args) : thing_(std::make_unique<Thing>(std::forward<Args>(args)...)) {}

  /// Lives until the whole expression is evaluated, and checks then.
  class Step {
   public:
    explicit Step(Thing& thing) : thing_(thing) {}
    ~Step() { thing_.check(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    [[nodiscard]] Thing* operator->() const { return &thing_; }

   private:
    Thing& thing_;
  };
  [[nodiscard]] Step operator->() const { return Step(*thing_); }
  /// For what lives longer than an expression; it is not checked.
  [[nodiscard]] Thing& operator*() const { return *thing_; }

 private:
  std::unique_ptr<Thing> thing_;
};

}  // namespace pushmail
