// A tariff as large as an operator's, for measuring: 100,000 prefixes in 200 zones, 500 offers,
// prices by zone and time, caps that repeat within a month, a threshold, eight counters. The same
// at every call.
#pragma once

#include "tariffs/tariff_source.h"

#include <cstdint>
#include <string>

namespace farthing::bench {

constexpr std::uint32_t large_prefixes = 100'000;
constexpr std::uint32_t large_offers = 500;
constexpr std::uint64_t large_internet_stretch = 2u << 20;  // octets of data-month, each capped
constexpr std::uint64_t large_video_stretch = 1u << 20;     // of data-paid

tariffs::TariffSource large_tariff();

// "offer-7"; of those with an odd number for data, of the others for voice.
std::string large_offer_name(std::uint32_t number);

}  // namespace farthing::bench
