#include "engine/admin/unix_socket.h"

#include "engine/admin/server.h"

#include <fmt/format.h>

#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace farthing::engine::admin {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

std::string failure(const std::string& path, std::string_view what) {
  return fmt::format("{}: {} ({})", path, what, std::strerror(errno));
}

// Makes room for a new socket file.
base::Result<void, std::string> clear_place(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0)
    return {};  // nothing there, or bind will say what is wrong
  if (!S_ISSOCK(status.st_mode)) {
    return fmt::format("{}: this is no socket; move it away or choose another path", path);
  }
  const Descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (probe.get() < 0) return failure(path, "no socket to be had");
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return fmt::format("{}: a server is running there; stop it first or choose another path", path);
  }
  if (errno != ECONNREFUSED) return failure(path, "cannot tell whether a server is running there");
  if (unlink(path.c_str()) != 0) return failure(path, "cannot replace the socket of a dead server");
  return {};
}

}  // namespace

base::Result<int, std::string> listen_unix(const std::string& path) {
  if (path.empty() || path.size() > ApiServer::socket_path_max) {
    return fmt::format(
        "the socket's path {} has {} bytes, and there is room for {}; choose a shorter "
        "data folder",
        path, path.size(), ApiServer::socket_path_max);
  }
  const sockaddr_un address = address_of(path);
  const auto cleared = clear_place(path, address);
  if (!cleared.has_value()) return cleared.error();
  Descriptor listening(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (listening.get() < 0) return failure(path, "no socket to be had");
  if (bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return failure(path, "cannot make a socket here");
  }
  // Nobody can connect before listen(), so there is no moment at which others may.
  if (chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || listen(listening.get(), SOMAXCONN) != 0) {
    std::string message = failure(path, "cannot listen here");
    unlink(path.c_str());
    return message;
  }
  return listening.release();
}

void remove_socket(const std::string& path) { unlink(path.c_str()); }

std::string peer_user(int descriptor) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return "unknown";
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> text;
  if (getpwuid_r(credentials.uid, &entry, text.data(), text.size(), &found) == 0 &&
      found != nullptr) {
    return found->pw_name;
  }
  return fmt::format("uid {}", credentials.uid);
}

}  // namespace farthing::engine::admin
