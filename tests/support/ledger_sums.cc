#include "tests/support/ledger_sums.h"

#include "engine/entry.h"

#include <gtest/gtest.h>

namespace farthing::test {

using namespace engine;

LedgerSums ledger_sums(const storage::LedgerStore& store) {
  LedgerSums sums;
  std::map<std::uint64_t, Charged> sessions;
  std::map<std::uint64_t, std::uint64_t> account_of;
  Entry entry;
  const auto scanned = store.scan(Sequence(1), [&](const storage::Record& record) {
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
      EXPECT_TRUE(decode_entry(body, own, entry));
      Charged charged;
      for (const Leg& leg : entry.legs) {
        if (leg.side == Side::revenue) charged.charged_micros += leg.amount;
        if (leg.side == Side::overage) charged.overage_micros -= leg.amount;
      }
      Charged& account = sums.accounts[entry.account.value];
      account.charged_micros += charged.charged_micros;
      account.overage_micros += charged.overage_micros;
      const bool closes = entry.kind == EntryKind::session_terminated ||
                          entry.kind == EntryKind::session_expired ||
                          entry.kind == EntryKind::session_closed;
      const bool is_event =
          entry.kind == EntryKind::event_debited || entry.kind == EntryKind::event_refunded ||
          (entry.kind == EntryKind::subscription_added && charged.charged_micros != 0);
      if (closes || is_event) sums.closings.insert(own.value);
      if (!entry.session) continue;
      const std::uint64_t session =
          entry.session->session.value == 0 ? own.value : entry.session->session.value;
      Charged& sum = sessions[session];
      sum.charged_micros += charged.charged_micros;
      sum.overage_micros += charged.overage_micros;
      account_of[session] = entry.account.value;
      if (closes) sessions.erase(session);
    }
    return true;
  });
  EXPECT_TRUE(scanned.has_value());
  for (const auto& [session, charged] : sessions) {
    Charged& open = sums.open[account_of[session]];
    open.charged_micros += charged.charged_micros;
    open.overage_micros += charged.overage_micros;
  }
  return sums;
}

}  // namespace farthing::test
