// The place of a job of which one runs at a time. Threads: each place belongs to one.
#pragma once

#include <malloc.h>

#include <atomic>

namespace farthing::engine::admin {

// Holds a job's place while it runs.
class JobPlace {
 public:
  explicit JobPlace(std::atomic<bool>& taken) : taken_(taken), mine_(!taken.exchange(true)) {}
  ~JobPlace() { leave(); }
  JobPlace(const JobPlace&) = delete;
  JobPlace& operator=(const JobPlace&) = delete;
  bool mine() const { return mine_; }
  // To be called before the answer leaves: whoever has it may begin the next job at once. What the
  // job needed goes back to the system, which malloc would otherwise keep for the next one.
  void leave() {
    if (!mine_) return;
    malloc_trim(0);
    taken_ = false;
    mine_ = false;
  }

 private:
  std::atomic<bool>& taken_;
  bool mine_;
};

}  // namespace farthing::engine::admin
