// A folder of a simulation's own, gone with everything in it when the simulation is; in memory
// where that is possible, since the real disk's pace is of no interest here.
//
// Errors: std::system_error where it cannot be made.
#pragma once

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include <stdlib.h>

namespace farthing::sim {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    namespace fs = std::filesystem;
    const fs::path in = fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    std::string path = in / "farthing-sim-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "a temporary folder, " + path);
    }
    path_ = path;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace farthing::sim
