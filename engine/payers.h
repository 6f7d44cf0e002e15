// Payers: other accounts that pay for what a subscriber uses, an employer or a sponsor, say.
//
// A payer lends for what it covers: what is used, and what grants hold. Both accounts are the
// shard's, so nothing is lent ahead: the decision about a request knows how much each payer may
// lend, the member's entry says by Side::lent what was taken or given back, and the payer's own
// entry, in the same record, takes it from or adds it to its main balance. So members share what
// there is to the last unit, nothing is kept where nobody needs it, and the legs of lent money add
// up to nothing.
//
// Payers pay before the account's own money, in the order in which they were added; each up to what
// it has (its credit limit included) and to its cap in a calendar month of the tariff's time zone.
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

// Whether anything was lent or given back by the entry.
bool moves_lent_money(const Entry& entry);

// What the entry, number `own`, of the member means for the payer: money given or got back.
// `payment` is made anew. False: nothing.
bool pay_for(const Entry& entry, Sequence own, const PayerChange& terms, const Book& book,
             Entry& payment);

}  // namespace farthing::engine
