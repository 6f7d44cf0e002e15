// Result<T, E>: a value or the error that stands for it. Errors of operation (input, files, peers)
// are values; see engine/base/assert.h for the other kind.
#pragma once

#include <boost/system/result.hpp>

namespace farthing::base {

template <class T, class E>
using Result = boost::system::result<T, E>;

}  // namespace farthing::base
