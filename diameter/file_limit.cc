#include "diameter/file_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace farthing::diameter {

base::Result<void, std::string> raise_file_limit(std::uint64_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return "the limit of open files cannot be read";
  if (limit.rlim_cur >= wanted) return {};
  // Beyond the hard limit only with privileges.
  rlimit higher = limit;
  higher.rlim_cur = wanted;
  higher.rlim_max = std::max<rlim_t>(limit.rlim_max, wanted);
  if (::setrlimit(RLIMIT_NOFILE, &higher) == 0) return {};
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return "may have " + std::to_string(limit.rlim_max) + " files open, and needs " +
         std::to_string(wanted) + "; raise the limit (ulimit -n, LimitNOFILE= of a unit)";
}

}  // namespace farthing::diameter
