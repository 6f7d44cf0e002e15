// The ceiling: a Diameter responder that charges nothing. One I/O thread walks each request's AVPs
// in place and answers with a constant grant; answers are held until a commit thread has written
// 200 bytes of each request of the batch as one synced RocksDB Put. What Farthing is measured
// against.
//
//   bench_ceiling PORT FOLDER     (port 0 picks one; prints "ready diameter=HOST:PORT"; SIGTERM
//   ends)
#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <rocksdb/db.h>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t header_size_bytes = 20;
constexpr std::size_t kept_of_request_bytes = 200;
constexpr std::size_t input_size_bytes = std::size_t{1} << 18;
constexpr std::uint32_t length_mask = 0xffffff;

std::uint32_t load32(const char* from) {
  std::uint32_t big = 0;
  std::memcpy(&big, from, sizeof big);
  return __builtin_bswap32(big);
}

void store32(char* to, std::uint32_t value) {
  const std::uint32_t big = __builtin_bswap32(value);
  std::memcpy(to, &big, sizeof big);
}

void put32(std::string& out, std::uint32_t value) {
  char bytes[4];
  store32(bytes, value);
  out.append(bytes, sizeof bytes);
}

void put_avp(std::string& out, std::uint32_t code, std::string_view data) {
  put32(out, code);
  put32(out, 0x40000000u | static_cast<std::uint32_t>(8 + data.size()));
  out.append(data);
  out.append((0 - data.size()) & 3, '\0');
}

void put_avp32(std::string& out, std::uint32_t code, std::uint32_t value) {
  char bytes[4];
  store32(bytes, value);
  put_avp(out, code, {bytes, sizeof bytes});
}

// What an answer repeats of its request.
struct Request {
  std::string_view session_id;
  std::uint32_t type = 0;
  std::uint32_t number = 0;
  std::uint32_t rating_group = 0;
};

// Walks the AVPs, down into the groups that charging would read.
void walk(std::string_view avps, Request& request) {
  while (avps.size() >= 8) {
    const std::uint32_t code = load32(avps.data());
    const std::uint32_t flags_and_length = load32(avps.data() + 4);
    const std::size_t length = flags_and_length & length_mask;
    const std::size_t header = (flags_and_length >> 31) != 0 ? 12 : 8;
    if (length < header || length > avps.size()) return;
    const std::string_view data = avps.substr(header, length - header);
    const std::uint32_t number = data.size() == 4 ? load32(data.data()) : 0;
    switch (code) {
      case 263:
        request.session_id = data;
        break;
      case 416:
        request.type = number;
        break;
      case 415:
        request.number = number;
        break;
      case 432:
        request.rating_group = number;
        break;
      case 443:
      case 446:
      case 456:
      case 873:
      case 874:
        walk(data, request);
        break;
      default:
        break;
    }
    avps.remove_prefix(std::min(avps.size(), (length + 3) & ~std::size_t{3}));
  }
}

void put_identity(std::string& out) {
  put_avp(out, 264, "ceiling.farthing.example");
  put_avp(out, 296, "farthing.example");
}

void put_grant(std::string& out, const Request& request) {
  static const std::string unit = [] {
    std::string total;
    put_avp(total, 421, std::string_view("\0\0\0\0\0\x0f\x42\x40", 8));  // 1,000,000 octets
    std::string granted;
    put_avp(granted, 431, total);
    return granted;
  }();
  const std::size_t begin = out.size();
  put_avp(out, 456, unit);
  put_avp32(out, 432, request.rating_group);
  put_avp32(out, 448, 3600);
  put_avp32(out, 268, 2001);
  store32(&out[begin + 4], 0x40000000u | static_cast<std::uint32_t>(out.size() - begin));
}

void put_answer(std::string& out, std::string_view message, std::uint32_t command) {
  const std::size_t begin = out.size();
  put32(out, 0);
  put32(out, command | (command == 272 ? 0x40000000u : 0));
  out.append(message.substr(8, 12));
  if (command == 272) {
    Request request;
    walk(message.substr(header_size_bytes), request);
    put_avp(out, 263, request.session_id);
    put_avp32(out, 268, 2001);
    put_identity(out);
    put_avp32(out, 258, 4);
    put_avp32(out, 416, request.type);
    put_avp32(out, 415, request.number);
    put_grant(out, request);
  } else {
    put_avp32(out, 268, 2001);
    put_identity(out);
    if (command == 257) {
      put_avp(out, 257, std::string_view("\0\1\x7f\0\0\1", 6));
      put_avp32(out, 266, 0);
      put_avp(out, 269, "ceiling");
      put_avp32(out, 258, 4);
    }
  }
  store32(&out[begin], (1u << 24) | static_cast<std::uint32_t>(out.size() - begin));
}

class Link;

// The requests at hand: what is to be made durable, and the answers that wait for it.
struct Batch {
  std::string record;
  std::vector<std::pair<std::shared_ptr<Link>, std::string>> answers;
};

// Writes one batch while the next one gathers.
class Committer {
 public:
  Committer(asio::io_context& io, rocksdb::DB& db) : io_(io), db_(db), thread_([this] { run(); }) {}
  ~Committer() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void add(std::string& record, std::shared_ptr<Link> link, std::string& answers) {
    {
      const std::lock_guard lock(mutex_);
      gathering_.record += record;
      gathering_.answers.emplace_back(std::move(link), std::move(answers));
    }
    wake_.notify_one();
    record.clear();
    answers.clear();
  }

 private:
  void run();

  asio::io_context& io_;
  rocksdb::DB& db_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Batch gathering_;
  bool stop_ = false;
  std::thread thread_;
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(tcp::socket socket, Committer& committer)
      : socket_(std::move(socket)), committer_(committer), input_(input_size_bytes) {}

  void read() {
    socket_.async_read_some(asio::buffer(input_.data() + filled_, input_.size() - filled_),
                            [self = shared_from_this()](const error_code& error, std::size_t got) {
                              if (error || !self->take(got)) return;
                              self->read();
                            });
  }

  void send(std::string& bytes) {
    waiting_ += bytes;
    write();
  }

 private:
  // False when what came is not Diameter.
  bool take(std::size_t got) {
    filled_ += got;
    std::string_view left(input_.data(), filled_);
    while (left.size() >= header_size_bytes) {
      const std::size_t length = load32(left.data()) & length_mask;
      if (length < header_size_bytes || length > input_.size()) return false;
      if (length > left.size()) break;
      const std::string_view message = left.substr(0, length);
      const std::uint32_t command = load32(message.data() + 4) & length_mask;
      put_answer(command == 272 ? answers_ : waiting_, message, command);
      if (command == 272) record_.append(message.substr(0, kept_of_request_bytes));
      left.remove_prefix(length);
    }
    std::memmove(input_.data(), left.data(), left.size());
    filled_ = left.size();
    if (!record_.empty()) committer_.add(record_, shared_from_this(), answers_);
    write();
    return true;
  }

  void write() {
    if (writing_ || waiting_.empty()) return;
    writing_ = true;
    output_.swap(waiting_);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        self->writing_ = false;
                        self->output_.clear();
                        if (!error) self->write();
                      });
  }

  tcp::socket socket_;
  Committer& committer_;
  std::vector<char> input_;
  std::size_t filled_ = 0;
  std::string record_;
  std::string answers_;
  std::string waiting_;
  std::string output_;
  bool writing_ = false;
};

void Committer::run() {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  for (std::uint64_t number = 1;; ++number) {
    Batch batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !gathering_.answers.empty(); });
      if (stop_) return;
      std::swap(batch, gathering_);
    }
    const std::uint64_t key = __builtin_bswap64(number);
    const rocksdb::Slice key_bytes(reinterpret_cast<const char*>(&key), sizeof key);
    if (!db_.Put(synced, key_bytes, batch.record).ok()) std::abort();
    asio::post(io_, [sent = std::move(batch)]() mutable {
      for (auto& [link, answers] : sent.answers) link->send(answers);
    });
  }
}

class Listener {
 public:
  Listener(asio::io_context& io, std::uint16_t port, Committer& committer)
      : acceptor_(io, {asio::ip::address_v4::loopback(), port}), committer_(committer) {
    accept();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (error) return;
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Link>(std::move(socket), committer_)->read();
      accept();
    });
  }

  tcp::acceptor acceptor_;
  Committer& committer_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: bench_ceiling PORT FOLDER\n");
    return 2;
  }
  const std::string folder = argv[2];
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::Open(options, folder, &opened);
  if (!status.ok()) {
    fmt::print(stderr, "bench_ceiling: {}\n", status.ToString());
    return 1;
  }
  const std::unique_ptr<rocksdb::DB> db(opened);
  asio::io_context io(1);
  Committer committer(io, *db);
  const Listener listener(io, static_cast<std::uint16_t>(std::atoi(argv[1])), committer);
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](const error_code&, int) { io.stop(); });
  fmt::print("ready diameter=127.0.0.1:{}\n", listener.port());
  std::fflush(stdout);
  io.run();
  return 0;
}
