// What people do to accounts: create them, add subscribers, say what those are and may use, suspend
// and terminate them, top up, adjust, subscribe. Each either enters one ledger entry and says
// which, or refuses and says why in a sentence for the person.
//
// Called on the shard's thread. An operation counts when its entry is durable: answer the person
// from Shard::when_durable. What takes a request id is idempotent by it: the same id with the same
// amount or content does nothing and gives the first entry; with anything else it is refused.
#pragma once

#include "engine/base/result.h"
#include "engine/renewal.h"
#include "engine/shard.h"

#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

struct Refusal {
  enum class Code {
    invalid,    // the words are wrong: an id, an amount, a number
    not_found,  // no such account, subscriber, offer, session
    conflict,   // it exists already, or the request id stands for something else
    refused,    // the balance or a limit says no
  };
  Code code = Code::invalid;
  std::string message;
};

struct Done {
  Sequence sequence;
  bool repeated = false;  // the request id was known: nothing was done again
};

using Operation = base::Result<Done, Refusal>;

// Account names: 1 to 64 characters from ! to ~ without comma and quotes.
bool is_account_name(std::string_view name);

Operation create_account(Shard& shard, std::string_view name, AccountKind kind, Money credit_limit,
                         const Note& note, Money minimum_balance = {});
// `msisdn` as people write it: digits, with or without a plus. `imsi` may be empty. `state`: with
// which its life begins, any but terminated.
Operation add_subscriber(Shard& shard, std::string_view msisdn, std::string_view account,
                         std::string_view imsi, const Note& note,
                         LifeState state = LifeState::active);
// Idempotent by request id, too. A subscriber that is terminated is not found any more: its numbers
// can be added anew.
Operation set_state(Shard& shard, std::string_view msisdn, LifeState state, const Note& note);
// Each attribute is named once; an empty value removes it.
Operation set_attributes(Shard& shard, std::string_view msisdn,
                         const tariffs::SubscriberAttributes& attributes, const Note& note);
// What prices with this switch price (tariffs/subscriber.h) is refused while it is off.
Operation set_switch(Shard& shard, std::string_view msisdn, std::string_view name, bool is_on,
                     const Note& note);
// Extends the validity of a prepaid account, as the tariff in force says; refused once its grace is
// over.
Operation top_up(Shard& shard, std::string_view account, Money amount, const Note& note);
Operation adjust(Shard& shard, std::string_view account, Money amount, const Note& note);

// --- Terms of an account (account_terms.h); idempotent by request id ---
// The credit limit is higher by `amount` until then; 0: not any more.
Operation set_temporary_credit(Shard& shard, std::string_view account, Money amount, Time until,
                               const Note& note);
Operation set_minimum_balance(Shard& shard, std::string_view account, Money amount,
                              const Note& note);
// The day of the month with which billing months begin, 1 to 28. What is counted already goes on to
// the end of the month that it was begun for.
Operation set_billing_day(Shard& shard, std::string_view account, std::uint8_t day,
                          const Note& note);
// `grace_until` is not before `until`. `never`: it has no end.
Operation set_validity(Shard& shard, std::string_view account, Time until, Time grace_until,
                       const Note& note);

// `begin`: when its first period begins and is paid; now where it is not said.
Operation add_subscription(Shard& shard, std::string_view msisdn, std::string_view offer,
                           const Note& note, std::optional<Time> begin = std::nullopt);
// One that renews ends now, or with the period that is paid. One that does not (its number is its
// bucket's) ends now; it is refused while a session holds units of it.
Operation end_subscription(Shard& shard, std::string_view msisdn, SubscriptionNumber number,
                           const Note& note, Ending ending = Ending::now);

// Another account that is to pay for a subscriber (payers.h).
struct PayerOrder {
  std::string account;
  std::vector<std::string> services =
      {};                         // by their names in the tariff in force: "data", "data/10"
  std::optional<Money> cap = {};  // in a calendar month
  tariffs::Percent share{tariffs::Percent::whole};
  tariffs::Rounding rounding = tariffs::Rounding::half_away_from_zero;
  // From 1 on, among those who pay for the subscriber; the others move. nullopt: a new one is the
  // last, one that pays already stays where it is.
  std::optional<std::size_t> position = {};
};
// One that pays already for the same services gets the new terms.
Operation add_payer(Shard& shard, std::string_view msisdn, const PayerOrder& order,
                    const Note& note);
// Refused while a session holds some of its money.
Operation remove_payer(Shard& shard, std::string_view msisdn, std::string_view account,
                       const Note& note);

// What the account pays in a calendar month for all of its members together; nullopt: no budget any
// more. Another one keeps what is spent.
Operation set_payer_budget(Shard& shard, std::string_view account, std::optional<Money> amount,
                           const Note& note);

// A number that the subscriber chooses (chosen.h), or gives up. Choosing it again does nothing.
Operation choose_number(Shard& shard, std::string_view msisdn, std::string_view number,
                        const Note& note);
Operation give_up_number(Shard& shard, std::string_view msisdn, std::string_view number,
                         const Note& note);

// The table of ported numbers is this one from now on. `document`: the file that it was read from.
Operation load_numbers(Shard& shard, std::shared_ptr<const tariffs::PortedNumbers> numbers,
                       SourceDocument document, const Note& note);

// A ceiling of the tariff in force (ceilings.h) does not hold for the subscriber until its
// counter's period ends: its consent.
Operation lift_ceiling(Shard& shard, std::string_view msisdn, std::string_view name,
                       const Note& note);
// It is reached with less than the tariff says. `value`: as tariff files write it, "30.00"; "": it
// is as the tariff says again.
Operation lower_ceiling(Shard& shard, std::string_view msisdn, std::string_view name,
                        std::string_view value, const Note& note);
// What the session holds goes back to its account; nothing more is charged.
Operation close_session(Shard& shard, std::string_view session_id, const Note& note = {});

// One line of an import: a subscriber, and its account with the first line that names it.
struct ImportRow {
  Identity msisdn;
  Identity imsi;  // may be none
  std::string account;
  tariffs::SubscriberAttributes attributes;  // of a new subscriber
  AccountKind kind = AccountKind::prepaid;
  Money balance;
  Money credit_limit;
};

// What a row would do: nothing where it is all there already; refused where it contradicts what is.
enum class ImportEffect { nothing, new_subscriber, new_account };
base::Result<ImportEffect, Refusal> check_import(const Shard& shard, const ImportRow& row);
// Does it. A row that has come to contradict what is since it was checked is refused.
Operation import_row(Shard& shard, const ImportRow& row, const Note& note);

// What is wrong with what is said of who did something and why; nullopt: nothing.
std::optional<Refusal> check_note(const Note& note);

// What is wrong with an attribute that somebody wants to set; nullopt: nothing.
std::optional<std::string> wrong_attribute(std::string_view name, std::string_view value);
// Why so many cannot be set at once; nullopt: they can. To be asked before anything that takes
// time.
std::optional<Refusal> too_many_attributes(std::size_t count);

// The subscriber that a person means by an MSISDN.
std::optional<Identity> parse_msisdn(std::string_view text);
base::Result<SubscriberRef, Refusal> find_subscriber(const Shard& shard, std::string_view msisdn);

}  // namespace farthing::engine
