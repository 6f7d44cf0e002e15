#include "engine/records/names.h"

#include "engine/tariff_versions.h"
#include "tariffs/tariff_file.h"

namespace farthing::engine::records {

namespace {

// Account numbers come from a file: a row for each up to the highest is made, so there is an end.
constexpr std::uint64_t accounts_max = std::uint64_t{1} << 32;

std::uint64_t subscriber_key(AccountNumber account, SubscriberNumber subscriber) {
  return account.value << 16 | subscriber.value;
}

void name(const Account& account, Who& one) {
  one.name = account.name;
  if (const Subscriber* const subscriber = account.subscriber(one.subscriber)) {
    one.msisdn = subscriber->msisdn;
    one.imsi = subscriber->imsi;
  }
}

}  // namespace

void find_names(const Book& book, std::span<Who> who) {
  for (Who& one : who) {
    if (const Account* const account = book.account(one.account)) name(*account, one);
  }
}

bool find_names(const storage::LedgerStore& store, std::span<Who> who) {
  for (Who& one : who) {
    if (!one.name.empty()) continue;
    const NumberKey number = number_key(one.account.value);
    const auto row = store.fetch(storage::Table::accounts, view(number));
    if (!row.has_value()) return false;
    Account account;
    if (row->has_value() && decode_account(**row, account)) name(account, one);
  }
  return true;
}

void NameTable::add(const Entry& entry) {
  if (!entry.account_opening && !entry.subscriber_opening) return;
  if (entry.account.value == 0 || entry.account.value > accounts_max) return;
  if (rows_.size() < entry.account.value) rows_.resize(entry.account.value);
  Row& row = rows_[entry.account.value - 1];
  if (entry.account_opening) {
    names_.emplace_back(entry.account_opening->name);
    row.name = static_cast<std::uint32_t>(names_.size());
  }
  if (!entry.subscriber_opening) return;
  const SubscriberOpening& opening = *entry.subscriber_opening;
  if (opening.number.value > 1) {
    others_[subscriber_key(entry.account, opening.number)] = {opening.msisdn, opening.imsi};
    return;
  }
  row.msisdn = opening.msisdn;
  row.imsi = opening.imsi;
  // The newest name only: its place is free again where nothing came after it.
  if (row.name == names_.size() && row.name > 0 && names_.back() == row.msisdn.digits()) {
    names_.pop_back();
    row.name = 0;
  }
}

void NameTable::find(std::span<Who> who) const {
  for (Who& one : who) {
    if (!one.name.empty()) continue;
    if (one.account.value == 0 || one.account.value > rows_.size()) continue;
    const Row& row = rows_[one.account.value - 1];
    one.name = row.name == 0 ? row.msisdn.digits() : names_[row.name - 1];
    if (one.subscriber.value == 1) {
      one.msisdn = row.msisdn;
      one.imsi = row.imsi;
    } else if (const auto other = others_.find(subscriber_key(one.account, one.subscriber));
               other != others_.end()) {
      std::tie(one.msisdn, one.imsi) = other->second;
    }
  }
}

const tariffs::Tariff* TariffNames::find(tariffs::TariffVersion version) {
  const auto [place, fresh] = tariffs_.try_emplace(version);
  if (fresh) {
    const std::string key = tariff_document_key(version);
    if (const auto source = store_.document(key)) {
      auto compiled = tariffs::compile_tariff(key, *source);
      if (compiled.has_value()) place->second = std::move(*compiled);
    }
  }
  return place->second.get();
}

}  // namespace farthing::engine::records
