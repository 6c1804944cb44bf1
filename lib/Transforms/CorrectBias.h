//===- CorrectBias.h - rounded weights move no means ------------*- C++ -*-===//

#ifndef MOPT_TRANSFORMS_CORRECTBIAS_H
#define MOPT_TRANSFORMS_CORRECTBIAS_H

#include "CalibratedLayers.h"
#include "RoundWeights.h"

namespace mopt {
/// Channels of a layer's input, as its weights say.
int64_t countInputChannels(const CalibratedLayer &layer);

/// Takes from the layer's result what rounding its weights adds to the mean of
/// each output channel: their change times `means`, which the input's channels
/// have (Nagel et al., Data-Free Quantization, 2019). `rounded` has no groups.
/// A layer whose weights are a batch of matrices stays as it is.
void correctBias(mlir::OpBuilder &b, const CalibratedLayer &layer,
                 const RoundedWeights &rounded, llvm::ArrayRef<double> means);
} // namespace mopt

#endif // MOPT_TRANSFORMS_CORRECTBIAS_H
