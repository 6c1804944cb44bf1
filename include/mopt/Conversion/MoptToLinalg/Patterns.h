//===- Patterns.h - lowering of mopt ops by family --------------*- C++ -*-===//

#ifndef MOPT_CONVERSION_MOPTTOLINALG_PATTERNS_H
#define MOPT_CONVERSION_MOPTTOLINALG_PATTERNS_H

namespace mlir {
class RewritePatternSet;
class TypeConverter;
} // namespace mlir

namespace mopt {
void populateContractionToLinalg(mlir::TypeConverter &types,
                                 mlir::RewritePatternSet &patterns);
void populateDataMovementToLinalg(mlir::TypeConverter &types,
                                  mlir::RewritePatternSet &patterns);
void populateDeterminantToLinalg(mlir::TypeConverter &types,
                                 mlir::RewritePatternSet &patterns);
void populateElementwiseToLinalg(mlir::TypeConverter &types,
                                 mlir::RewritePatternSet &patterns);
void populateGatherToLinalg(mlir::TypeConverter &types,
                            mlir::RewritePatternSet &patterns);
void populateNonMaxSuppressionToLinalg(mlir::TypeConverter &types,
                                       mlir::RewritePatternSet &patterns);
void populateOrderedReductionToLinalg(mlir::TypeConverter &types,
                                      mlir::RewritePatternSet &patterns);
void populateReductionToLinalg(mlir::TypeConverter &types,
                               mlir::RewritePatternSet &patterns);
void populateSamplingToLinalg(mlir::TypeConverter &types,
                              mlir::RewritePatternSet &patterns);
void populateScatterToLinalg(mlir::TypeConverter &types,
                             mlir::RewritePatternSet &patterns);
void populateSelectionToLinalg(mlir::TypeConverter &types,
                               mlir::RewritePatternSet &patterns);
void populateSlicingToLinalg(mlir::TypeConverter &types,
                             mlir::RewritePatternSet &patterns);
void populateTopKToLinalg(mlir::TypeConverter &types,
                          mlir::RewritePatternSet &patterns);
void populateWindowToLinalg(mlir::TypeConverter &types,
                            mlir::RewritePatternSet &patterns);
void populateWinogradToLinalg(mlir::TypeConverter &types,
                              mlir::RewritePatternSet &patterns);
} // namespace mopt

#endif // MOPT_CONVERSION_MOPTTOLINALG_PATTERNS_H
