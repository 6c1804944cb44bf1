//===- PanelPrefetch.h - shares of the next panel ---------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_PANELPREFETCH_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_PANELPREFETCH_H

#include "RegisterTile.h"

namespace mopt {
/// The share of the panel at `panel` (`steps` steps of `columns` elements) that
/// block `index` of `blocks` blocks of rows fetches.
PanelPrefetch getPanelPrefetch(IndexBuilder &ib, mlir::OpFoldResult panel,
                               mlir::OpFoldResult steps, int64_t columns,
                               mlir::OpFoldResult index,
                               mlir::OpFoldResult blocks);

/// Fetches `elements` elements from `position` on, the first level of the cache
/// being locality 3.
void emitPrefetch(IndexBuilder &ib, const LinearView &view,
                  mlir::OpFoldResult position, int64_t elements,
                  int64_t locality);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_PANELPREFETCH_H
