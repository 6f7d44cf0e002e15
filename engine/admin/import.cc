#include "engine/admin/import.h"

#include "engine/admin/amount.h"
#include "tariffs/file_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace farthing::engine::admin {

namespace {

constexpr std::string_view header = "msisdn,imsi,account,kind,balance,credit_limit";
constexpr std::size_t column_count = 6;
constexpr std::string_view attributes_header = "msisdn";
constexpr std::size_t lines_of_account_max = 10'000;
constexpr std::size_t rows_per_check = 2000;
constexpr std::size_t rows_per_write = 500;

std::string_view header_of(ImportKind kind) {
  return kind == ImportKind::subscribers ? header : attributes_header;
}

// Takes the next field off the front of a line; nullopt: it has no more.
std::optional<std::string_view> take_field(std::optional<std::string_view>& line) {
  if (!line) return std::nullopt;
  const std::size_t comma = line->find(',');
  const std::string_view field = line->substr(0, comma);
  if (comma == std::string_view::npos) {
    line.reset();
  } else {
    line->remove_prefix(comma + 1);
  }
  return field;
}

bool parse_money(std::string_view name, std::string_view text, Money& money, std::string& wrong) {
  money = Money();
  if (text.empty()) return true;
  const auto amount = parse_amount(text);
  if (!amount.has_value()) {
    wrong = fmt::format("{}: {}", name, amount.error());
  } else if (amount->micros < 0 || amount->micros > account_money_max.micros) {
    wrong = fmt::format("{}: {} is not between 0 and {}", name, amount->to_string(),
                        account_money_max.to_string());
  } else {
    money = *amount;
    return true;
  }
  return false;
}

Needs needs_of(const std::vector<ImportLine>& lines) {
  Needs needs;
  for (const ImportLine& line : lines) {
    if (!line.row.account.empty()) needs.names.push_back(line.row.account);
    for (Identity identity : {line.row.msisdn, line.row.imsi}) {
      if (identity.kind() != Identity::Kind::none) needs.identities.push_back(identity);
    }
  }
  return needs;
}

// What the row contradicts in the book; nullopt: nothing.
std::optional<std::string> contradiction(const Shard& shard, const ImportLine& line) {
  const auto effect = check_import(shard, line.row);
  if (!effect.has_value()) return effect.error().message;
  const Account* const account = shard.book().find_account(line.row.account);
  if (account == nullptr) return std::nullopt;
  if (*effect == ImportEffect::nothing) {
    const auto known = shard.book().find_subscriber(line.row.msisdn);
    if (account->subscriber(known->subscriber)->imsi != line.row.imsi) {
      return fmt::format("{} is known with another IMSI", line.row.msisdn.digits());
    }
  }
  if (!line.first_of_account) return std::nullopt;
  if (account->kind != line.row.kind) {
    return fmt::format("account {} exists and is {}, not {}", account->name,
                       kind_name(account->kind), kind_name(line.row.kind));
  }
  if (account->credit_limit_micros != line.row.credit_limit.micros) {
    return fmt::format("account {} exists with a credit limit of {}", account->name,
                       Money(account->credit_limit_micros).to_string());
  }
  if (*effect != ImportEffect::nothing && line.row.balance.micros != 0) {
    return fmt::format("account {} exists; leave its balance empty and use: farthing balance topup",
                       account->name);
  }
  return std::nullopt;
}

}  // namespace

void ImportErrors::add(std::uint64_t line, std::string message) {
  if (first.size() < shown_max) first.push_back({line, std::move(message)});
  ++count;
}

ImportFile::ImportFile(std::string_view text, ImportKind kind)
    : kind_(kind), text_(text), rest_(text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
  if (!read_header()) {
    if (errors_.count > 0) return;
    errors_.add(std::max<std::uint64_t>(line_number_, 1),
                fmt::format("the first line is not the header {}{}", header_of(kind_),
                            kind_ == ImportKind::attributes ? " and columns attr.NAME" : ""));
    return;
  }
  rows_text_ = rest_;
  header_line_ = line_number_;
  std::string_view line;
  while (next_line(line)) {
    if (!line.empty()) check(line);
  }
  rewind();
}

void ImportFile::rewind() {
  rest_ = rows_text_;
  line_number_ = header_line_;
}

bool ImportFile::read_header() {
  std::string_view line;
  if (!next_line(line) || !line.starts_with(header_of(kind_))) return false;
  line.remove_prefix(header_of(kind_).size());
  if (line.empty()) return kind_ == ImportKind::subscribers;
  return line.front() == ',' && read_attribute_columns(line.substr(1));
}

// False: there is an error now.
bool ImportFile::read_attribute_columns(std::string_view columns) {
  constexpr std::string_view prefix = "attr.";
  std::optional<std::string_view> rest = columns;
  while (const auto column = take_field(rest)) {
    const std::string name(column->substr(std::min(prefix.size(), column->size())));
    if (!column->starts_with(prefix) || !tariffs::is_label(name)) {
      errors_.add(line_number_, fmt::format("the column {} is none; expected attr. and {}",
                                            tariffs::in_quotes(*column), tariffs::label_form));
    } else if (std::ranges::find(attribute_names_, name) != attribute_names_.end()) {
      errors_.add(line_number_, fmt::format("the column {} is there twice", *column));
    } else if (attribute_names_.size() == Profile::attributes_max) {
      errors_.add(line_number_,
                  fmt::format("a subscriber has at most {} attributes", Profile::attributes_max));
      return false;
    } else {
      attribute_names_.push_back(name);
    }
  }
  return errors_.count == 0;
}

bool ImportFile::next_line(std::string_view& line) {
  if (rest_.empty()) return false;
  const std::size_t end = rest_.find('\n');
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++line_number_;
  return true;
}

bool ImportFile::parse(std::string_view text, ImportLine& line, std::string_view& account,
                       bool& has_terms, std::string& wrong) const {
  const std::size_t columns = kind_ == ImportKind::subscribers ? column_count : 1;
  const auto commas = static_cast<std::size_t>(std::ranges::count(text, ','));
  if (commas + 1 != columns + attribute_names_.size()) {
    wrong =
        fmt::format("it has not the {} fields {}{}", columns + attribute_names_.size(),
                    header_of(kind_), attribute_names_.empty() ? "" : " and those of attributes");
    return false;
  }
  std::array<std::string_view, column_count> fields;
  std::optional<std::string_view> rest = text;
  for (std::size_t i = 0; i < columns; ++i) fields[i] = *take_field(rest);
  std::string_view& msisdn = fields.front();
  if (msisdn.starts_with('+')) msisdn.remove_prefix(1);
  const auto number = Identity::make(Identity::Kind::e164, msisdn);
  if (!number) {
    wrong = fmt::format("msisdn: {} is not up to 15 digits", tariffs::in_quotes(msisdn));
    return false;
  }
  line.row.msisdn = *number;
  if (kind_ == ImportKind::subscribers &&
      !parse_subscriber(fields, line, account, has_terms, wrong)) {
    return false;
  }
  return parse_attributes(rest.value_or(""), line.row, wrong);
}

bool ImportFile::parse_subscriber(std::span<const std::string_view> fields, ImportLine& line,
                                  std::string_view& account, bool& has_terms,
                                  std::string& wrong) const {
  const std::string_view imsi = fields[1];
  const std::string_view kind = fields[3];
  const std::string_view balance = fields[4];
  const std::string_view limit = fields[5];
  const auto card = imsi.empty() ? Identity() : Identity::make(Identity::Kind::imsi, imsi);
  if (!card) {
    wrong = fmt::format("imsi: {} is not up to 15 digits", tariffs::in_quotes(imsi));
    return false;
  }
  account = fields[2].empty() ? fields[0] : fields[2];
  if (!is_account_name(account)) {
    wrong = fmt::format(
        "account: {} is not 1 to 64 printable characters without space, slash or "
        "quote",
        tariffs::in_quotes(account));
    return false;
  }
  const auto parsed_kind = parse_account_kind(kind.empty() ? "prepaid" : kind);
  if (!parsed_kind) {
    wrong = fmt::format("kind: {} is not prepaid, postpaid or hybrid", tariffs::in_quotes(kind));
    return false;
  }
  has_terms = !kind.empty() || !balance.empty() || !limit.empty();
  line.row.imsi = *card;
  line.row.account = account;
  line.row.kind = *parsed_kind;
  if (!parse_money("balance", balance, line.row.balance, wrong)) return false;
  if (!parse_money("credit_limit", limit, line.row.credit_limit, wrong)) return false;
  if (*parsed_kind == AccountKind::prepaid && line.row.credit_limit.micros != 0) {
    wrong = "a prepaid account has no credit limit; make it hybrid or postpaid";
    return false;
  }
  return true;
}

// An empty field says nothing.
bool ImportFile::parse_attributes(std::string_view text, ImportRow& row, std::string& wrong) const {
  row.attributes.clear();
  std::optional<std::string_view> rest = text;
  for (const std::string& name : attribute_names_) {
    const std::string_view value = *take_field(rest);
    if (value.empty()) continue;
    if (auto why = wrong_attribute(name, value)) {
      wrong = std::move(*why);
      return false;
    }
    row.attributes.push_back({name, std::string(value)});
  }
  return true;
}

void ImportFile::check_identity(Identity identity, std::string_view what) {
  if (identity.kind() == Identity::Kind::none) return;
  const auto [place, fresh] = identities_.try_emplace(identity.bits(), line_number_);
  if (fresh) return;
  errors_.add(line_number_, fmt::format("{} {} stands in line {} already", what, identity.digits(),
                                        place->second));
}

void ImportFile::check(std::string_view text) {
  ++rows_;
  ImportLine line;
  std::string_view account;
  bool has_terms = false;
  std::string wrong;
  if (!parse(text, line, account, has_terms, wrong)) {
    errors_.add(line_number_, std::move(wrong));
    return;
  }
  check_identity(line.row.msisdn, "msisdn");
  if (kind_ == ImportKind::attributes) return;
  check_identity(line.row.imsi, "imsi");
  const auto [place, fresh] = accounts_.try_emplace(account, AccountLines{line_number_, 0});
  if (!fresh && has_terms) {
    errors_.add(line_number_, fmt::format("account {} begins in line {}: kind, balance and "
                                          "credit_limit stand there only",
                                          account, place->second.first));
  }
  if (++place->second.count == lines_of_account_max + 1) {
    errors_.add(line_number_, fmt::format("account {} has more than {} subscribers", account,
                                          lines_of_account_max));
  }
}

bool ImportFile::next(std::size_t count, std::vector<ImportLine>& lines) {
  std::size_t filled = 0;
  std::string_view text;
  while (filled < count && next_line(text)) {
    if (text.empty()) continue;
    if (filled == lines.size()) lines.emplace_back();
    ImportLine& line = lines[filled++];
    std::string_view account;
    bool has_terms = false;
    std::string wrong;
    if (!parse(text, line, account, has_terms, wrong)) return false;
    line.number = line_number_;
    line.first_of_account =
        kind_ == ImportKind::subscribers && accounts_[account].first == line_number_;
  }
  lines.resize(filled);
  return filled > 0;
}

ImportResult import_file(ImportFile& file, ShardAccess& shard, const Note& note,
                         const ImportProgress& progress) {
  ImportResult result;
  std::vector<ImportLine> lines;
  std::uint64_t rows = 0;
  file.rewind();
  while (file.next(rows_per_check, lines)) {
    const Visited ran = shard.visit(needs_of(lines), [&](Shard& at) {
      for (const ImportLine& line : lines) {
        if (auto wrong = contradiction(at, line)) result.errors.add(line.number, std::move(*wrong));
      }
    });
    if (!ran) {
      result.stopped = ran.why();
      return result;
    }
    rows += lines.size();
    progress("checking", rows);
  }
  if (result.errors.count > 0) return result;

  result.written = true;
  rows = 0;
  file.rewind();
  while (file.next(rows_per_write, lines)) {
    Needs needs = needs_of(lines);
    needs.room = true;
    const Visited ran = shard.visit(std::move(needs), [&](Shard& at) {
      for (const ImportLine& line : lines) {
        const std::uint64_t accounts = at.book().account_count();
        const Operation done = import_row(at, line.row, note);
        if (!done.has_value()) {
          result.errors.add(line.number, done.error().message);
        } else if (done->repeated) {
          ++result.unchanged;
        } else {
          ++result.subscribers_added;
          result.accounts_created += at.book().account_count() - accounts;
        }
      }
    });
    if (!ran) {
      result.stopped = ran.why();
      return result;
    }
    rows += lines.size();
    progress("writing", rows);
  }
  return result;
}

AttributesResult import_attributes(ImportFile& file, ShardAccess& shard, const Note& note,
                                   const ImportProgress& progress) {
  AttributesResult result;
  std::vector<ImportLine> lines;
  // Visits the shard with slices of the file. False: it was stopped.
  const auto visit_all = [&](std::size_t rows_at_once, std::string_view phase, bool writes,
                             const auto& visit) {
    std::uint64_t rows = 0;
    file.rewind();
    while (file.next(rows_at_once, lines)) {
      Needs needs = needs_of(lines);
      needs.room = writes;
      const Visited ran = shard.visit(std::move(needs), [&](Shard& at) {
        for (const ImportLine& line : lines) visit(at, line);
      });
      if (!ran) {
        result.stopped = ran.why();
        return false;
      }
      rows += lines.size();
      progress(phase, rows);
    }
    return true;
  };
  const auto check = [&](Shard& at, const ImportLine& line) {
    const auto known = find_subscriber(at, line.row.msisdn.digits());
    if (!known.has_value()) result.errors.add(line.number, known.error().message);
  };
  if (!visit_all(rows_per_check, "checking", false, check) || result.errors.count > 0) {
    return result;
  }
  result.written = true;
  visit_all(rows_per_write, "writing", true, [&](Shard& at, const ImportLine& line) {
    if (line.row.attributes.empty()) {
      ++result.unchanged;
      return;
    }
    const Operation done = set_attributes(at, line.row.msisdn.digits(), line.row.attributes, note);
    if (!done.has_value()) {
      result.errors.add(line.number, done.error().message);
    } else {
      ++(done->repeated ? result.unchanged : result.changed);
    }
  });
  return result;
}

}  // namespace farthing::engine::admin
