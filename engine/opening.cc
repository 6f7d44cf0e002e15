#include "engine/opening.h"

#include "engine/base/assert.h"
#include "engine/fields.h"
#include "storage/packed_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace farthing::engine {

namespace {

namespace fs = std::filesystem;
using storage::StoreError;

constexpr std::string_view first_line = "farthing opening balances, format 1\n";
constexpr std::uint32_t text_bytes_max = 1u << 28;  // no row is longer

// What a row is. The numbers stand in files.
enum class Kind : std::uint8_t {
  end = 0,
  cut = 1,
  state = 2,
  account = 3,
  session = 4,
  request = 5
};

class Writer {
 public:
  explicit Writer(storage::PackedWriter file) : file_(std::move(file)) {}

  base::Result<storage::Hash, StoreError> write(const Book& book, const LedgerCut& cut) {
    keep(file_.append(first_line));
    put(Kind::cut, {}, encode_cut(cut));
    BookState state = book.state();  // but what no ledger tells
    state.session_key_seed = 0;
    state.duplicates.clear();
    put(Kind::state, {}, encode_book_state(state));
    put_accounts(book);
    put_sessions(book);
    put_requests(book);
    put(Kind::end, {}, {});
    if (error_) return *error_;
    return file_.finish();
  }

 private:
  void put_accounts(const Book& book) {
    for (std::uint64_t number = 1; number <= book.account_count() && !error_; ++number) {
      const Account* const account = book.account(AccountNumber(number));
      FARTHING_ASSERT(account != nullptr);
      row_.clear();
      encode_account(*account, row_);
      put(Kind::account, view(number_key(number)), row_);
    }
  }
  void put_sessions(const Book& book) {
    std::vector<const Session*> sessions;
    for (std::size_t place = 0; place < book.session_places(); ++place) {
      if (const Session* const session = book.session_at(place)) sessions.push_back(session);
    }
    std::ranges::sort(sessions, {}, [](const Session* session) { return session->number; });
    for (const Session* session : sessions) {
      row_.clear();
      encode_session(*session, row_);
      put(Kind::session, view(number_key(session->number.value)), row_);
    }
  }
  void put_requests(const Book& book) {
    std::vector<std::pair<std::string_view, std::string>> requests;
    book.for_each_admin_request([&](std::string_view id, const AdminRequest& request) {
      requests.emplace_back(id, encode_admin_request(request));
    });
    std::ranges::sort(requests);
    for (const auto& [id, row] : requests) put(Kind::request, id, row);
  }

  void put(Kind kind, std::string_view key, std::string_view row) {
    std::string head(2 * base::ByteWriter::varint_bytes_max + 1, '\0');
    base::ByteWriter to(head.data());
    to.u8(static_cast<std::uint8_t>(kind));
    to.varint(key.size());
    to.varint(row.size());
    head.resize(static_cast<std::size_t>(to.position() - head.data()));
    for (std::string_view part : {std::string_view(head), key, row}) keep(file_.append(part));
  }
  void keep(base::Result<void, StoreError> done) {
    if (!done.has_value() && !error_) error_ = std::move(done).error();
  }

  storage::PackedWriter file_;
  std::string row_;
  std::optional<StoreError> error_;
};

class Reader {
 public:
  Reader(storage::PackedReader file, fs::path path)
      : file_(std::move(file)), path_(std::move(path)) {}

  base::Result<LedgerCut, StoreError> read(Book& book) {
    if (take(first_line.size()) != first_line) return wrong("is no file of opening balances");
    if (!next() || kind_ != Kind::cut || !read_cut()) return wrong("has no beginning");
    BookState state;
    if (!next() || kind_ != Kind::state || !decode_book_state(row_, state)) {
      return wrong("has no state of the book");
    }
    state.session_key_seed = book.state().session_key_seed;  // what no ledger tells
    book.recover(cut_.end.last, state);
    std::uint64_t accounts = 0;
    while (next() && kind_ != Kind::end) {
      if (!load(book)) return wrong(fmt::format("has a row ({}) that is malformed", rows_));
      if (kind_ == Kind::account) ++accounts;
    }
    if (kind_ != Kind::end || accounts != state.account_count) return wrong("is not whole");
    take(1);
    if (error_) return *error_;
    if (!is_at_end_) return wrong("goes on behind its end");
    cut_.opening = file_.hash();
    return cut_;
  }

 private:
  bool read_cut() {
    base::ByteReader in(row_);
    return engine::read(in, cut_) && in.at_end();
  }

  bool load(Book& book) {
    const std::uint64_t number = read_number_key(key_).value_or(0);
    AdminRequest request;
    switch (kind_) {
      case Kind::account:
        return number == book.accounts().size() + 1 &&
               book.load_account(AccountNumber(number), row_) != nullptr;
      case Kind::session:
        return book.load_session(SessionNumber(number), row_);
      case Kind::request:
        if (!decode_admin_request(row_, request)) return false;
        book.load_admin_request(key_, request);
        return true;
      case Kind::end:
      case Kind::cut:
      case Kind::state:
        break;
    }
    return false;
  }

  // False: the file has no more, or cannot be read.
  bool next() {
    const std::string_view kind = take(1);
    if (kind.empty() || static_cast<std::uint8_t>(kind[0]) > 5) return false;
    kind_ = static_cast<Kind>(kind[0]);
    const std::optional<std::size_t> key_bytes = take_size();
    const std::optional<std::size_t> row_bytes = take_size();
    if (!key_bytes || !row_bytes) return false;
    key_ = take(*key_bytes);
    row_ = take(*row_bytes);
    ++rows_;
    return key_.size() == *key_bytes && row_.size() == *row_bytes;
  }
  std::optional<std::size_t> take_size() {
    std::string bytes;
    do {
      const std::string_view byte = take(1);
      if (byte.empty()) return std::nullopt;
      bytes += byte;
    } while ((bytes.back() & 0x80) != 0 && bytes.size() < base::ByteWriter::varint_bytes_max);
    base::ByteReader in(bytes);
    const std::uint64_t size = in.varint();
    if (!in.ok() || size > text_bytes_max) return std::nullopt;
    return size;
  }
  // The next bytes; fewer where the content ends before. Hold until the next call.
  std::string_view take(std::size_t size) {
    if (buffer_.size() - at_ < size) {
      buffer_.erase(0, at_);
      at_ = 0;
    }
    while (buffer_.size() - at_ < size && !is_at_end_) {
      const auto piece = file_.next();
      if (!piece.has_value()) error_ = piece.error();
      is_at_end_ = !piece.has_value() || piece->empty();
      if (!is_at_end_) buffer_ += *piece;
    }
    const std::string_view taken = std::string_view(buffer_).substr(at_, size);
    at_ += taken.size();
    return taken;
  }

  StoreError wrong(std::string_view what) const {
    if (error_) return *error_;
    return {StoreError::Code::corrupt, cut_.end.last,
            fmt::format("{} {}; restore it from a copy", path_.string(), what)};
  }

  storage::PackedReader file_;
  fs::path path_;
  LedgerCut cut_;
  Kind kind_ = Kind::end;
  std::string key_;
  std::string row_;
  std::uint64_t rows_ = 0;
  std::string buffer_;
  std::size_t at_ = 0;
  bool is_at_end_ = false;
  std::optional<StoreError> error_;
};

}  // namespace

std::string opening_file_name(Sequence last) { return fmt::format("opening-{:020}", last.value); }

std::string cut_document_key(Sequence last) { return fmt::format("cut/{:020}", last.value); }

std::string encode_cut(const LedgerCut& cut) {
  std::string out(cut_size_bound, '\0');
  base::ByteWriter to(out.data());
  write(to, cut);
  out.resize(static_cast<std::size_t>(to.position() - out.data()));
  return out;
}

base::Result<storage::Hash, StoreError> write_opening(const fs::path& folder, const Book& book,
                                                      const storage::LedgerEnd& end,
                                                      const SideSums& sums) {
  FARTHING_ASSERT(book.last() == end.last && book.is_everything_here());
  auto file = storage::PackedWriter::create(folder / opening_file_name(end.last));
  if (!file.has_value()) return file.error();
  return Writer(std::move(*file)).write(book, {end, {}, sums});
}

void remove_openings_before(const fs::path& folder, Sequence last) {
  const std::string oldest = opening_file_name(last);
  const std::string_view start = std::string_view(oldest).substr(0, oldest.find('-') + 1);
  std::vector<fs::path> old;
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(folder, ignored)) {
    const std::string name = file.path().filename().string();
    const bool is_ours = name.size() == oldest.size() && name.starts_with(start) &&
                         name.find_first_not_of("0123456789", start.size()) == std::string::npos;
    if (is_ours && name < oldest) old.push_back(file.path());
  }
  for (const fs::path& file : old) fs::remove(file, ignored);
}

base::Result<LedgerCut, StoreError> read_opening(const fs::path& folder, Sequence last,
                                                 Book& book) {
  const fs::path path = folder / opening_file_name(last);
  auto file = storage::PackedReader::open(path);
  if (!file.has_value()) return file.error();
  return Reader(std::move(*file), path).read(book);
}

}  // namespace farthing::engine
