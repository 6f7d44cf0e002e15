// Payers: other accounts that pay for what a subscriber uses, an employer or a sponsor, say.
//
// A payer lends for what it covers: what is used, and what grants hold. Both accounts are the
// shard's, so nothing is lent ahead: the decision about a request knows how much each payer may
// lend, the member's entry says by Side::lent what was taken or given back, and the payer's own
// entry, in the same record, takes it from or adds it to its main balance. So members share what
// there is to the last unit, nothing is kept where nobody needs it, and the legs of lent money add
// up to nothing.
//
// Payers pay before the account's own money, in the order that is told (PayerChange::place), else
// in which they were added; each up to what it has (its credit limit included), to its cap for the
// subscriber and to its account's budget for all members together, both in a calendar month of the
// tariff's time zone. What is used counts to the month in which it was charged; what grants hold
// counts to both limits until it is used or given back. What a budget held or spent before it was
// set: the one counts, the other does not.
//
// A payer may pay a share. Then F, all that fell to it so far of one segment, is kept with the
// session: of each charge of the segment (what allowances leave to be paid) that which payers
// before it did not pay. Of a charge that adds f to F it pays share(F + f) - share(F), rounded as
// its terms say, or as much of it as it may; what it does not pay goes to the next one and at last
// to the subscriber's account. F grows whether the payer could pay or not. So the parts of a
// session depend on its sum and not on how reports cut it: share() rises by no more than F does, so
// what is left to the next one rises, too, and has an F of its own; and what one cannot pay now is
// not made up for later. For the same reason a grant's whole cost holds enough on all sides for any
// part of it: grants are as large as all of them can pay together. Where the subscriber cannot pay
// its part of a charge that is made, it is overage: the payer pays no more than its share. What a
// falling slab gives back takes f off F, and each share gets share(F) - share(F - f), but no more
// than it paid of the segment. A refund gives back as if it was a charge of its own.
//
// Threads: the shard's.
#pragma once

#include "engine/book.h"
#include "engine/worksheet.h"
#include "tariffs/tariff.h"

#include <vector>

namespace farthing::engine {

inline constexpr std::size_t payers_max = 4;        // of one subscriber
inline constexpr std::uint8_t payer_priority = 50;  // before gifts, which have 100 if not told

// What the subscriber's payers may lend now; of one that is not in the book, nothing.
void find_lendings(const Account& member, SubscriberNumber subscriber, const Book& book,
                   const tariffs::TariffHistory& tariffs, Time now, std::vector<Lending>& found);

// What the entry moves of the money of one payer's bucket.
struct LentMoney {
  std::int64_t lent = 0;  // used or held
  std::int64_t held = 0;
};
LentMoney lent_by(const Entry& entry, BucketNumber bucket);

// Whether anything may have been lent, given back, or used of what was lent by the entry.
bool moves_lent_money(const Entry& entry);

// What the entry, number `own`, of the member means for the payer: money given or got back, and its
// budget. `terms`: as they are after the entry. `payment` is made anew. False: nothing.
bool pay_for(const Entry& entry, Sequence own, const PayerChange& terms, const Book& book,
             Entry& payment);

// The budget when so much more of it is spent in that month and held.
PayerBudget spend(const PayerBudget& budget, std::int64_t spent, std::int64_t held,
                  const tariffs::TimeSpan& month);

// What grants hold of the account's money that others use. Cost: linear in the accounts in memory;
// who holds anything is there.
std::int64_t held_for_members(const Book& book, AccountNumber payer);

}  // namespace farthing::engine
