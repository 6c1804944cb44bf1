// The onnx dialect: generic nodes, printed with their operator's name first.
#include "mopt/Dialect/ONNX/IR/ONNX.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mopt::onnx;

#include "mopt/Dialect/ONNX/IR/ONNXDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "mopt/Dialect/ONNX/IR/ONNXTypes.cpp.inc"
#define GET_OP_CLASSES
#include "mopt/Dialect/ONNX/IR/ONNXOps.cpp.inc"

void ONNXDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "mopt/Dialect/ONNX/IR/ONNXTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "mopt/Dialect/ONNX/IR/ONNXOps.cpp.inc"
      >();
}

Type mopt::onnx::getElementType(MLIRContext *context, int64_t dataType) {
  Builder b(context);
  auto integer = [&](unsigned width, bool isUnsigned = false) {
    return IntegerType::get(context, width,
                            isUnsigned ? IntegerType::Unsigned
                                       : IntegerType::Signless);
  };
  switch (dataType) {
  case 1:
    return b.getF32Type();
  case 2:
    return integer(8, true);
  case 3:
    return integer(8);
  case 4:
    return integer(16, true);
  case 5:
    return integer(16);
  case 6:
    return integer(32);
  case 7:
    return integer(64);
  case 9:
    return integer(1);
  case 10:
    return b.getF16Type();
  case 11:
    return b.getF64Type();
  case 12:
    return integer(32, true);
  case 13:
    return integer(64, true);
  case 16:
    return b.getBF16Type();
  case 17:
    return Float8E4M3FNType::get(context);
  case 18:
    return Float8E4M3FNUZType::get(context);
  case 19:
    return Float8E5M2Type::get(context);
  case 20:
    return Float8E5M2FNUZType::get(context);
  case 21:
    return integer(4, true);
  case 22:
    return integer(4);
  case 23:
    return Float4E2M1FNType::get(context);
  case 24:
    return Float8E8M0FNUType::get(context);
  case 25:
    return integer(2, true);
  case 26:
    return integer(2);
  default:
    return {};
  }
}

LogicalResult NodeOp::verify() {
  if (std::optional<int64_t> opset = getOpset(); opset && *opset < 1)
    return emitOpError("expected an opset version of at least 1, found ")
           << *opset;
  if (getRegionNames().size() != getNumRegions())
    return emitOpError("expected a name for each of its ")
           << getNumRegions() << " regions, found " << getRegionNames().size();
  for (auto [region, name] :
       llvm::zip_equal(getBodies(), getRegionNames().getValue())) {
    if (!region.hasOneBlock() || region.front().empty() ||
        !isa<YieldOp>(region.front().back()))
      return emitOpError("expected region ")
             << name << " to be one block that ends in 'onnx.yield'";
  }
  return success();
}

void NodeOp::build(OpBuilder &builder, OperationState &state, TypeRange outputs,
                   StringRef opType, ValueRange inputs,
                   ArrayRef<NamedAttribute> attributes) {
  build(builder, state, outputs, builder.getStringAttr(opType),
        builder.getStringAttr(""), builder.getDictionaryAttr(attributes),
        builder.getArrayAttr({}), /*opset=*/IntegerAttr(), inputs,
        /*bodiesCount=*/0);
}

int64_t NodeOp::getOpsetVersion() {
  if (std::optional<int64_t> own = getOpset())
    return *own;
  auto module = (*this)->getParentOfType<ModuleOp>();
  if (!module)
    return 0;
  auto opsets = module->getAttrOfType<DictionaryAttr>(kOpsetsAttr);
  auto version = opsets ? opsets.getAs<IntegerAttr>(
                              getDomain().empty() ? "ai.onnx" : getDomain())
                        : IntegerAttr();
  return version ? version.getInt() : 0;
}

// onnx.node "Op" [domain "d"] [opset n] (%inputs) {attributes} ["name"
// {region}]*
//     : functional-type
ParseResult NodeOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &b = parser.getBuilder();
  std::string opType, domain;
  if (parser.parseString(&opType))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("domain")) &&
      parser.parseString(&domain))
    return failure();
  result.addAttribute(getOpTypeAttrName(result.name), b.getStringAttr(opType));
  result.addAttribute(getDomainAttrName(result.name), b.getStringAttr(domain));

  int64_t opset;
  if (succeeded(parser.parseOptionalKeyword("opset"))) {
    if (parser.parseInteger(opset))
      return failure();
    result.addAttribute(getOpsetAttrName(result.name),
                        b.getI64IntegerAttr(opset));
  }

  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SMLoc loc = parser.getCurrentLocation();
  NamedAttrList attributes;
  if (parser.parseOperandList(operands, OpAsmParser::Delimiter::Paren) ||
      parser.parseOptionalAttrDict(attributes))
    return failure();
  result.addAttribute(getNodeAttributesAttrName(result.name),
                      attributes.getDictionary(b.getContext()));

  SmallVector<Attribute> names;
  std::string name;
  while (succeeded(parser.parseOptionalString(&name))) {
    names.push_back(b.getStringAttr(name));
    SmallVector<OpAsmParser::Argument> arguments;
    if (parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren,
                                 /*allowType=*/true, /*allowAttrs=*/false) ||
        parser.parseRegion(*result.addRegion(), arguments))
      return failure();
  }
  result.addAttribute(getRegionNamesAttrName(result.name),
                      b.getArrayAttr(names));

  FunctionType type;
  if (parser.parseColonType(type) ||
      parser.resolveOperands(operands, type.getInputs(), loc, result.operands))
    return failure();
  result.addTypes(type.getResults());
  return success();
}

void NodeOp::print(OpAsmPrinter &p) {
  p << ' ' << getOpTypeAttr();
  if (!getDomain().empty())
    p << " domain " << getDomainAttr();
  if (std::optional<int64_t> opset = getOpset())
    p << " opset " << *opset;
  p << '(' << getInputs() << ')';
  p.printOptionalAttrDict(getNodeAttributes().getValue());
  for (auto [region, name] : llvm::zip_equal(getBodies(), getRegionNames())) {
    p << ' ' << name << '(';
    llvm::interleaveComma(region.getArguments(), p, [&](BlockArgument arg) {
      p.printRegionArgument(arg);
    });
    p << ") ";
    p.printRegion(region, /*printEntryBlockArgs=*/false);
  }
  p << " : ";
  p.printFunctionalType(getOperation());
}
